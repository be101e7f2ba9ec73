import { inspect } from 'node:util';
import { firstValueFrom, take, tap, toArray, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { constantBackoff, type RxMistralError } from '../../src/index.js';
import { eventStream, type EventStreamInit, type Reconnection, type ServerSentEvent } from '../../src/sse/index.js';
import { waitFor } from '../fixtures/waitFor.js';
import { failureOf, outcomeOf } from '../wire/fixtures/outcomeOf.js';
import { noMore, scriptedFetch, status, streamOf } from './fixtures/scriptedFetch.js';

const url = 'http://localhost/events';
const reset = Object.assign(new TypeError('terminated'), { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) });
const atOnce = { backoff: constantBackoff(0) };

const dataOf = (events: readonly ServerSentEvent[]): string[] => events.map(({ data }) => data);

describe('eventStream: the request', () => {
  it('asks for an event stream, past every cache', async () => {
    const { fetch, taken } = scriptedFetch(noMore);
    await outcomeOf(eventStream(url, { fetch }));
    const { request } = taken[0]!;
    expect([request.method, request.headers.get('accept'), request.cache]).toEqual(['GET', 'text/event-stream', 'no-store']);
    expect(request.headers.has('last-event-id')).toBe(false);
  });

  it('is what `fetch` takes: a method, headers, a body', async () => {
    const { fetch, taken } = scriptedFetch(noMore);
    await outcomeOf(eventStream(new URL(url), { fetch, method: 'POST', headers: { 'x-tenant': 'a' }, body: '{}', cache: 'reload' }));
    const { request } = taken[0]!;
    expect([request.method, request.headers.get('x-tenant'), request.cache, await request.text()]).toEqual(['POST', 'a', 'reload', '{}']);
  });

  it('may be a Request, whose body is sent with every attempt and every subscription', async () => {
    const { fetch, taken } = scriptedFetch(streamOf(['id: 1\ndata: a\n\n']), noMore);
    const events = eventStream(new Request(url, { method: 'POST', body: 'question' }), { fetch, reconnect: atOnce });
    expect(dataOf((await outcomeOf(events)).events)).toEqual(['a']);
    await outcomeOf(events);
    expect(await Promise.all(taken.map(({ request }) => request.text()))).toEqual(['question', 'question', 'question']);
  });

  it('is made anew for each subscription, which begins where the first did', async () => {
    const { fetch, taken } = scriptedFetch(streamOf(['id: 1\ndata: a\n\n']));
    const events = eventStream(url, { fetch, reconnect: false });
    for (const _ of [1, 2]) expect(dataOf((await outcomeOf(events)).events)).toEqual(['a']);
    expect(taken.map(({ request }) => request.headers.get('last-event-id'))).toEqual([null, null]);
  });

  it('is not sent before there is a subscriber', () => {
    const { fetch, taken } = scriptedFetch(noMore);
    void eventStream(url, { fetch });
    expect(taken).toHaveLength(0);
  });

  it.each([
    ['an id', '41', '41'],
    ['as UTF-8', 'é漢', String.fromCharCode(0xc3, 0xa9, 0xe6, 0xbc, 0xa2)],
  ])('begins behind `lastEventId`: %s', async (_, lastEventId, sent) => {
    const { fetch, taken } = scriptedFetch(noMore);
    await outcomeOf(eventStream(url, { fetch, lastEventId }));
    expect(taken[0]!.request.headers.get('last-event-id')).toBe(sent);
  });

  it('that cannot be made is an error of kind validation, and is not repeated', async () => {
    const { fetch, taken } = scriptedFetch(noMore);
    const error = await failureOf(eventStream('http://user:secret@localhost/', { fetch, method: 'POST' }));
    expect([error.kind, error.retryable, taken.length]).toEqual(['validation', false, 0]);
    expect(error.cause).toMatchObject({ message: expect.stringContaining('//localhost') as string });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('secret');
  });
});

describe('eventStream: onOpen', () => {
  it('is told of each connection that stands, before its first event, and of none that fails', async () => {
    const { fetch } = scriptedFetch(streamOf(['id: 1\ndata: a\n\n']), status(503), streamOf(['id: 2\ndata: b\n\n']), noMore);
    const told: string[] = [];
    const onOpen = (): void => void told.push('open');
    const onReconnect = (): void => void told.push('wait');
    const events = eventStream(url, { fetch, onOpen, reconnect: { ...atOnce, onReconnect } });
    await outcomeOf(events.pipe(tap(({ data }) => void told.push(data))));
    expect(told).toEqual(['open', 'a', 'wait', 'wait', 'open', 'b', 'wait']);
  });

  it('ends the stream by what it throws, and no other connection is made', async () => {
    const { fetch, taken } = scriptedFetch(streamOf(['data: a\n\n']));
    const onOpen = (): never => {
      throw new DOMException('a bug of the user', 'TimeoutError');
    };
    const outcome = await outcomeOf(eventStream(url, { fetch, onOpen, reconnect: atOnce }));
    expect([outcome, taken.length, taken[0]!.signal.aborted]).toMatchObject([{ events: [], error: { name: 'RxMistralError', retryable: false } }, 1, true]);
  });

  it('may unsubscribe', async () => {
    const { fetch, taken } = scriptedFetch(streamOf(['data: a\n\n']));
    const next = vi.fn();
    await new Promise<void>((resolve) => {
      const subscription = eventStream(url, { fetch, onOpen: () => { subscription.unsubscribe(); resolve(); } }).subscribe({ next, error: next });
    });
    await Promise.resolve();
    expect([next.mock.calls, taken[0]!.signal.aborted]).toEqual([[], true]);
  });
});

describe('eventStream: the end', () => {
  it('completes at 204', async () => {
    const { fetch } = scriptedFetch(noMore);
    expect(await outcomeOf(eventStream(url, { fetch }))).toMatchObject({ events: [], completed: true });
  });

  it('completes at the end of the body where nobody reconnects', async () => {
    const { fetch, taken } = scriptedFetch(streamOf(['data: a\n\n']));
    expect(await outcomeOf(eventStream(url, { fetch, reconnect: false }))).toMatchObject({ completed: true });
    expect(taken).toHaveLength(1);
  });

  it('fails where the attempts are used up, with the last error', async () => {
    const { fetch, taken } = scriptedFetch(streamOf([]));
    const error = await failureOf(eventStream(url, { fetch, reconnect: { ...atOnce, maxRetries: 2 } }));
    expect([error.name, error.kind, taken.length]).toEqual(['TruncatedStreamError', 'truncated', 3]);
  });

  it.each<[string, () => Response, Partial<RxMistralError>]>([
    ['a status of the 400s', status(404, '{"message":"no such chat"}'), { kind: 'http', status: 404, message: 'no such chat', retryable: false }],
    ['a status of the 200s that is neither 200 nor 204', status(206, 'x'), { kind: 'http', status: 206 }],
    ['another content type', () => new Response('<p>', { headers: { 'content-type': 'text/html' } }), { kind: 'protocol', status: 200 }],
    ['a content type that only begins so', () => new Response('', { headers: { 'content-type': 'text/event-streams' } }), { kind: 'protocol' }],
    ['no content type', () => new Response(new Uint8Array()), { kind: 'protocol', message: 'The server answered with no content type where an event stream was expected' }],
    ['HTML for an error', status(403, '<h1>'), { kind: 'http', message: 'The server answered with status 403' }],
    ['an error in its wrapping', status(400, '{"error":{"message":"bad"}}'), { kind: 'http', message: 'bad' }],
  ])('%s is final', async (_, response, expected) => {
    const { fetch, taken } = scriptedFetch(response);
    expect(await failureOf(eventStream(url, { fetch, reconnect: atOnce }))).toMatchObject(expected);
    expect(taken).toHaveLength(1);
  });

  it.each(['text/event-stream', 'text/event-stream; charset=utf-8', 'Text/Event-Stream;charset=x'])('reads %s', async (type) => {
    const { fetch } = scriptedFetch(() => new Response('data: a\n\n', { headers: { 'content-type': type } }));
    expect(dataOf((await outcomeOf(eventStream(url, { fetch, reconnect: false }))).events)).toEqual(['a']);
  });

  it('an event that is too large is final, behind those before it', async () => {
    const { fetch, taken } = scriptedFetch(streamOf(['data: a\n\n', `data: ${'b'.repeat(100)}\n\n`]));
    const { events, error } = await outcomeOf(eventStream(url, { fetch, reconnect: atOnce, maxEventBytes: 50 }));
    expect([dataOf(events), (error as RxMistralError).kind, taken.length]).toEqual([['a'], 'limit', 1]);
  });

  it('delivers what has come before the connection broke', async () => {
    const { fetch } = scriptedFetch(streamOf(['data: a\n\ndata: b\n\nda'], reset));
    const { events, error } = await outcomeOf(eventStream(url, { fetch, reconnect: false }));
    expect(dataOf(events)).toEqual(['a', 'b']);
    expect(error).toMatchObject({ kind: 'connection', code: 'ECONNRESET', message: 'The connection broke (ECONNRESET)', retryable: true });
  });

  it('unsubscribing aborts the request and cancels the body, also from within an event', async () => {
    let cancelled = 0;
    const body = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode('data: a\n\ndata: b\n\n'));
        },
        cancel: () => {
          cancelled += 1;
        },
      });
    const { fetch, taken } = scriptedFetch(() => new Response(body(), { headers: { 'content-type': 'text/event-stream' } }));
    expect(dataOf(await firstValueFrom(eventStream(url, { fetch }).pipe(take(1), toArray())))).toEqual(['a']);
    expect([taken[0]!.signal.aborted, cancelled]).toEqual([true, 1]);
  });

  it('unsubscribing before the response aborts the request, and emits nothing', async () => {
    const next = vi.fn();
    const { fetch, taken } = scriptedFetch(streamOf(['data: a\n\n']));
    eventStream(url, { fetch }).subscribe({ next, error: next, complete: next }).unsubscribe();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([taken[0]!.signal.aborted, next.mock.calls.length]).toEqual([true, 0]);
  });

  it('a signal of the user ends it, for good', async () => {
    const controller = new AbortController();
    const { fetch, taken } = scriptedFetch(streamOf(['data: a\n\n'], reset));
    const failure = failureOf(eventStream(url, { fetch, signal: controller.signal, reconnect: { backoff: constantBackoff(5), maxRetries: Infinity } }));
    controller.abort();
    expect(await failure).toMatchObject({ kind: 'validation', retryable: false });
    // Once the wait between two connections has ended too, nothing was sent.
    expect(taken).toHaveLength(1);
    expect(await failureOf(eventStream(url, { fetch, signal: AbortSignal.abort() }))).toMatchObject({ kind: 'validation' });
    expect(taken).toHaveLength(1);
  });

  it('a silence that is too long breaks the connection, which is made anew', async () => {
    // No further than the first silence.
    const scheduler = new VirtualTimeScheduler(undefined, 30);
    const { fetch, taken } = scriptedFetch(() => new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } }), noMore);
    const errors: unknown[] = [];
    const onReconnect = ({ error }: Reconnection): void => void errors.push(error);
    const outcome = outcomeOf(eventStream(url, { fetch, idleTimeout: 30, scheduler, reconnect: { ...atOnce, onReconnect } }));
    await waitFor(() => {
      expect(taken).toHaveLength(1);
    });
    scheduler.flush();
    expect((await outcome).completed).toBe(true);
    expect(errors).toMatchObject([{ kind: 'timeout', which: 'idle', message: 'The event stream was silent for 30 ms' }]);
    expect(taken[0]!.signal.aborted).toBe(true);
  });
});

/** How the stream reconnects, with no wait and no chance. */
async function reconnections(init: EventStreamInit, script: readonly (() => Response)[], target = url) {
  const { fetch, taken } = scriptedFetch(...script);
  const told: Reconnection[] = [];
  // Time that passes at once.
  const scheduler = new VirtualTimeScheduler();
  const onReconnect = (reconnection: Reconnection): void => {
    told.push(reconnection);
    queueMicrotask(() => {
      scheduler.flush();
    });
  };
  const reconnect = { random: () => 0, ...(init.reconnect === false ? {} : init.reconnect), onReconnect };
  const outcome = await outcomeOf<ServerSentEvent>(eventStream(target, { ...init, fetch, scheduler, reconnect }));
  return { outcome, told, asked: taken.map(({ request }) => request.headers.get('last-event-id')) };
}

describe('eventStream: reconnecting', () => {
  it('asks for what comes behind the last event, wherever the connection ended', async () => {
    const script = [
      streamOf(['id: 1\ndata: a\n\nid: 2\nda'], reset),
      streamOf(['data: a2\n\nid: 3\n\nid: 4\ndata: '], reset),
      streamOf(['id: 5\ndata: b\n\n']),
      noMore,
    ];
    const { outcome, asked, told } = await reconnections({}, script);
    expect(outcome.events.map(({ data, id }) => [data, id])).toEqual([['a', '1'], ['a2', '1'], ['b', '5']]);
    expect(outcome.completed).toBe(true);
    // The id of a block without data counts; that of a block without its blank line does not.
    expect(asked).toEqual([null, '1', '3', '5']);
    expect(told.map(({ attempt, lastEventId }) => [attempt, lastEventId])).toEqual([[1, '1'], [1, '3'], [1, '5']]);
  });

  it('begins each connection as a stream of its own: a byte order mark, an unfinished line, an unfinished letter', async () => {
    const half = new TextEncoder().encode('漢').subarray(0, 2);
    const script = [
      streamOf(['id: 1\ndata: a\n\nevent: x\ndata: ', half], reset),
      // A CR at its end, and an LF at the next one's beginning, are not one line end.
      streamOf(['\uFEFFdata: b\nid: 2\r\n\r\nevent: y\r'], reset),
      streamOf(['\uFEFF\ndata: c\n\n']),
      noMore,
    ];
    const { outcome, asked } = await reconnections({}, script);
    expect(outcome.events.map(({ event, data, id }) => [event, data, id])).toEqual([['message', 'a', '1'], ['message', 'b', '2'], ['message', 'c', '2']]);
    expect(asked).toEqual([null, '1', '2', '2']);
  });

  it('reconnects where no connection can be made', async () => {
    const refused = (): Response => {
      throw Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(''), { code: 'ECONNREFUSED' }) });
    };
    const { outcome, told } = await reconnections({}, [refused, refused, noMore]);
    expect(outcome.completed).toBe(true);
    expect(told.map(({ attempt, error }) => [attempt, (error as RxMistralError).code])).toEqual([[1, 'ECONNREFUSED'], [2, 'ECONNREFUSED']]);
  });

  it.each([408, 429, 500, 502, 503])('reconnects after %s, not before its Retry-After', async (code) => {
    const { outcome, told } = await reconnections({}, [status(code, '', { 'retry-after': '7' }), noMore]);
    expect([outcome.completed, told[0]?.delayMs]).toEqual([true, 7_000]);
  });

  it('does not wait for a Retry-After that is longer than `maxRetryAfter`', async () => {
    const { outcome, told } = await reconnections({ reconnect: { maxRetryAfter: 6_999 } }, [status(503, '', { 'retry-after': '7' }), noMore]);
    expect([outcome.error, told]).toMatchObject([{ status: 503, retryAfterMs: 7_000 }, []]);
  });

  it('waits no less than `retry:` asks, from then on', async () => {
    const script = [streamOf(['retry: 4000\n\n']), streamOf(['data: a\n\n']), status(500), noMore];
    const { told } = await reconnections({ reconnect: { backoff: constantBackoff(100) } }, script);
    expect(told.map(({ delayMs }) => delayMs)).toEqual([4_000, 4_000, 4_000]);
    const late = await reconnections({ reconnect: { backoff: constantBackoff(100), random: () => 0.5 } }, script);
    expect(late.told.map(({ delayMs }) => delayMs)).toEqual([4_200, 4_200, 4_200]);
    const longer = await reconnections({ reconnect: { backoff: constantBackoff(9_000) } }, script);
    expect(longer.told.map(({ delayMs }) => delayMs)).toEqual([9_000, 9_000, 9_000]);
  });

  it('a `retry:` beyond what a timer can take is as long as it can', async () => {
    const { told } = await reconnections({}, [streamOf([`retry: ${'9'.repeat(400)}\n\n`]), noMore]);
    expect(told[0]?.delayMs).toBe(2 ** 31 - 1);
  });

  it('counts the attempts, and the backoff, anew behind an event', async () => {
    const delays = { next: ({ attempt }: { readonly attempt: number }) => ({ delayMs: attempt * 10, next: delays }) };
    const script = [status(500), status(500), streamOf(['data: a\n\n']), status(500), status(500), noMore];
    const { outcome, told } = await reconnections({ reconnect: { backoff: delays, maxRetries: 2 } }, script);
    // The third in a row is one too many.
    expect(told.map(({ attempt, delayMs }) => [attempt, delayMs])).toEqual([[1, 10], [2, 20], [1, 10], [2, 20]]);
    expect(outcome.error).toMatchObject({ status: 500 });
  });

  it('what onReconnect throws ends it', async () => {
    const { fetch } = scriptedFetch(status(500));
    const broken = new Error('broken');
    const onReconnect = (): never => {
      throw broken;
    };
    expect((await outcomeOf(eventStream(url, { fetch, reconnect: { onReconnect } }))).error).toBe(broken);
  });

  it('unsubscribing ends the wait', async () => {
    const { fetch, taken } = scriptedFetch(status(500));
    const scheduler = new VirtualTimeScheduler();
    const waits = new Promise<void>((resolve) => {
      const subscription = eventStream(url, { fetch, scheduler, reconnect: { onReconnect: () => { resolve(); } } }).subscribe({ error: () => undefined });
      void waitFor(() => { expect(scheduler.actions.length).toBeGreaterThan(0); }).then(() => { subscription.unsubscribe(); });
    });
    await waits;
    await waitFor(() => { expect(scheduler.actions.every(({ closed }) => closed)).toBe(true); });
    scheduler.flush();
    expect(taken).toHaveLength(1);
  });

  describe('a request that is not a GET', () => {
    const post = (init: EventStreamInit, script: readonly (() => Response)[]) => reconnections({ method: 'POST', body: 'x', ...init }, script);
    const key = { headers: { 'idempotency-key': 'k' } };

    it('is not sent again where the server could not tell it from a new one', async () => {
      const { outcome, asked } = await post({}, [status(500), noMore]);
      expect([outcome.error, asked]).toMatchObject([{ status: 500, retryable: true }, [null]]);
    });

    it('is sent again behind an event with an id', async () => {
      const { outcome, asked } = await post({}, [streamOf(['id: 1\ndata: a\n\n'], reset), noMore]);
      expect([outcome.completed, asked]).toEqual([true, [null, '1']]);
    });

    it('is sent again with its key as long as no event has come', async () => {
      const { outcome, asked } = await post(key, [status(500), streamOf(['data: a\n\n'], reset), noMore]);
      expect([dataOf(outcome.events), (outcome.error as RxMistralError).kind, asked]).toEqual([['a'], 'connection', [null, null]]);
    });

    it('is never sent again where its body is a stream', async () => {
      const body = new Blob(['x']).stream();
      const { outcome, asked } = await post({ ...key, body, duplex: 'half' } as EventStreamInit, [status(500), noMore]);
      expect([outcome.error, asked]).toMatchObject([{ status: 500 }, [null]]);
    });
  });
});

describe('eventStream: its options', () => {
  it.each<[string, () => unknown, string]>([
    ['input', () => eventStream(7 as never), 'Expected `input` to be a URL or a Request, got 7'],
    ['maxEventBytes', () => eventStream(url, { maxEventBytes: 0 }), 'Expected `maxEventBytes` to be an integer >= 1 or Infinity, got 0'],
    ['onOpen', () => eventStream(url, { onOpen: 1 as never }), 'Expected `onOpen` to be a function, got 1'],
    ['idleTimeout', () => eventStream(url, { idleTimeout: 0 }), 'Expected `idleTimeout` to be milliseconds from 1 to 2147483647, got 0'],
    ['lastEventId', () => eventStream(url, { lastEventId: 'a\nb' }), 'Expected `lastEventId` to be an id that an event can have, got "a\\nb"'],
    ['reconnect', () => eventStream(url, { reconnect: true as never }), 'Expected `reconnect` to be an object, got true'],
    ['maxRetries', () => eventStream(url, { reconnect: { maxRetries: -1 } }), 'Expected `reconnect.maxRetries` to be an integer >= 0 or Infinity, got -1'],
    ['backoff', () => eventStream(url, { reconnect: { backoff: {} as never } }), 'Expected `reconnect.backoff` to be a Backoff, got an object'],
    ['headers', () => eventStream(url, { headers: { authorization: 'Bearer a\nb' } }), 'Expected `headers` to be names and values that a header can have, got an object'],
    ['headers in pairs', () => eventStream(url, { headers: [['not a name', 'b']] }), 'Expected `headers` to be names and values that a header can have, got an array'],
    ['fetch', () => eventStream(url, { fetch: 1 as never }), 'Expected `fetch` to be a function, got 1'],
  ])('%s is checked at the call', (_, call, message) => {
    expect(call).toThrow(new TypeError(message));
  });
});
