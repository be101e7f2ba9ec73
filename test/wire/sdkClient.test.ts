import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inspect, promisify } from 'node:util';
import { Mistral } from '@mistralai/mistralai';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { registerTracerProvider } from '@mistralai/mistralai/extra/observability';
import { HTTPClient } from '@mistralai/mistralai/lib/http.js';
import type { Span, SpanStatus, TracerProvider } from '@opentelemetry/api';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { chatComplete, chatStream, constantBackoff, isRxMistralError, type MistralClient } from '../../src/index.js';
import { startSimulator, type Simulator } from '../../src/simulator/index.js';
import { redirectTarget } from '../../src/transport/redirect.js';
import { freePort } from '../fixtures/freePort.js';
import { clientOf, collectGarbage, eventually, lastOf, openCalls, request, settle, sources, warmUp, watch } from './fixtures/cancellationFixtures.js';

let simulator: Simulator;

beforeAll(warmUp);

beforeEach(async () => {
  simulator = await startSimulator();
});

afterEach(async () => {
  await simulator.close();
});

const everySource = Object.entries(sources);
const path = '/v1/chat/completions';

async function failureOf(source: ReturnType<(typeof sources)['chatStream']>): Promise<unknown> {
  return lastOf(source).then(
    () => {
      throw new Error('It was expected to fail');
    },
    (error: unknown) => error,
  );
}

describe("the user's HTTPClient", () => {
  it.each(everySource)('%s: its beforeRequest and response hooks get the real objects', async (_name, source) => {
    const sent: Request[] = [];
    const received: { url: string; status: number; type: string | null; sent: Request }[] = [];
    const httpClient = new HTTPClient()
      .addHook('beforeRequest', (each) => {
        sent.push(each);
        each.headers.set('x-hooked', 'yes');
      })
      .addHook('response', (response, each) => {
        const { url, status, headers } = response;
        received.push({ url, status, type: headers.get('content-type'), sent: each });
        expect(response.bodyUsed).toBe(false);
      });
    await lastOf(source(clientOf(simulator, { httpClient })));

    expect(sent).toHaveLength(1);
    expect(sent[0]).toBeInstanceOf(Request);
    expect(sent[0]).toMatchObject({ url: simulator.url + path, method: 'POST' });
    expect(sent[0]!.headers.get('authorization')).toBe('Bearer any-key');
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({ url: simulator.url + path, status: 200, sent: sent[0] });
    expect(received[0]!.type).toMatch(/^(text\/event-stream|application\/json)/);
    expect(simulator.requests[0]!.headers['x-hooked']).toBe('yes');
  });

  it('its requestError hook gets the error of fetch', async () => {
    const seen: unknown[] = [];
    const httpClient = new HTTPClient().addHook('requestError', (error, sent) => {
      seen.push(error, sent.url);
    });
    const url = `http://127.0.0.1:${await freePort()}`;
    const client = clientOf(simulator, { httpClient, serverURL: url });
    const error = await failureOf(sources.chatStream(client));

    expect(seen).toHaveLength(2);
    expect(seen[0]).toMatchObject({ name: 'TypeError', cause: { code: 'ECONNREFUSED' } });
    expect(seen[1]).toBe(url + path);
    expect(error).toMatchObject({ kind: 'connection', code: 'ECONNREFUSED', retryable: true });
  });

  it.each(everySource)('%s: its fetcher makes the call, with a signal that ends with it', async (_name, source) => {
    const fetcher = vi.fn((input: RequestInfo | URL) => fetch(input));
    await lastOf(source(clientOf(simulator, { httpClient: new HTTPClient({ fetcher }) })));
    expect(fetcher).toHaveBeenCalledOnce();
    const sent = fetcher.mock.calls[0]![0] as Request;
    expect(sent.url).toBe(simulator.url + path);
    expect(sent.signal).toBeInstanceOf(AbortSignal);
  });

  it('a class of its own is called as it is, private fields and all', async () => {
    class Counting extends HTTPClient {
      #count = 0;
      override async request(sent: Request): Promise<Response> {
        this.#count += 1;
        return super.request(sent);
      }
      get count(): number {
        return this.#count;
      }
    }
    const httpClient = new Counting();
    for (const [, source] of everySource) await lastOf(source(clientOf(simulator, { httpClient })));
    expect(httpClient.count).toBe(3);
  });

  it.each(everySource)('%s: hooks that were added after the client was made are called, removed ones are not', async (_name, source) => {
    const httpClient = new HTTPClient();
    const client = clientOf(simulator, { httpClient });
    const hook = vi.fn<() => undefined>();
    httpClient.addHook('response', hook);
    await lastOf(source(client));
    httpClient.removeHook('response', hook);
    await lastOf(source(client));
    expect(hook.mock.calls.length).toBe(1);
  });

  it.each(everySource)('%s: a response hook may clone an answer', async (_name, source) => {
    const clones: Response[] = [];
    const httpClient = new HTTPClient().addHook('response', (response) => {
      clones.push(response.clone());
    });
    await lastOf(source(clientOf(simulator, { httpClient })));
    expect(await clones[0]!.text()).toMatch(/"choices"/);
  });

  it('a response hook may clone an error whose body is larger than what is read of it', async () => {
    const clones: Response[] = [];
    const httpClient = new HTTPClient().addHook('response', (response) => {
      clones.push(response.clone());
    });
    simulator.setFaults({ kind: 'status', status: 500, body: { text: 'x'.repeat(300_000) } });
    for (const [, source] of everySource) {
      const { errors, subscription } = watch(source(clientOf(simulator, { httpClient })));
      await eventually(() => errors.length > 0, 'it has failed').finally(() => {
        subscription.unsubscribe();
      });
      expect(errors[0]).toMatchObject({ kind: 'http', status: 500 });
    }
  });
});

describe('a body that breaks off', () => {
  it.each(['rst', 'fin'] as const)('of a JSON answer is a connection error, to be retried (%s)', async (how) => {
    simulator.setFaults({ kind: 'reset', how, at: { bytes: 30 }, times: 1 });
    const client = clientOf(simulator);
    expect(await failureOf(sources.chatComplete(client))).toMatchObject({ kind: 'connection', retryable: true });
    simulator.setFaults({ kind: 'reset', how, at: { bytes: 30 }, times: 1 });
    await lastOf(chatComplete(client, request, { retry: { backoff: constantBackoff(1) } }));
  });

  it('of an error leaves the status', async () => {
    simulator.setFaults({ fault: [{ kind: 'status', status: 503 }, { kind: 'reset', at: { bytes: 10 } }] });
    expect(await failureOf(sources.chatComplete(clientOf(simulator)))).toMatchObject({ kind: 'http', status: 503, retryable: true });
  });
});

describe("the SDK's hooks", () => {
  function hooksOf(client: MistralCore): NonNullable<MistralCore['_options']['hooks']> {
    return client._options.hooks!;
  }

  it.each(everySource)('%s: beforeCreateRequest and beforeRequest change what is sent', async (_name, source) => {
    const client = clientOf(simulator);
    hooksOf(client).registerBeforeCreateRequestHook({
      beforeCreateRequest: (_context, { url, options }) => ({ url: new URL(`${url.href}?hooked=1`), options }),
    });
    hooksOf(client).registerBeforeRequestHook({
      beforeRequest: (_context, sent) => {
        sent.headers.set('x-first', '1');
        return new Request(sent, { headers: [...sent.headers, ['x-second', '2']] });
      },
    });
    await lastOf(source(client));
    expect(simulator.requests[0]).toMatchObject({ query: '?hooked=1', headers: { 'x-first': '1', 'x-second': '2' } });
  });

  it.each(everySource)('%s: afterSuccess sees the real response, with its url, and may replace it', async (_name, source) => {
    const client = clientOf(simulator);
    const seen: unknown[] = [];
    hooksOf(client).registerAfterSuccessHook({
      afterSuccess: ({ operationID }, response) => {
        seen.push(operationID, response.url, response.status);
        return new Response(response.body, response);
      },
    });
    await lastOf(source(client));
    expect(seen).toEqual([expect.stringMatching(/chat/), simulator.url + path, 200]);
  });

  it.each(everySource)('%s: afterError sees the real response, with its body', async (_name, source) => {
    const client = clientOf(simulator);
    const seen: unknown[] = [];
    hooksOf(client).registerAfterErrorHook({
      afterError: async (_context, response, error) => {
        seen.push(response?.url, response?.status, await response?.clone().json());
        return { response, error };
      },
    });
    simulator.setFaults({ kind: 'status', status: 503 });
    expect(await failureOf(source(client))).toMatchObject({ kind: 'http', status: 503 });
    expect(seen).toEqual([simulator.url + path, 503, expect.objectContaining({ object: 'error' })]);
  });

  it('a client that an sdkInit hook puts in place makes the call, and is cancelled at its body', async () => {
    const fetcher = vi.fn((input: RequestInfo | URL) => fetch(input));
    const client = clientOf(simulator);
    hooksOf(client).registerSDKInitHook({ sdkInit: (options) => ({ ...options, client: new HTTPClient({ fetcher }) }) });
    simulator.setFaults({ kind: 'stall', at: { events: 1 } });
    const calls = openCalls(10, sources.chatStream, client);
    await eventually(() => calls.every(({ values }) => values.length > 0), 'a token has come');
    await collectGarbage();
    for (const { subscription } of calls) subscription.unsubscribe();
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    expect(fetcher).toHaveBeenCalledTimes(10);
  });
});

describe("the client's options", () => {
  it.each(['/proxy/mistral', '/proxy/mistral/'])('serverURL with the prefix %s', async (prefix) => {
    for (const [, source] of everySource) {
      const error = await failureOf(source(new MistralCore({ serverURL: simulator.url + prefix, apiKey: 'any-key' })));
      expect(error).toMatchObject({ kind: 'http', status: 404 });
    }
    expect(new Set(simulator.requests.map((each) => each.path))).toEqual(new Set([`/proxy/mistral${path}`]));
  });

  it.each(everySource)('%s: an async apiKey is asked once an attempt, so that it may rotate', async (_name, source) => {
    simulator.setFaults({ kind: 'status', status: 503, times: 2 });
    let asked = 0;
    const client = clientOf(simulator, { apiKey: () => sleep(1, `key-number-${++asked}`) });
    await lastOf(source(client, { retry: { backoff: constantBackoff(1) } }));
    expect(simulator.requests.map(({ headers }) => headers['authorization'])).toEqual([1, 2, 3].map((n) => `Bearer key-number-${n}`));
  });

  it.each(everySource)('%s: the headers of a call go with each attempt, over the client\'s own', async (_name, source) => {
    simulator.setFaults({ kind: 'status', status: 503, times: 1 });
    const headers = { 'X-Trace': 'abc', Accept: 'text/event-stream, application/json' };
    await lastOf(source(clientOf(simulator), { headers, retry: { backoff: constantBackoff(1) } }));
    expect(simulator.requests).toHaveLength(2);
    for (const sent of simulator.requests) {
      expect(sent.headers).toMatchObject({ 'x-trace': 'abc', accept: 'text/event-stream, application/json', authorization: 'Bearer any-key' });
    }
  });

  it('what is sent is what the SDK sends', async () => {
    const options = { serverURL: simulator.url, apiKey: 'any-key', userAgent: 'my-program/1.0' };
    const mistral = new Mistral(options);
    await mistral.chat.complete(request);
    for await (const { data } of await mistral.chat.stream(request)) expect(data.choices).toHaveLength(1);
    await lastOf(chatComplete(new MistralCore(options), request));
    await lastOf(chatStream(mistral, request));
    const [complete, stream, ourComplete, ourStream] = simulator.requests.map(({ method, headers, body }) => ({ method, headers, body }));
    expect(ourComplete).toEqual(complete);
    expect(ourStream).toEqual(stream);
  });

  it('the client itself is left as it was', async () => {
    const client = clientOf(simulator, { httpClient: new HTTPClient(), timeoutMs: 5_000 });
    const before = { ...client._options };
    const own = Object.getOwnPropertyNames(client);
    for (const [, source] of everySource) await lastOf(source(client));
    expect(client._options).toEqual(before);
    expect(Object.getOwnPropertyNames(client)).toEqual(own);
  });
});

describe('the debug log', () => {
  const key = 'sk-very-secret-0123456789';

  class Log {
    readonly lines: unknown[][] = [];
    group = (label?: string): void => void this.lines.push(['group', label]);
    groupEnd = (): void => void this.lines.push(['groupEnd']);
    log = (message: unknown, ...rest: unknown[]): void => void this.lines.push(['log', message, ...rest]);
    get text(): string {
      return inspect(this.lines, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null });
    }
  }

  it.each(everySource)('%s: the logger is called, and never with the key, in the body neither', async (_name, source) => {
    const log = new Log();
    const client = clientOf(simulator, { apiKey: key, debugLogger: log });
    simulator.setReply(`Your key is ${key}.`);
    const headers = { cookie: 'session=cookie-secret', 'x-api-key': 'other-secret' };
    await lastOf(source(client, { headers }));

    const { text } = log;
    expect(text).toContain(`POST ${simulator.url}${path}`);
    expect(text).toContain('authorization: [redacted]');
    expect(text).toContain('sky blue');
    for (const secret of [key, 'cookie-secret', 'other-secret']) expect(text).not.toContain(secret);
    expect(log.lines.filter(([call]) => call === 'group')).toHaveLength(log.lines.filter(([call]) => call === 'groupEnd').length);
  });

  it.each(everySource)('%s: nor in an error that repeats the key, or in a prompt that holds it', async (_name, source) => {
    const log = new Log();
    const client = clientOf(simulator, { apiKey: key, debugLogger: log });
    simulator.setFaults({ kind: 'status', status: 401, body: { json: { message: `Unknown key ${key}`, request_id: 'r' } } });
    const error = await failureOf(source(client));
    const prompt = { ...request, messages: [{ role: 'user' as const, content: `My key is ${key}` }] };
    await failureOf(chatComplete(client, prompt));

    expect(log.text).not.toContain(key);
    expect(log.text).toContain('My key is [redacted]');
    expect(error).toMatchObject({ kind: 'http', status: 401, message: 'Unknown key [redacted]' });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(key);
  });

  it('nor in the stack or the fields of an error that the server sends in a stream', async () => {
    const client = clientOf(simulator, { apiKey: key });
    simulator.setReply({ events: [{ object: 'error', message: `Unknown key ${key}`, type: 'invalid', code: key }] });
    const error = await failureOf(chatStream(client, request));
    expect(error).toMatchObject({ kind: 'stream', message: 'Unknown key [redacted]' });
    expect((error as Error).stack).not.toContain(key);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(key);
  });

  it.each([
    ['a string', `sk-\u200bsecret-0123456789`],
    ['a function', () => Promise.resolve(`sk-\u200bsecret-0123456789`)],
  ])('nor in the error of a key that no header can carry: %s', async (_what, apiKey) => {
    const error = await failureOf(chatStream(clientOf(simulator, { apiKey }), request));
    expect(error).toMatchObject({ kind: 'validation' });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('secret-0123456789');
  });

  // With a program of its own, because the SDK reads the variable once.
  const program = `
    import { MistralCore } from '@mistralai/mistralai/core.js';
    import { lastValueFrom } from 'rxjs';
    import { chatComplete, chatStream } from './src/index.ts';
    import { startSimulator } from './src/simulator/index.ts';
    const simulator = await startSimulator();
    const client = new MistralCore({ serverURL: simulator.url, apiKey: process.env.KEY });
    const request = { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hello' }] };
    await lastValueFrom(chatStream(client, request));
    await lastValueFrom(chatComplete(client, request));
    await simulator.close();
  `;
  const run = promisify(execFile);

  it.concurrent.each([
    ['0', 'nothing'],
    ['1', 'the calls, without the key'],
  ])('MISTRAL_DEBUG=%s logs %s', { timeout: 600_000 }, async (value, what) => {
    const { stdout, stderr } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], KEY: key, MISTRAL_DEBUG: value },
    });
    expect(stdout + stderr).not.toContain(key);
    if (what === 'nothing') expect(stdout + stderr).toBe('');
    else {
      expect(stdout.match(/> Request: POST/g)).toHaveLength(2);
      expect(stdout.match(/authorization: \[redacted\]/g)).toHaveLength(2);
      expect(stdout.match(/< Response: POST/g)).toHaveLength(2);
    }
  });
});

describe("the SDK's tracing", () => {
  interface RecordedSpan {
    name: string;
    readonly attributes: Record<string, unknown>;
    status: SpanStatus | undefined;
    ended: number;
  }
  let spans: RecordedSpan[] = [];

  function startSpan(name: string): Span {
    const recorded: RecordedSpan = { name, attributes: {}, status: undefined, ended: 0 };
    spans.push(recorded);
    const span: Span = {
      spanContext: () => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }),
      setAttribute: (attribute, value) => {
        recorded.attributes[attribute] = value;
        return span;
      },
      setAttributes: (attributes) => {
        Object.assign(recorded.attributes, attributes);
        return span;
      },
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      setStatus: (status) => {
        recorded.status = status;
        return span;
      },
      updateName: (updated) => {
        recorded.name = updated;
        return span;
      },
      end: () => {
        recorded.ended += 1;
      },
      isRecording: () => recorded.ended === 0,
      recordException: () => undefined,
    };
    return span;
  }

  beforeEach(() => {
    spans = [];
    const provider: TracerProvider = { getTracer: () => ({ startSpan, startActiveSpan: () => undefined as never }) };
    registerTracerProvider(provider);
  });

  afterEach(() => {
    registerTracerProvider(undefined);
  });

  it.each(everySource)('%s: a span is made, gets the usage and ends', async (_name, source) => {
    const usage = { prompt_tokens: 7, completion_tokens: 11, total_tokens: 18 };
    simulator.setReply({ text: 'Blue.', usage });
    await lastOf(source(clientOf(simulator)));
    await eventually(() => spans.every(({ ended }) => ended > 0), 'the span has ended');
    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({
      name: 'chat mistral-small-latest',
      ended: 1,
      attributes: {
        'gen_ai.usage.input_tokens': 7,
        'gen_ai.usage.output_tokens': 11,
        'gen_ai.response.finish_reasons': ['stop'],
        'http.response.status_code': 200,
      },
    });
  });

  it.each(everySource)('%s: a failure ends it', async (_name, source) => {
    simulator.setFaults({ kind: 'status', status: 503 });
    await failureOf(source(clientOf(simulator)));
    expect(spans).toMatchObject([{ ended: 1, status: { code: 2 }, attributes: { 'http.response.status_code': 503 } }]);
  });

  it.each([
    ['before the headers', { kind: 'stall', at: 'before-headers' }],
    ['after the headers', { kind: 'stall', at: 'after-headers' }],
    ['after a token', { kind: 'stall', at: { events: 1 } }],
    ['behind the end marker', { kind: 'late-end' }],
  ] as const)('a cancel ends it, and the call: %s', async (_moment, fault) => {
    simulator.setFaults(fault);
    const calls = openCalls(10, sources.chatStream, clientOf(simulator));
    await simulator.until(() => simulator.requests.filter(({ body }) => body !== undefined).length === 10);
    if (!('at' in fault) || fault.at !== 'before-headers') await simulator.until(() => simulator.requests.every(({ status }) => status === 200));
    await settle();
    await collectGarbage();
    for (const { subscription } of calls) subscription.unsubscribe();
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    await eventually(() => spans.every(({ ended }) => ended > 0), 'the spans have ended');
    expect(spans).toHaveLength(10);
  });

  it('a cancel while a hook behind it is at work ends it', async () => {
    const client = clientOf(simulator);
    let atWork = 0;
    client._options.hooks!.registerAfterSuccessHook({
      afterSuccess: async (_context, response) => {
        atWork += 1;
        await sleep(30);
        return response;
      },
    });
    simulator.setFaults({ kind: 'stall', at: { events: 1 } });
    const calls = openCalls(10, sources.chatStream, client);
    await eventually(() => atWork === 10, 'the hooks are at work');
    for (const { subscription } of calls) subscription.unsubscribe();
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    await eventually(() => spans.length === 10 && spans.every(({ ended }) => ended > 0), 'the spans have ended');
  });

  it('each attempt has its own', async () => {
    simulator.setFaults({ kind: 'status', status: 503, times: 1 });
    await lastOf(chatStream(clientOf(simulator), request, { retry: { backoff: constantBackoff(1) } }));
    await eventually(() => spans.every(({ ended }) => ended > 0), 'the spans have ended');
    expect(spans).toHaveLength(2);
  });
});

describe('a second copy of the SDK', () => {
  let directory = '';
  let copied: typeof import('@mistralai/mistralai/core.js');

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rxmistral-sdk-'));
    const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
    const copy = join(directory, 'node_modules/@mistralai/mistralai');
    await mkdir(copy, { recursive: true });
    for (const part of ['package.json', 'esm']) {
      const isSource = (from: string): boolean => !from.endsWith('.map') && !from.endsWith('.d.ts');
      await cp(join(modules, '@mistralai/mistralai', part), join(copy, part), { recursive: true, filter: isSource });
    }
    for (const name of ['zod', '@opentelemetry']) await symlink(join(modules, name), join(directory, 'node_modules', name));
    copied = (await import(/* @vite-ignore */ pathToFileURL(join(copy, 'esm/core.js')).href)) as typeof copied;
  }, 600_000);

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  function clientOfCopy(): MistralCore {
    return new copied.MistralCore({ serverURL: simulator.url, apiKey: 'any-key' });
  }

  it('is a class of its own', () => {
    expect(clientOfCopy()).not.toBeInstanceOf(MistralCore);
    expect(Object.getPrototypeOf(copied.MistralCore)).not.toBe(Object.getPrototypeOf(MistralCore));
  });

  it.each(everySource)('%s: works, with its hooks', async (_name, source) => {
    const client = clientOfCopy();
    const seen: string[] = [];
    client._options.hooks!.registerBeforeRequestHook({
      beforeRequest: (_context, sent) => {
        sent.headers.set('x-copy', '1');
        return sent;
      },
    });
    client._options.hooks!.registerAfterSuccessHook({
      afterSuccess: (_context, response) => {
        seen.push(response.url);
        return response;
      },
    });
    await lastOf(source(client));
    expect(simulator.requests[0]!.headers['x-copy']).toBe('1');
    expect(seen).toEqual([simulator.url + path]);
  });

  it('fails and is cancelled as the first', async () => {
    const client: MistralClient = clientOfCopy();
    simulator.setFaults({ kind: 'status', status: 422 });
    expect(await failureOf(sources.chatComplete(client))).toMatchObject({ kind: 'http', status: 422, message: 'body.messages: Field required' });
    // @ts-expect-error -- the SDK's own check is to refuse it
    expect(await failureOf(chatComplete(client, { ...request, temperature: 'hot' }))).toMatchObject({ kind: 'validation' });

    simulator.setFaults({ kind: 'stall', at: 'before-headers' });
    const opened = simulator.requestCount;
    const calls = openCalls(10, sources.chatStream, client);
    await simulator.until(() => simulator.requestCount === opened + 10);
    await collectGarbage();
    for (const { subscription } of calls) subscription.unsubscribe();
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
  });
});

describe('a redirect', () => {
  let other: Simulator;

  beforeEach(async () => {
    other = await startSimulator();
  });

  afterEach(async () => {
    await other.close();
  });

  describe.each(everySource)('of %s', (_name, source) => {
    it.each([307, 308])('%i to the same host is followed, with body and key', async (status) => {
      simulator.setFaults({ kind: 'status', status, location: `${path}?moved=1`, on: 0 });
      const watched = watch(source(clientOf(simulator), { headers: { 'x-trace': 'abc' } }));
      await eventually(() => watched.completed || watched.errors.length > 0, 'it has ended');
      expect(watched.errors).toEqual([]);

      const [first, second] = simulator.requests;
      expect(second).toMatchObject({ method: 'POST', path, query: '?moved=1', body: first!.body });
      expect(second!.headers).toMatchObject({ authorization: 'Bearer any-key', 'x-trace': 'abc', 'content-type': 'application/json' });
      expect(simulator.requestCount).toBe(2);
    });

    it.each([307, 308])('%i to another host is refused: the other server gets nothing', async (status) => {
      simulator.setFaults({ kind: 'status', status, location: other.url + path });
      const error = await failureOf(source(clientOf(simulator)));
      expect(error).toMatchObject({ kind: 'http', status, retryable: false });
      await settle();
      expect(other.requestCount).toBe(0);
      expect(other.openConnections).toBe(0);
      expect(simulator.requestCount).toBe(1);
    });

    it.each([301, 302, 303])('%i, which would turn the POST into a GET, is refused', async (status) => {
      simulator.setFaults({ kind: 'status', status, location: path });
      const error = await failureOf(source(clientOf(simulator)));
      expect(error).toMatchObject({ kind: 'http', status, retryable: false });
      expect(simulator.requestCount).toBe(1);
    });

    it('that leads to itself ends', async () => {
      simulator.setFaults({ kind: 'status', status: 307, location: path });
      const error = await failureOf(source(clientOf(simulator)));
      expect(error).toMatchObject({ kind: 'http', status: 307 });
      expect(simulator.requestCount).toBe(6);
    });

    it.each([undefined, '', 'http://', 'http://user:secret@127.0.0.1/'])('to %s is refused', async (location) => {
      simulator.setFaults({ kind: 'status', status: 307, location });
      const error = await failureOf(source(clientOf(simulator)));
      if (location !== '') expect(error).toMatchObject({ kind: 'http', status: 307 });
      expect(isRxMistralError(error) && error.kind).toBe('http');
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('secret');
    });
  });

  it('with a body, behind a hook that clones it, is followed', async () => {
    simulator.setFaults({ kind: 'status', status: 307, location: path, body: { text: 'Moved.' }, on: 0 });
    const clones: Response[] = [];
    const httpClient = new HTTPClient().addHook('response', (response) => {
      clones.push(response.clone());
    });
    const watched = watch(chatStream(clientOf(simulator, { httpClient }), request));
    await eventually(() => watched.completed || watched.errors.length > 0, 'it has ended');
    expect(watched.errors).toEqual([]);
  });

  it('with a body that never ends is followed', async () => {
    simulator.setFaults({ kind: 'status', status: 307, location: path, body: { text: 'Moved.' }, hang: true, on: 0 });
    const watched = watch(chatStream(clientOf(simulator), request));
    await eventually(() => watched.completed || watched.errors.length > 0, 'it has ended');
    expect(watched.errors).toEqual([]);
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
  });

  it('carries the body of a long prompt, whatever was collected meanwhile', async () => {
    const long = { ...request, messages: [{ role: 'user' as const, content: 'long '.repeat(100_000) }] };
    simulator.setFaults([
      { kind: 'status', status: 307, location: path, on: 0 },
      { kind: 'stall', at: 'before-headers', for: 150, on: 0 },
    ]);
    const watched = watch(chatStream(clientOf(simulator), long));
    await simulator.until(() => simulator.requests[0]?.body !== undefined);
    await collectGarbage();
    await eventually(() => watched.completed || watched.errors.length > 0, 'it has ended');
    expect(watched.errors).toEqual([]);
    expect(simulator.requests[1]!.body).toEqual(simulator.requests[0]!.body);
  });

  it('is cancelled in its second leg as in its first', async () => {
    simulator.setFaults([
      { kind: 'status', status: 307, location: `${path}?moved=1`, on: (sent) => sent.query === '' },
      { kind: 'stall', at: 'before-headers', on: (sent) => sent.query !== '' },
    ]);
    const calls = openCalls(10, sources.chatStream, clientOf(simulator));
    await simulator.until(() => simulator.requests.filter(({ query, body }) => query !== '' && body !== undefined).length === 10);
    await collectGarbage();
    for (const { subscription } of calls) subscription.unsubscribe();
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
  });

  it('counts as one attempt, under the limits of one', async () => {
    simulator.setFaults([
      { kind: 'status', status: 307, location: path },
      { kind: 'stall', at: 'before-headers', for: 80 },
    ]);
    const error = await failureOf(chatStream(clientOf(simulator), request, { timeouts: { firstEvent: 200 } }));
    expect(error).toMatchObject({ kind: 'timeout', which: 'firstEvent' });
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
  });

  it('keeps the scheme, or goes from http to https; never back', () => {
    const target = (from: string, location: string, status = 307): URL | undefined =>
      redirectTarget(new Request(from, { method: 'POST' }), new Response(null, { status, headers: { location } }));
    expect(target('https://api.example/v1', '/v2')?.href).toBe('https://api.example/v2');
    expect(target('https://api.example/v1', 'https://api.example:443/v2')?.href).toBe('https://api.example/v2');
    expect(target('http://api.example/v1', 'https://api.example/v1')?.href).toBe('https://api.example/v1');
    for (const location of [
      'http://api.example/v1',
      'http://api.example:443/v1',
      'https://api.example:8443/v1',
      '//evil.example/v1',
      'https://api.example.evil.example/',
      'ftp://api.example/',
      'javascript:alert(1)',
      'file:///etc/passwd',
    ]) {
      expect(() => target('https://api.example/v1', location)).toThrow(expect.objectContaining({ kind: 'http', status: 307 }));
    }
    expect(target('https://api.example/v1', '/v2', 200)).toBeUndefined();
  });
});

describe('a server that is none', () => {
  it('a connection that is closed at once is a connection error, and leaves nothing open', async () => {
    const server = createServer((_sent, response) => {
      response.socket?.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const error = await failureOf(sources.chatStream(new MistralCore({ serverURL: `http://127.0.0.1:${port}`, apiKey: 'any-key' })));
    expect(error).toMatchObject({ kind: 'connection', retryable: true });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
