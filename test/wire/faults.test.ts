import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Mistral } from '@mistralai/mistralai';
import { concatMap, delay, of } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  chatChunks,
  chatComplete,
  type ChatEvent,
  chatStream,
  type ChatStreamOptions,
  type CompleteEvent,
  errorAsEvent,
  isRxMistralError,
  type RxMistralError,
  TruncatedStreamError,
} from '../../src/index.js';
import { type Fault, type Reply, type Simulator, startSimulator, type StatusFault } from '../../src/simulator/index.js';
import { freePort } from '../fixtures/freePort.js';
import { chatSources, failureOf, outcomeOf, streamingSources } from './fixtures/outcomeOf.js';

const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Why?' }] };
const answer = { text: ['Hel', 'lo', ' world'], id: 'cmpl-1', model: 'm' };

let simulator: Simulator;
let client: Mistral;

beforeAll(async () => {
  simulator = await startSimulator();
  client = new Mistral({ serverURL: simulator.url, apiKey: 'any' });
});
afterEach(() => {
  simulator.setFaults();
  simulator.setReply();
});
afterAll(() => simulator.close());

function play(reply: Reply | undefined, ...faults: readonly Fault[]): void {
  simulator.setReply(reply);
  simulator.setFaults({ fault: faults });
}

const textOf = (events: readonly ChatEvent[]): string =>
  events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');

/** The call's last event, which has to be `complete`. */
async function completed(options?: ChatStreamOptions): Promise<CompleteEvent> {
  const { events, error } = await outcomeOf(chatStream(client, request, options));
  const last = events.at(-1);
  if (last?.type !== 'complete') throw new Error('It did not complete', { cause: error });
  return last;
}

const chunk = (delta: object, finishReason: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'x', model: 'm', choices: [{ index: 0, delta, finish_reason: finishReason }] })}\n\n`;

describe('an answer that is cut is never complete', () => {
  it('without a finish reason and without [DONE]', async () => {
    play(answer, { kind: 'truncate' });
    const { events, error, completed } = await outcomeOf(chatStream(client, request));
    expect(completed).toBe(false);
    expect(error).toBeInstanceOf(TruncatedStreamError);
    expect(error).toMatchObject({ kind: 'truncated', retryable: true, partial: { role: 'assistant', content: 'Hello world' } });
    expect(textOf(events)).toBe('Hello world');
  });

  it('without a finish reason, but with [DONE]', async () => {
    play({ ...answer, finishReason: null });
    expect(await failureOf(chatStream(client, request))).toMatchObject({ kind: 'truncated', partial: { content: 'Hello world' } });
  });

  it('where it is an empty 200', async () => {
    play(answer, { kind: 'truncate', at: 'after-headers' });
    const { events, error } = await outcomeOf(chatStream(client, request));
    expect(events).toEqual([]);
    expect(error).toMatchObject({ kind: 'truncated', partial: { role: 'assistant', content: '' } });
  });

  it('where the last event has no blank line: the event is discarded', async () => {
    play({ raw: chunk({ content: 'Hel' }) + chunk({ content: 'lo' }, 'stop').slice(0, -1) });
    expect(await failureOf(chatStream(client, request))).toMatchObject({ kind: 'truncated', partial: { content: 'Hel' } });
  });

  it.each(['rst', 'fin'] as const)('where the socket breaks by %s', async (how) => {
    play(answer, { kind: 'reset', how, at: { events: 3 } });
    const error = await failureOf(chatStream(client, request));
    expect(error).toBeInstanceOf(TruncatedStreamError);
    expect(error).toMatchObject({ kind: 'connection', retryable: true });
    expect(error.code).toMatch(/^[A-Z_]+$/);
    expect(['', 'Hel', 'Hello']).toContain(error.partial?.content);
  });

  it('where it stalls past the idle limit', async () => {
    play(answer, { kind: 'stall', at: { events: 2 } });
    expect(await failureOf(chatStream(client, request, { timeouts: { firstEvent: 10_000, idle: 100 } }))).toMatchObject({
      kind: 'timeout',
      which: 'idle',
      retryable: true,
      partial: { content: 'Hel' },
    });
  });

  it('for the raw chunks too, whose error carries the message so far', async () => {
    play(answer, { kind: 'truncate' });
    const { events, error } = await outcomeOf(chatChunks(client, request));
    expect(events.length).toBeGreaterThan(2);
    expect(error).toBeInstanceOf(TruncatedStreamError);
    expect(error).toMatchObject({ partial: { content: 'Hello world' } });
  });

  it('where of several answers one is cut', async () => {
    const choice = (index: number, content: string, finish_reason: string | null = null): object => ({ index, delta: { content }, finish_reason });
    const events = [
      { id: 'x', model: 'm', choices: [choice(0, 'a'), choice(1, 'b')] },
      { id: 'x', model: 'm', choices: [choice(0, '', 'stop')] },
    ];
    play({ events });
    expect(await failureOf(chatChunks(client, { ...request, n: 2 }))).toMatchObject({ kind: 'truncated' });
    play({ events: [...events, { id: 'x', model: 'm', choices: [choice(1, '', 'stop')] }] });
    expect((await outcomeOf(chatChunks(client, { ...request, n: 2 }))).completed).toBe(true);
  });
});

describe('an answer that came to a finish reason is complete', () => {
  it.each<[string, Fault]>([
    ['without [DONE]', { kind: 'truncate', omit: 'done' }],
    ['where the [DONE] has no blank line', { kind: 'truncate', blankLine: false }],
    ['where the socket is reset behind it', { kind: 'reset', at: { events: 5 } }],
    ['where the socket is closed behind it', { kind: 'reset', how: 'fin', at: { events: 5 } }],
    ['where the stream stalls behind it, past the idle limit', { kind: 'stall', at: { events: 5 } }],
  ])('%s', async (_, fault) => {
    play(answer, fault);
    expect(await completed({ timeouts: { firstEvent: 10_000, idle: 100 } })).toMatchObject({
      message: { role: 'assistant', content: 'Hello world' },
      finishReason: 'stop',
      usage: { totalTokens: expect.any(Number) as number },
    });
    expect((await outcomeOf(chatChunks(client, request, { timeouts: { firstEvent: 10_000, idle: 100 } }))).completed).toBe(true);
  });

  it.each(streamingSources)('where the total limit passes behind it: %s', async (_, source) => {
    play(answer, { kind: 'stall', at: { events: 5 } });
    expect((await outcomeOf(source(client, request, { timeouts: { total: 1_000 } }))).error).toBeUndefined();
  });
});

describe('every fault is one family of errors', () => {
  type Expected = Partial<Pick<RxMistralError, 'kind' | 'message' | 'code' | 'retryable' | 'retryAfterMs'>>;
  const bare = (status: number): Expected => ({ message: `The server answered with status ${status}` });

  describe.each(chatSources)('%s', (_, source) => {
    it.each<[string, Omit<StatusFault, 'kind'>, Expected]>([
      ['400', { status: 400 }, { message: 'Bad Request', code: 'invalid_request_error' }],
      ['401', { status: 401 }, { message: 'Unauthorized' }],
      ['403', { status: 403 }, { message: 'Forbidden' }],
      ['404', { status: 404 }, { message: 'no Route matched with those values' }],
      ['408', { status: 408 }, { message: 'Request Timeout', code: 'invalid_request_error', retryable: true }],
      ['413', { status: 413 }, { message: 'Payload Too Large', code: 'invalid_request_error' }],
      ['422 with details', { status: 422, body: 'detail' }, { message: 'body.messages: Field required' }],
      ['422 with details in a message', { status: 422, body: 'error-detail' }, { message: 'body.messages: Field required', code: 'invalid_request_error' }],
      ['429', { status: 429, headers: { 'retry-after': '7' } }, { kind: 'rate-limit', message: 'Rate limit exceeded', code: '1300', retryable: true, retryAfterMs: 7_000 }],
      ['429 for good', { status: 429, headers: { 'x-ratelimit-limit-req-minute': '0' } }, { kind: 'rate-limit', code: '1300', retryable: false }],
      ['500', { status: 500 }, { message: 'Internal Server Error', code: '3000', retryable: true }],
      ['502 from a proxy', { status: 502, body: 'html' }, { ...bare(502), retryable: true }],
      ['503', { status: 503, headers: { 'retry-after-ms': '40' } }, { message: 'Service tier capacity exceeded for this model.', code: '3505', retryable: true, retryAfterMs: 40 }],
      ['418 with nothing', { status: 418, body: 'empty' }, bare(418)],
      ['300', { status: 300, body: 'empty' }, bare(300)],
      ['null in every field', { status: 400, body: { json: { object: 'error', message: null, type: null, param: null, code: null, detail: null, request_id: null } } }, bare(400)],
      ['an object without fields', { status: 400, body: { json: {} } }, bare(400)],
      ['null', { status: 422, body: { json: null } }, bare(422)],
      ['a number', { status: 500, body: { json: 7 } }, { ...bare(500), retryable: true }],
      ['a list', { status: 422, body: { json: [] } }, bare(422)],
      ['details of null', { status: 422, body: { json: { detail: [null, { loc: null, msg: null, type: null }] } } }, bare(422)],
      ['JSON that is cut', { status: 422, body: { text: '{"detail":[' }, headers: { 'content-type': 'application/json' } }, bare(422)],
      ['an event stream', { status: 500, body: { text: chunk({ content: 'x' }, 'stop') }, headers: { 'content-type': 'text/event-stream' } }, { ...bare(500), retryable: true }],
      ['a body of 1 MB', { status: 400, body: { text: 'x'.repeat(1_000_000) } }, bare(400)],
    ])('status %s', async (_name, fault, { kind = 'http', retryable = false, ...expected }) => {
      play(undefined, { kind: 'status', ...fault });
      const error = await failureOf(source(client, request));
      expect(error).toMatchObject({ kind, retryable, status: fault.status, ...expected });
      expect(error.requestId).toMatch(/^[0-9a-f-]{36}$/);
      expect([error.code, error.retryAfterMs, error.partial]).toEqual([expected.code, expected.retryAfterMs, undefined]);
    });

    it.each<[string, Omit<StatusFault, 'kind'>]>([
      ['HTML', { status: 200, body: 'html' }],
      ['204', { status: 204 }],
      ['202 with nothing', { status: 202, body: 'empty' }],
      ['text', { status: 200, body: { text: 'OK' } }],
      ['JSON that is cut', { status: 200, body: { text: '{"id":' }, headers: { 'content-type': 'application/json' } }],
    ])('a success that is none: %s', async (_name, fault) => {
      play(undefined, { kind: 'status', ...fault });
      expect(await failureOf(source(client, request))).toMatchObject({
        kind: 'protocol',
        status: fault.status,
        retryable: false,
        message: expect.stringContaining(`answered ${fault.status}`) as string,
        requestId: expect.any(String) as string,
      });
    });

    it('an error object with status 200: the message and the code are the server’s own, its input stays behind', async () => {
      play(undefined, { kind: 'status', status: 200, body: { json: { object: 'error', message: 'Overloaded', type: 'x', code: '3505', input: 'Why?' } } });
      const error = await failureOf(source(client, request));
      expect(error).toMatchObject({ status: 200, code: '3505' });
      expect(error.message).toContain('Overloaded');
      expect(error.message).not.toContain('Why?');
    });

    it.each(['rst', 'fin'] as const)('a connection that breaks by %s before the headers', async (how) => {
      play(undefined, { kind: 'reset', how, at: 'before-headers' });
      const error = await failureOf(source(client, request));
      expect(error).toMatchObject({ kind: 'connection', retryable: true, code: expect.stringMatching(/^[A-Z_]+$/) as string });
      expect([error.status, error.partial]).toEqual([undefined, undefined]);
    });

    it('a server that is not there', async () => {
      const nobody = new Mistral({ serverURL: `http://127.0.0.1:${await freePort()}`, apiKey: 'any' });
      expect(await failureOf(source(nobody, request))).toMatchObject({ kind: 'connection', code: 'ECONNREFUSED', retryable: true });
    });

    it('a host that is not there', { timeout: 180_000 }, async () => {
      const nobody = new Mistral({ serverURL: 'http://host.invalid', apiKey: 'any' });
      expect(await failureOf(source(nobody, request))).toMatchObject({ kind: 'connection', retryable: true });
    });

    it.each(['ENOENT', 'ERR_INVALID_ARG_TYPE'])('a key function that fails by %s, which is no fault of the connection', async (code) => {
      const apiKey = (): Promise<string> => Promise.reject(Object.assign(new Error('no key'), { code }));
      const keyless = new Mistral({ serverURL: simulator.url, apiKey });
      expect(await failureOf(source(keyless, request))).toMatchObject({ kind: 'validation', retryable: false });
    });

    it('an error whose body breaks off: the status is known', async () => {
      play(undefined, { kind: 'status', status: 503 }, { kind: 'reset', at: { bytes: 10 } });
      expect(await failureOf(source(client, request))).toMatchObject({ kind: 'http', status: 503, retryable: true });
    });

    it.each([301, 302, 303])('a redirect that would turn the POST into a GET: %i', async (status) => {
      play(undefined, { kind: 'status', status, location: '/v1/models' });
      const before = simulator.requestCount;
      expect(await failureOf(source(client, request))).toMatchObject({ kind: 'http', status, retryable: false });
      expect(simulator.requestCount - before).toBe(1);
    });

    it('a redirect without a location', async () => {
      play(undefined, { kind: 'status', status: 307 });
      expect(await failureOf(source(client, request))).toMatchObject({ kind: 'http', status: 307, retryable: false });
    });

    it('a redirect to another host, which hears nothing', async () => {
      const other = await startSimulator();
      play(undefined, { kind: 'status', status: 307, location: `${other.url}/v1/chat/completions` });
      expect(await failureOf(source(client, request))).toMatchObject({ kind: 'http', status: 307, retryable: false });
      expect(other.requestCount).toBe(0);
      await other.close();
    });

    it('a redirect in a circle', async () => {
      play(undefined, { kind: 'status', status: 308, location: '/v1/chat/completions' });
      const before = simulator.requestCount;
      expect(await failureOf(source(client, request))).toMatchObject({ kind: 'http', status: 308 });
      expect(simulator.requestCount - before).toBe(6);
    });

    it.each([307, 308])('no error at all: a redirect on the same host, with the whole request (%i)', async (status) => {
      simulator.forgetRequests();
      simulator.setReply(answer);
      simulator.setFaults({ kind: 'status', status, location: '/v1/chat/completions?again', on: 0 });
      const { completed: whole, error } = await outcomeOf(source(client, request));
      expect(error).toBeUndefined();
      expect(whole).toBe(true);
      const [first, second] = simulator.requests;
      expect(second?.body).toEqual(first?.body);
      expect(second?.headers['authorization']).toBe('Bearer any');
    });
  });

  it('a whole answer whose body breaks off is a broken connection, which may be tried again', async () => {
    play(answer, { kind: 'reset', at: { bytes: 20 } });
    expect(await failureOf(chatComplete(client, request))).toMatchObject({ kind: 'connection', retryable: true });
  });

  describe.each(streamingSources)('%s', (_, source) => {
    it.each<[string, Fault]>([
      ['JSON that breaks off', { kind: 'malformed', at: 2 }],
      ['words', { kind: 'malformed', what: 'junk', at: 2 }],
      ['null', { kind: 'malformed', what: { text: 'data: null\n\n' }, at: 2 }],
      ['a list', { kind: 'malformed', what: { text: 'data: [1]\n\n' }, at: 2 }],
      ['a number', { kind: 'malformed', what: { text: 'data: 7\n\n' }, at: 2 }],
    ])('malformed data in the stream: %s', async (_name, fault) => {
      play(answer, fault);
      expect(await failureOf(source(client, request))).toMatchObject({ kind: 'protocol', retryable: false, partial: { content: 'Hel' } });
    });

    it('bounds the data that it quotes', async () => {
      play(answer, { kind: 'malformed', what: { text: `data: ${'x'.repeat(100_000)}\n\n` }, at: 2 });
      expect((await failureOf(source(client, request))).message.length).toBeLessThan(400);
    });

    it.each<[string, Fault]>([
      ['an error object', { kind: 'malformed', what: 'error', at: 2 }],
      ['a wrapped error object', { kind: 'malformed', what: 'wrapped-error', at: 2 }],
      [
        'an error event',
        { kind: 'malformed', what: { text: 'event: error\ndata: {"message":"Internal server error","code":3000}\n\n' }, at: 2 },
      ],
    ])('the server’s own error in the stream: %s', async (_name, fault) => {
      play(answer, fault);
      expect(await failureOf(source(client, request))).toMatchObject({
        kind: 'stream',
        message: 'Internal server error',
        code: '3000',
        retryable: true,
        partial: { content: 'Hel' },
      });
    });

    it.each([
      ['a string', 'event: error\ndata: "Overloaded"\n\n'],
      ['words', 'event: error\ndata: Overloaded\n\n'],
      ['a bare error', 'data: {"error":"Overloaded"}\n\n'],
    ])('the server’s own error in the stream, with less to say: %s', async (_name, text) => {
      play(answer, { kind: 'malformed', what: { text }, at: 2 });
      expect(await failureOf(source(client, request))).toMatchObject({ kind: 'stream', message: 'Overloaded' });
    });

    it.each(['false', '""', '0'])('is no error: a field `error` that is %s', async (value) => {
      play({ raw: `${chunk({ content: 'a' }, 'stop').replace('{"id"', `{"error":${value},"id"`)}data: [DONE]\n\n` });
      expect((await outcomeOf(source(client, request))).error).toBeUndefined();
    });

    it('an error in the stream that says nothing', async () => {
      play(answer, { kind: 'malformed', what: { text: 'data: {"object":"error","message":null,"code":null,"type":null}\n\n' } });
      expect(await failureOf(source(client, request))).toMatchObject({ kind: 'stream', message: 'The server reported an error in the stream' });
    });

    it('an error in the stream for which the request is at fault is not to be tried again', async () => {
      play(answer, { kind: 'malformed', what: { text: 'data: {"object":"error","message":"m","code":"422"}\n\n' } });
      expect(await failureOf(source(client, request))).toMatchObject({ kind: 'stream', code: '422', retryable: false });
    });

    it('the finish reason "error"', async () => {
      play(answer, { kind: 'finish-error', at: 2 });
      expect(await failureOf(source(client, request))).toMatchObject({ kind: 'stream', retryable: true, partial: { content: 'Hel' } });
    });

    it('is no error: a proxy’s page between the events, without any data', async () => {
      play(answer, { kind: 'malformed', what: 'html', at: 2 });
      expect((await outcomeOf(source(client, request))).completed).toBe(true);
    });
  });

  it('no partial before the first token', async () => {
    play(answer, { kind: 'malformed', at: 0 });
    const error = await failureOf(chatStream(client, request));
    expect([error.kind, error.partial]).toEqual(['protocol', undefined]);
  });
});

// A server in a thread of its own, so that it goes on while the consumer blocks this one. It writes a burst, an HTTP chunk
// for each event, waits until the kernel has taken it, and breaks off in the middle of a further chunk; or it writes an
// event every 20 ms and ends well.
describe('a slow consumer and a closed socket lose nothing that arrived', () => {
  const count = 300;
  const source = `
    const { parentPort, workerData: { events, how } } = require('node:worker_threads');
    const chunkOf = (event) => Buffer.byteLength(event).toString(16) + '\\r\\n' + event + '\\r\\n';
    const head = 'HTTP/1.1 200 OK\\r\\ncontent-type: text/event-stream\\r\\ntransfer-encoding: chunked\\r\\n\\r\\n';
    const server = require('node:net').createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        if (how === 'paced') {
          socket.write(head);
          let sent = 0;
          const timer = setInterval(() => {
            if (sent < events.length) return socket.write(chunkOf(events[sent++]));
            clearInterval(timer);
            socket.end('0\\r\\n\\r\\n');
          }, 20);
          return;
        }
        socket.write(head + events.map(chunkOf).join('') + 'ff\\r\\ndata: {"id"', () => {
          if (how === 'rst') setTimeout(() => socket.resetAndDestroy(), 50);
          else socket.end();
        });
      });
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  `;
  const burst = Array.from({ length: count }, (_, i) => chunk({ content: `${i} ` }));
  const all = Array.from({ length: count }, (_, i) => `${i} `).join('');

  async function withServer(
    how: 'fin' | 'rst' | 'paced',
    run: (theirs: Mistral) => Promise<void>,
    events: readonly string[] = burst,
  ): Promise<void> {
    const worker = new Worker(source, { eval: true, workerData: { events, how } });
    try {
      const [port] = (await once(worker, 'message')) as [number];
      await run(new Mistral({ serverURL: `http://127.0.0.1:${port}`, apiKey: 'any' }));
    } finally {
      await worker.terminate();
    }
  }

  function block(milliseconds: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
  }

  it('where the consumer blocks', async () => {
    await withServer('fin', async (breaking) => {
      const outcome = await outcomeOf(chatStream(breaking, request), () => {
        block(2);
      });
      expect(textOf(outcome.events)).toBe(all);
      expect(outcome.error).toMatchObject({ kind: 'connection', partial: { content: all } });
    });
  });

  it('where the consumer is asynchronous, behind errorAsEvent', async () => {
    await withServer('fin', async (breaking) => {
      const slow = chatStream(breaking, request).pipe(errorAsEvent(), concatMap((event) => of(event).pipe(delay(1))));
      const { events: seen, completed: whole } = await outcomeOf(slow);
      expect(whole).toBe(true);
      expect(seen.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')).toBe(all);
      expect(seen.at(-1)).toMatchObject({ type: 'error', error: { kind: 'connection', partial: { content: all } } });
    });
  });

  it('where the socket is reset: a beginning, told apart from the whole, and the partial is what was delivered', async () => {
    await withServer('rst', async (breaking) => {
      const outcome = await outcomeOf(chatStream(breaking, request), () => {
        block(1);
      });
      const text = textOf(outcome.events);
      expect(all.startsWith(text)).toBe(true);
      expect(outcome.error).toMatchObject({ kind: 'connection', retryable: true });
      const { partial } = outcome.error as RxMistralError;
      expect(partial?.content ?? '').toBe(text);
    });
  });

  it('where the consumer takes longer than the idle limit: only the server’s silence counts', async () => {
    const paced = [...Array.from({ length: 5 }, (_, i) => chunk({ content: `${i} ` })), chunk({}, 'stop')];
    await withServer('paced', async (theirs) => {
      const outcome = await outcomeOf(chatStream(theirs, request, { timeouts: { firstEvent: 10_000, idle: 300 } }), () => {
        block(350);
      });
      expect(outcome.error).toBeUndefined();
      expect(textOf(outcome.events)).toBe('0 1 2 3 4 ');
    }, paced);
  });
});

describe('a large event', () => {
  it('is read in whatever pieces', async () => {
    play(answer, { kind: 'large', bytes: 4_000_000 }, { kind: 'split', size: 1_400 });
    const { message } = await completed();
    expect(message.content?.length).toBeGreaterThan(3_999_000);
  });

  it.each([
    ['in one write', [{ kind: 'coalesce' }]],
    ['in pieces', [{ kind: 'split', size: 1_400 }]],
  ] as const)('over the bound is an error of kind limit with what came before, %s', async (_, faults) => {
    play(answer, { kind: 'large', bytes: 200_000, at: 2 }, ...faults);
    for (const [, source] of streamingSources) {
      expect(await failureOf(source(client, request, { maxEventBytes: 100_000 }))).toMatchObject({
        kind: 'limit',
        retryable: false,
        message: expect.stringContaining('maxEventBytes') as string,
        partial: { content: 'Hel' },
      });
      expect((await outcomeOf(source(client, request, { maxEventBytes: 200_000 }))).error).toBeUndefined();
    }
    await simulator.until(({ openRequests }) => openRequests === 0);
  });

  it('over 8 MiB is refused unless the bound is raised', async () => {
    play(answer, { kind: 'large', bytes: 8_500_000 }, { kind: 'coalesce' });
    expect(await failureOf(chatStream(client, request))).toMatchObject({ kind: 'limit' });
    expect((await completed({ maxEventBytes: 9_000_000 })).finishReason).toBe('stop');
  });
});

describe('what is newer than the client is tolerated', () => {
  it('unknown fields', async () => {
    play(answer, { kind: 'extra' });
    expect((await completed()).message.content).toBe('Hello world');
    const { events } = await outcomeOf(chatChunks(client, request));
    expect(events[0]).toMatchObject({ p: 'abcdefghijklm' });
  });

  it('an unknown finish reason', async () => {
    play(answer, { kind: 'extra', what: 'finish-reason' });
    expect((await completed()).finishReason).toBe('content_filter');
    const { events } = await outcomeOf(chatComplete(client, request));
    expect(events[0]?.choices[0]).toMatchObject({ finishReason: 'content_filter' });
  });

  it('a content chunk of an unknown type, which stands in the message', async () => {
    play(answer, { kind: 'extra', what: 'content-type' });
    expect((await completed()).message.content).toEqual([
      { type: 'hologram', hologram: { width: 3 } },
      { type: 'text', text: 'Hello world' },
    ]);
  });

  it.each(['proto-type', 'proto-key'] as const)('names of the prototype: %s', async (what) => {
    play(answer, { kind: 'extra', what });
    const { events, error } = await outcomeOf(chatStream(client, request));
    expect(error).toBeUndefined();
    expect(textOf(events)).toBe('Hello world');
    expect(JSON.stringify(events)).toContain(what === 'proto-type' ? '"type":"__proto__"' : 'Hello world');
    for (const key of ['polluted', 'text', 'type']) expect(Object.hasOwn(Object.prototype, key)).toBe(false);
    for (const event of events) expect((event as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('a tool that is named __proto__, with an id constructor', async () => {
    play({
      events: [
        { id: 'x', model: 'm', choices: [{ index: 0, delta: { tool_calls: [{ id: 'constructor', index: 0, function: { name: '__proto__', arguments: '{"__proto__":' } }] }, finish_reason: null }] },
        { id: 'x', model: 'm', choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { name: '', arguments: '1}' } }] }, finish_reason: 'tool_calls' }] },
      ],
    });
    expect((await completed()).message.toolCalls).toEqual([
      { id: 'constructor', type: 'function', index: 0, function: { name: '__proto__', arguments: '{"__proto__":1}' } },
    ]);
  });

  it.each<[string, Fault]>([
    ['event names and ids', { kind: 'fields', event: 'completion.chunk', id: true, retry: 5_000 }],
    ['data on several lines', { kind: 'fields', multiLineData: true }],
    ['comments', { kind: 'comments' }],
    ['a byte order mark', { kind: 'byte-order-mark' }],
    ['CRLF', { kind: 'line-ends', ends: 'crlf' }],
    ['CR', { kind: 'line-ends', ends: 'cr' }],
    ['line ends of all kinds', { kind: 'line-ends', ends: 'mixed' }],
    ['all in one write', { kind: 'coalesce' }],
    ['a byte in each write', { kind: 'split', size: 1 }],
  ])('%s', async (_, fault) => {
    play(answer, fault);
    expect((await completed()).message.content).toBe('Hello world');
  });
});

it('every error is of the family', async () => {
  // A last net under all of the above: an error that is none of ours would have failed `failureOf`.
  play(answer, { kind: 'malformed' });
  expect(isRxMistralError(await failureOf(chatStream(client, request)))).toBe(true);
});
