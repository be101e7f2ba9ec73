import { setTimeout as sleep } from 'node:timers/promises';
import { Mistral } from '@mistralai/mistralai';
import { Subscription, VirtualTimeScheduler } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  accumulate,
  type ChatEvent,
  chatStream,
  constantBackoff,
  type RetryAttempt,
} from '../../src/index.js';
import { type FaultScript, type Simulator, startSimulator } from '../../src/simulator/index.js';
import { settle } from './fixtures/cancellationFixtures.js';
import { chatSources, failureOf, outcomeOf, streamingSources } from './fixtures/outcomeOf.js';

const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Why?' }] };
const answer = { text: ['Hel', 'lo', ' world'] };
const quick = { backoff: constantBackoff(1), random: () => 0 };

let simulator: Simulator;
let client: Mistral;
beforeEach(async () => {
  simulator = await startSimulator({ reply: answer });
  client = new Mistral({ serverURL: simulator.url, apiKey: 'any' });
});
afterEach(() => simulator.close());

/** How long after the first request the second came, in milliseconds. */
function gap(): number {
  const [first, second] = simulator.requests;
  return second!.receivedAt - first!.receivedAt;
}
const typesOf = (events: readonly ChatEvent[]): string[] => events.map(({ type }) => type);

// Timers may fire a millisecond before the clock that the test reads says so.
const grain = 1.5;

describe.each(chatSources)("the SDK's retries are off: %s", (_, source) => {
  it.each<[string, FaultScript]>([
    ['503', { kind: 'status', status: 503 }],
    ['429 with Retry-After', { kind: 'status', status: 429, headers: { 'retry-after': '0' } }],
    ['a reset', { kind: 'reset', at: 'before-headers' }],
  ])('a client with retries of its own makes one call: %s', async (_name, faults) => {
    simulator.setFaults(faults);
    const retrying = new Mistral({
      serverURL: simulator.url,
      apiKey: 'any',
      retryConfig: {
        strategy: 'backoff',
        backoff: { initialInterval: 1, maxInterval: 2, exponent: 1, maxElapsedTime: 5_000 },
        retryConnectionErrors: true,
      },
    });
    await failureOf(source(retrying, request));
    expect(simulator.requestCount).toBe(1);
  });

  it('nothing is retried unless it is asked for', async () => {
    simulator.setFaults({ kind: 'status', status: 503 });
    await failureOf(source(client, request));
    await failureOf(source(client, request, { retry: false }));
    expect(simulator.requestCount).toBe(2);
  });
});

describe.each(chatSources)('retry, %s', (_, source) => {
  it.each([400, 401, 403, 404, 413, 422])('does not repeat a %i', async (status) => {
    simulator.setFaults({ kind: 'status', status });
    expect(await failureOf(source(client, request, { retry: quick }))).toMatchObject({ status });
    expect(simulator.requestCount).toBe(1);
  });

  it.each<[string, FaultScript]>([
    ['408', { kind: 'status', status: 408, times: 2 }],
    ['429', { kind: 'status', status: 429, times: 2 }],
    ['500', { kind: 'status', status: 500, times: 2 }],
    ['502 in HTML', { kind: 'status', status: 502, body: 'html', times: 2 }],
    ['a reset before the headers', { kind: 'reset', at: 'before-headers', times: 2 }],
    ['a reset before the first event', { kind: 'reset', at: 'after-headers', times: 2 }],
  ])('repeats what may succeed: %s', async (_name, faults) => {
    simulator.setFaults(faults);
    const { completed, error } = await outcomeOf(source(client, request, { retry: quick }));
    expect(error).toBeUndefined();
    expect(completed).toBe(true);
    expect(simulator.requestCount).toBe(3);
  });

  it('repeats as often as maxRetries says, and ends with the last error as it was', async () => {
    simulator.setFaults({ kind: 'status', status: 503 });
    const error = await failureOf(source(client, request, { retry: { ...quick, maxRetries: 3 } }));
    expect(error).toMatchObject({ kind: 'http', status: 503, code: '3505' });
    expect(simulator.requestCount).toBe(4);
  });

  it('tells onRetry of each', async () => {
    simulator.setFaults({ kind: 'status', status: 503, headers: { 'retry-after-ms': '20' }, times: 2 });
    const attempts: RetryAttempt[] = [];
    await outcomeOf(source(client, request, { retry: { ...quick, onRetry: (attempt) => attempts.push(attempt) } }));
    expect(attempts).toMatchObject([
      { attempt: 1, delayMs: 20, error: { status: 503 } },
      { attempt: 2, delayMs: 20, error: { status: 503 } },
    ]);
  });

  it('asks isRetryable, whose error takes the place of the failure', async () => {
    simulator.setFaults({ kind: 'status', status: 404, times: 1 });
    const { completed } = await outcomeOf(source(client, request, { retry: { ...quick, isRetryable: () => true } }));
    expect(completed).toBe(true);

    simulator.setFaults({ kind: 'status', status: 503 });
    const own = new Error('own');
    const isRetryable = (): boolean => {
      throw own;
    };
    expect((await outcomeOf(source(client, request, { retry: { ...quick, isRetryable } }))).error).toBe(own);
  });

  it('starts an attempt anew that did not begin in time', async () => {
    simulator.setFaults({ kind: 'stall', at: 'before-headers', on: 0 });
    const { completed } = await outcomeOf(source(client, request, { retry: quick, timeouts: { firstEvent: 1_000 } }));
    expect(completed).toBe(true);
    expect(simulator.requestCount).toBeGreaterThan(1);
    await simulator.until(({ requests }) => requests[0]?.outcome === 'client-closed');
  });

  it('makes no call when it is unsubscribed from in the wait', async () => {
    simulator.setFaults({ kind: 'status', status: 503 });
    const subscription = new Subscription();
    await new Promise<void>((resolve) => {
      const call = source(client, request, {
        retry: {
          backoff: constantBackoff(50),
          onRetry: () => {
            setImmediate(resolve);
          },
        },
      });
      subscription.add(call.subscribe({ error: () => undefined }));
    });
    subscription.unsubscribe();
    await sleep(80);
    expect(simulator.requestCount).toBe(1);
  });
});

describe('never before the time that the server said', () => {
  it.each([
    ['in seconds', { 'retry-after': '1' }, 1_000],
    ['in milliseconds', { 'retry-after-ms': '300' }, 300],
    ['in both, the longer', { 'retry-after': '1', 'retry-after-ms': '20' }, 1_000],
  ])('%s', async (_, headers, wait) => {
    simulator.setFaults({ kind: 'status', status: 429, headers, on: 0 });
    const { events, error } = await outcomeOf(chatStream(client, request, { retry: quick }));
    expect(error).toBeUndefined();
    expect(gap()).toBeGreaterThanOrEqual(wait - grain);
    expect(gap()).toBeLessThan(wait + 5_000);
    expect(events[0]).toMatchObject({ type: 'retry', delayMs: wait });
  });

  it('as a date', async () => {
    let until = 0;
    let secondAt = 0;
    // All on the clock that the date is of, which does not run as `performance.now()` does.
    simulator.setFaults((_request, n) => {
      if (n > 0) {
        secondAt = Date.now();
        return undefined;
      }
      until = Math.ceil(Date.now() / 1_000 + 0.3) * 1_000;
      return { kind: 'status', status: 503, headers: { 'retry-after': new Date(until).toUTCString() } };
    });
    const { error } = await outcomeOf(chatStream(client, request, { retry: quick }));
    expect(error).toBeUndefined();
    expect(secondAt).toBeGreaterThanOrEqual(until - 10);
    expect(secondAt).toBeLessThan(until + 10_000);
  });

  it.each(chatSources)('and by every source: %s', async (_, source) => {
    simulator.setFaults({ kind: 'status', status: 503, headers: { 'retry-after-ms': '150' }, on: 0 });
    await outcomeOf(source(client, request, { retry: quick }));
    expect(gap()).toBeGreaterThanOrEqual(150 - grain);
  });

  it('nor before the backoff, where that is longer', async () => {
    simulator.setFaults({ kind: 'status', status: 429, headers: { 'retry-after-ms': '10' }, on: 0 });
    await outcomeOf(chatStream(client, request, { retry: { backoff: constantBackoff(120) } }));
    expect(gap()).toBeGreaterThanOrEqual(120 - grain);
  });

  it('unless respectRetryAfter is off', async () => {
    simulator.setFaults({ kind: 'status', status: 429, headers: { 'retry-after': '30' }, on: 0 });
    await outcomeOf(chatStream(client, request, { retry: { ...quick, respectRetryAfter: false } }));
    expect(gap()).toBeLessThan(20_000);
  });

  it.each([
    ['3600', {}],
    ['61', {}],
    ['1', { maxRetryAfter: 500 }],
    ['9'.repeat(30), { maxRetryAfter: 2_147_483_647 }],
  ])('and where it said longer than maxRetryAfter, the error is final at once, as it came: %s s', async (seconds, config) => {
    simulator.setFaults({ kind: 'status', status: 429, headers: { 'retry-after': seconds } });
    for (const [, source] of chatSources) {
      const { events, error } = await outcomeOf(source(client, request, { retry: { ...quick, ...config } }));
      expect(events).toEqual([]);
      expect(error).toMatchObject({ kind: 'rate-limit', code: '1300', retryable: true });
      expect((error as { retryAfterMs: number }).retryAfterMs / (Number(seconds) * 1_000)).toBeCloseTo(1, 9);
    }
    expect(simulator.requestCount).toBe(chatSources.length);
  });
});

it.each(['requests', 'tokens'] as const)('a 429 with no allowance of %s at all is never repeated', async (what) => {
  const none = await startSimulator({ rateLimit: { [what]: { limit: 0 } } });
  const refused = new Mistral({ serverURL: none.url, apiKey: 'any' });
  for (const [, source] of chatSources) {
    const error = await failureOf(source(refused, request, { retry: { ...quick, maxRetries: 5 } }));
    expect(error).toMatchObject({ kind: 'rate-limit', retryable: false });
  }
  expect(none.requestCount).toBe(chatSources.length);
  await none.close();
});

describe('a retry is an event', () => {
  it('before the first token', async () => {
    simulator.setFaults({ kind: 'status', status: 503, times: 2 });
    const { events } = await outcomeOf(chatStream(client, request, { retry: quick, requestId: 'mine' }));
    expect(typesOf(events)).toEqual(['retry', 'retry', 'start', 'text-delta', 'text-delta', 'text-delta', 'complete']);
    expect(events.slice(0, 3)).toMatchObject([
      { attempt: 1, delayMs: 1, strategy: 'restart', error: { kind: 'http', status: 503 } },
      { attempt: 2, delayMs: 1, strategy: 'restart' },
      { attempt: 3 },
    ]);
    expect(new Set(events.map(({ requestId }) => requestId))).toEqual(new Set(['mine']));
    expect(JSON.parse(JSON.stringify(events[0]))).toMatchObject({ error: { name: 'RxMistralError', status: 503 } });
  });

  it('after the first token, where onDisconnect says restart; the answer begins anew', async () => {
    simulator.setFaults({ kind: 'reset', how: 'fin', at: { events: 3 }, on: 0 });
    const call = chatStream(client, request, { onDisconnect: 'restart', retry: quick });
    const { events } = await outcomeOf(call);
    expect(typesOf(events)).toEqual([
      'start', 'text-delta', 'text-delta', 'retry', 'start', 'text-delta', 'text-delta', 'text-delta', 'complete',
    ]);
    expect(events.map((event) => ('index' in event ? event.index : '')).join('')).toBe('01012');
    expect(events[3]).toMatchObject({ attempt: 1, error: { kind: 'connection', partial: { content: 'Hello' } } });

    simulator.setFaults({ kind: 'truncate', at: { events: 3 }, on: 0 });
    const snapshots = await outcomeOf(call.pipe(accumulate()));
    expect(snapshots.events.map(({ text }) => text)).toEqual(['Hel', 'Hello', '', 'Hel', 'Hello', 'Hello world', 'Hello world']);
    expect(snapshots.events.at(-1)).toMatchObject({ done: true, message: { content: 'Hello world' } });
  });

  it('after the first token nothing is repeated without onDisconnect', async () => {
    simulator.setFaults({ kind: 'reset', how: 'fin', at: { events: 3 } });
    for (const [, source] of streamingSources) {
      expect(await failureOf(source(client, request, { retry: quick }))).toMatchObject({ kind: 'connection', partial: { content: 'Hello' } });
    }
    expect(simulator.requestCount).toBe(2);
  });

  it('restart gives up after maxRetries, with the last partial', async () => {
    simulator.setFaults({ kind: 'reset', how: 'fin', at: { events: 3 } });
    const error = await failureOf(chatStream(client, request, { onDisconnect: 'restart', retry: { ...quick, maxRetries: 2 } }));
    expect(error).toMatchObject({ kind: 'connection', partial: { content: 'Hello' } });
    expect(simulator.requestCount).toBe(3);
  });

  it('restart does not repeat what the request is at fault for', async () => {
    simulator.setFaults({ kind: 'malformed', at: 2 });
    const error = await failureOf(chatStream(client, request, { onDisconnect: 'restart', retry: quick }));
    expect(error).toMatchObject({ kind: 'protocol' });
    expect(simulator.requestCount).toBe(1);
  });
});

describe('a total deadline ends', () => {
  it.each(chatSources)('the retries: %s', async (_, source) => {
    simulator.setFaults({ kind: 'status', status: 503, headers: { 'retry-after-ms': '60' } });
    const started = performance.now();
    const error = await failureOf(source(client, request, { retry: { maxRetries: Infinity, backoff: constantBackoff(1) }, timeouts: { total: 250 } }));
    expect(performance.now() - started).toBeGreaterThanOrEqual(250 - grain);
    expect(error).toMatchObject({ kind: 'timeout', which: 'total', retryable: false });
    // A request that was being sent when the time was over may arrive a little later.
    await sleep(200);
    await settle();
    const { requestCount } = simulator;
    expect(requestCount).toBeLessThanOrEqual(5);
    await sleep(200);
    expect(simulator.requestCount).toBe(requestCount);
  });

  it.each(chatSources)('a wait, and its error tells of the failure that was waited for: %s', async (_, source) => {
    simulator.setFaults({ kind: 'status', status: 503, headers: { 'retry-after': '30' } });
    const error = await failureOf(source(client, request, { retry: {}, timeouts: { total: 1_000 } }));
    expect(error).toMatchObject({ kind: 'timeout', which: 'total', cause: { name: 'RxMistralError', message: expect.stringContaining('capacity') as string } });
  });

  it.each(chatSources)('an attempt, down to the socket: %s', async (_, source) => {
    simulator.setFaults({ kind: 'stall', at: 'before-headers' });
    // The time is over when the server has the request, however long that takes.
    const scheduler = new VirtualTimeScheduler();
    const failure = failureOf(source(client, request, { retry: quick, timeouts: { total: 80 }, scheduler }));
    await simulator.until(({ requestCount }) => requestCount > 0);
    scheduler.flush();
    expect(await failure).toMatchObject({ kind: 'timeout', which: 'total' });
    await simulator.until(({ requests }) => requests[0]?.outcome === 'client-closed');
    expect(simulator.requestCount).toBe(1);
  });

  it('an answer, with the message so far', async () => {
    simulator.setFaults({ kind: 'stall', at: { events: 3 } });
    const options = { onDisconnect: 'restart', retry: quick, timeouts: { total: 1_000 } } as const;
    const { events, error } = await outcomeOf(chatStream(client, request, options));
    expect(typesOf(events)).toEqual(['start', 'text-delta', 'text-delta']);
    expect(error).toMatchObject({ kind: 'timeout', which: 'total', partial: { content: 'Hello' } });
  });

  it('as the timeoutMs of the client does, of each call', async () => {
    simulator.setFaults({ kind: 'stall', at: { events: 3 } });
    const limited = new Mistral({ serverURL: simulator.url, apiKey: 'any', timeoutMs: 1_000 });
    expect(await failureOf(chatStream(limited, request))).toMatchObject({ kind: 'timeout', which: 'total', partial: { content: 'Hello' } });
    await simulator.until(({ requests }) => requests[0]?.outcome === 'client-closed');
  });
});

it('no retry starts after maxElapsed: the error is final at once', async () => {
  simulator.setFaults({ kind: 'status', status: 503, headers: { 'retry-after': '20' } });
  const started = performance.now();
  const error = await failureOf(chatStream(client, request, { retry: { ...quick, maxElapsed: 5_000 } }));
  expect(error).toMatchObject({ status: 503 });
  expect(performance.now() - started).toBeLessThan(15_000);
  expect(simulator.requestCount).toBe(1);
});
