import { inspect } from 'node:util';
import { HTTPClient, Mistral } from '@mistralai/mistralai';
import type { OperatorFunction } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type CallOptions,
  chatComplete,
  chatStream,
  errorAsEvent,
  isRxMistralError,
  RxMistralError,
  type RxMistralErrorKind,
} from '../../src/index.js';
import { type Fault, type Simulator, startSimulator } from '../../src/simulator/index.js';
import { chatSources, outcomeOf, streamingSources } from './fixtures/outcomeOf.js';

// Each is found wherever a piece of it appears.
const key = 'sk-KEYkeyKEYkey0123456789abcdef';
const header = 'hdr-HDRhdrHDRhdr0123456789abcdef';
const prompt = 'PROMPT: the patient is called PATIENTpatient';
const description = 'DESCRIPTION: the TOOLtool of the house';
const secrets = ['KEYkey', 'HDRhdr', 'PROMPT', 'PATIENT', 'DESCRIPTION', 'TOOLtool'];
const keyAndHeader = ['KEYkey', 'HDRhdr'];

const request = {
  model: 'mistral-small-latest',
  messages: [{ role: 'user' as const, content: prompt }],
  tools: [{ type: 'function' as const, function: { name: 'lookup', description, parameters: { type: 'object', description } } }],
};

let simulator: Simulator;
let client: Mistral;
beforeAll(async () => {
  simulator = await startSimulator();
  client = new Mistral({ serverURL: simulator.url, apiKey: key });
});
afterEach(() => {
  simulator.setFaults();
  simulator.setReply();
});
afterAll(() => simulator.close());

/** All that can be seen of a value, by any of the usual means. */
function everythingOf(value: unknown): string {
  const parts = [inspect(value, { showHidden: true, depth: Infinity, maxStringLength: Infinity, maxArrayLength: Infinity, getters: true })];
  parts.push(JSON.stringify([value]), String(value));
  if (value instanceof Error) {
    parts.push(value.message, value.stack ?? '', JSON.stringify(Object.entries(value)), JSON.stringify(RxMistralError.fromJSON(JSON.parse(JSON.stringify(value)))));
    for (const name of Reflect.ownKeys(value)) parts.push(inspect(Reflect.get(value, name), { showHidden: true, depth: Infinity }));
    parts.push(everythingOf(value.cause));
  }
  return parts.join('\n');
}

function expectNone(value: unknown, of: readonly string[] = secrets): void {
  const text = everythingOf(value);
  expect(of.filter((secret) => text.includes(secret))).toEqual([]);
}

/** What the server answers with where it repeats what it was sent: the key everywhere, the rest where it is no message. */
const echo = {
  object: 'error',
  message: `Unauthorized: the key ${key} (Bearer ${key}) is not known, nor ${header}`,
  type: `type of ${key}`,
  param: prompt,
  code: key,
  request_id: header,
  input: { ...request, key },
  detail: [{ loc: ['body'], msg: `no ${key}`, input: prompt, ctx: { prompt, key } }],
};

const lastAsEvent = errorAsEvent() as unknown as OperatorFunction<unknown, unknown>;

interface Case {
  readonly kind: RxMistralErrorKind;
  readonly faults?: readonly Fault[];
  readonly reply?: string;
  readonly options?: CallOptions;
  /** Only of streams. */
  readonly streamed?: boolean;
}
const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
const hello = event({ id: 'x', model: 'm', choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: null }] });

const cases: readonly (readonly [string, Case])[] = [
  ['a 401 that repeats the key', { kind: 'http', faults: [{ kind: 'status', status: 401, body: { json: echo } }] }],
  ['a 422 that repeats the input', { kind: 'http', faults: [{ kind: 'status', status: 422, body: { json: { detail: echo.detail } } }] }],
  ['a 422 of the other shape', { kind: 'http', faults: [{ kind: 'status', status: 422, body: { json: { ...echo, message: { detail: echo.detail } } } }] }],
  ['a 429', { kind: 'rate-limit', faults: [{ kind: 'status', status: 429, body: { json: echo }, headers: { 'retry-after': '1' } }] }],
  ['a 500 in text', { kind: 'http', faults: [{ kind: 'status', status: 500, body: { text: JSON.stringify({ echo, request }) } }] }],
  ['a 502 in HTML', { kind: 'http', faults: [{ kind: 'status', status: 502, body: { text: `<html>${key} ${prompt}</html>` }, headers: { 'content-type': 'text/html' } }] }],
  ['a message of which the key is the end that is cut', { kind: 'http', faults: [{ kind: 'status', status: 400, body: { json: { message: `${'x'.repeat(980)} ${key}` } } }] }],
  ['the ids in the headers', { kind: 'http', faults: [{ kind: 'status', status: 500, body: 'empty', headers: { 'mistral-correlation-id': key, 'x-request-id': key } }] }],
  ['an error object with status 200', { kind: 'protocol', faults: [{ kind: 'status', status: 200, body: { json: { object: 'error', message: 'm', input: `${key} ${prompt}` } } }] }],
  ['a reset before the headers', { kind: 'connection', faults: [{ kind: 'reset', at: 'before-headers' }] }],
  ['a redirect to another host', { kind: 'http', faults: [{ kind: 'status', status: 307, location: `http://127.0.0.2:1/${key}?q=${encodeURIComponent(prompt)}` }] }],
  ['the first event not in time', { kind: 'timeout', faults: [{ kind: 'stall', at: 'before-headers' }], options: { timeouts: { firstEvent: 40 } } }],
  ['the total limit', { kind: 'timeout', faults: [{ kind: 'stall', at: 'before-headers' }], options: { timeouts: { total: 40 } } }],
  ['a cut answer', { kind: 'truncated', streamed: true, reply: hello }],
  ['a reset in the answer', { kind: 'connection', streamed: true, reply: hello, faults: [{ kind: 'reset', at: { bytes: 20 } }] }],
  ['malformed data with the key in it', { kind: 'protocol', streamed: true, reply: `${hello}data: {"key":"${key}\n\n` }],
  ['malformed data with the key at the end of the excerpt', { kind: 'protocol', streamed: true, reply: `${hello}data: ${'x'.repeat(185)}${key}\n\n` }],
  ['an event that makes no sense, with the key in it', { kind: 'protocol', streamed: true, reply: hello + event([key]) }],
  ['an error in the stream', { kind: 'stream', streamed: true, reply: hello + event(echo) }],
  ['a wrapped error in the stream', { kind: 'stream', streamed: true, reply: hello + event({ error: echo }) }],
  ['an event over the bound', { kind: 'limit', streamed: true, reply: hello + event({ key, prompt, x: 'x'.repeat(9_000) }), options: { maxEventBytes: 5_000 } }],
];

describe.each(chatSources)('no key, no prompt and no tool in an error: %s', (_, source) => {
  const own = cases.filter(([, { streamed }]) => streamed !== true || source !== chatComplete);

  it.each(own)('%s', async (_name, { kind, faults, reply, options }) => {
    simulator.setReply(reply === undefined ? undefined : { raw: reply });
    simulator.setFaults(faults && { fault: faults });
    for (const headers of [{ 'x-api-key': header }, { Authorization: `Bearer ${header}` }] as const) {
      const call = source(client, request, { ...options, headers, retry: { maxRetries: 0 } });
      const { error } = await outcomeOf(call);
      expect(isRxMistralError(error) && error.kind).toBe(kind);
      // The key that was replaced by another was never sent: what the server says of it is nothing that it was told.
      const told = 'x-api-key' in headers ? secrets : secrets.filter((secret) => secret !== 'KEYkey');
      expectNone(error, told);
      const { events } = await outcomeOf(source(client, request, { ...options, headers, retry: { maxRetries: 0 } }).pipe(lastAsEvent));
      for (const each of events) expectNone(each, told);
    }
  });

  it('a request that the SDK refuses', async () => {
    const refused = {
      ...request,
      messages: [{ role: prompt, content: prompt }, { role: 'user', content: { [prompt]: description } }],
      temperature: prompt,
      tools: [{ type: 'function', function: { name: 7, description, [description]: 1 } }],
    };
    const { error } = await outcomeOf(source(client, refused as never));
    expect(isRxMistralError(error) && error.kind).toBe('validation');
    expectNone(error);
  });

  it('a key that no header can carry', async () => {
    for (const apiKey of [`${key}\nKEYkey`, `KEYkey\0${key}`, `${key}…KEYkey`]) {
      const { error } = await outcomeOf(source(new Mistral({ serverURL: simulator.url, apiKey }), request));
      expect(isRxMistralError(error)).toBe(true);
      expectNone(error);
    }
  });

  it('a header that no request can carry', async () => {
    let error: unknown;
    try {
      ({ error } = await outcomeOf(source(client, request, { headers: { 'x-api-key': `${header}\nHDRhdr` } })));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(Error);
    expect([...keyAndHeader].filter((secret) => inspect(error, { depth: Infinity, showHidden: true }).includes(secret))).toEqual([]);
  });

  it('a key of digits, which stands in numbers too', async () => {
    const digits = '1234567890';
    const numbered = { object: 'error', message: 'm', code: 3000, at: 12345678901, input: prompt };
    const theirs = new Mistral({ serverURL: simulator.url, apiKey: digits });
    simulator.setFaults({ kind: 'status', status: 400, body: { json: numbered } });
    const { error } = await outcomeOf(source(theirs, request));
    expectNone(error, [digits, 'PATIENT']);
    simulator.setFaults();
    simulator.setReply({ raw: hello + event(numbered) });
    if (source === chatComplete) return;
    const streamed = await outcomeOf(source(theirs, request));
    expect(isRxMistralError(streamed.error) && streamed.error.kind).toBe('stream');
    expectNone(streamed.error, [digits, 'PATIENT']);
  });

  it('a server URL with a password in it', async () => {
    const serverURL = simulator.url.replace('//', `//user:${key}@`);
    const { error } = await outcomeOf(source(new Mistral({ serverURL, apiKey: key }), request));
    expect(isRxMistralError(error)).toBe(true);
    expectNone(error);
  });

  it('a key function, a hook or a fetcher that fails', async () => {
    const fails = (): never => {
      throw Object.assign(new Error(`failed with Bearer ${key}`), { request, headers: { authorization: key } });
    };
    const httpClient = new HTTPClient({ fetcher: fails });
    const hooked = new HTTPClient();
    hooked.addHook('beforeRequest', fails);
    for (const failing of [
      new Mistral({ serverURL: simulator.url, apiKey: () => fails() }),
      new Mistral({ serverURL: simulator.url, apiKey: key, httpClient }),
      new Mistral({ serverURL: simulator.url, apiKey: key, httpClient: hooked }),
    ]) {
      const { error } = await outcomeOf(source(failing, request));
      expect(isRxMistralError(error)).toBe(true);
      expectNone(error);
    }
  });

  it('nobody at the other end', async () => {
    const { error } = await outcomeOf(source(new Mistral({ serverURL: 'http://127.0.0.1:1', apiKey: key }), request));
    expect(isRxMistralError(error) && error.kind).toBe('connection');
    expectNone(error);
  });
});

describe('no key, no prompt and no tool in an event', () => {
  it.each(streamingSources)('%s', async (_, source) => {
    simulator.setReply({ thinking: 'hm', text: ['Hel', 'lo'], toolCalls: [{ name: 'lookup', arguments: { a: 1 } }] });
    const { events, error } = await outcomeOf(source(client, request, { headers: { 'x-api-key': header } }));
    expect(error).toBeUndefined();
    expect(events.length).toBeGreaterThan(3);
    for (const each of events) expectNone(each);
  });

  it('retry events and onRetry', async () => {
    simulator.setFaults({ kind: 'status', status: 503, body: { json: echo }, times: 1 });
    const seen: unknown[] = [];
    const { events } = await outcomeOf(chatStream(client, request, { headers: { 'x-api-key': header }, retry: { onRetry: (attempt) => seen.push(attempt, attempt.error) } }));
    expect(events[0]?.type).toBe('retry');
    for (const each of [...events, ...(events[0]?.type === 'retry' ? [events[0].error] : []), ...seen]) expectNone(each);
  });

  it('a deadline that passes in the wait for a retry', async () => {
    simulator.setFaults({ kind: 'status', status: 503, body: { json: echo }, headers: { 'retry-after': '9' } });
    const { error } = await outcomeOf(chatStream(client, request, { headers: { 'x-api-key': header }, retry: {}, timeouts: { total: 60 } }));
    expect(isRxMistralError(error) && error.which).toBe('total');
    expectNone(error);
  });
});

describe('no key in a log', () => {
  interface Log {
    readonly logger: { group: (label?: string) => void; groupEnd: () => void; log: (...values: unknown[]) => void };
    readonly text: () => string;
  }
  function createLog(): Log {
    const lines: unknown[] = [];
    return {
      logger: {
        group: (label) => lines.push(label),
        groupEnd: () => undefined,
        log: (...values) => lines.push(...values),
      },
      text: () => inspect(lines, { depth: Infinity, showHidden: true }),
    };
  }

  it.each(chatSources)("the client's debugLogger: %s", async (_, source) => {
    const { logger, text } = createLog();
    const logged = new Mistral({ serverURL: simulator.url, apiKey: key, debugLogger: logger });
    const headers = { 'x-api-key': header, cookie: `a=b; c=${header}` };
    await outcomeOf(source(logged, request, { headers }));
    simulator.setFaults({ kind: 'status', status: 401, body: { json: echo } });
    await outcomeOf(source(logged, request, { headers }));
    simulator.setFaults({ kind: 'reset', at: 'before-headers' });
    await outcomeOf(source(logged, request, { headers }));
    expect(text()).toContain('/v1/chat/completions');
    expect(keyAndHeader.filter((secret) => text().includes(secret))).toEqual([]);
  });
});

it('a client that was used shows nothing that it did not show before', async () => {
  const before = inspect(client, { depth: 3 });
  await outcomeOf(chatStream(client, request, { headers: { 'x-api-key': header } }));
  expect(inspect(client, { depth: 3 })).toBe(before);
});
