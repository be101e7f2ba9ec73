import { MistralCore } from '@mistralai/mistralai/core.js';
import { lastValueFrom, mergeMap, range, toArray } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import { chatComplete, chatStream, createRateLimiter, errorAsEvent, pullMap, type RateLimiter } from '../../src/index.js';
import { type RateLimitOptions, type Simulator, startSimulator } from '../../src/simulator/index.js';

let simulator: Simulator;
afterEach(() => simulator.close());

const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Hi' }], maxTokens: 3 };
// Clocks of whole milliseconds, and a timer that may be one early.
const grain = 3;
const refusals = (): number => simulator.requests.filter(({ status }) => status === 429).length;

async function start(rateLimit: RateLimitOptions): Promise<MistralCore> {
  simulator = await startSimulator({ rateLimit, maxRecordedRequests: 5_000 });
  return new MistralCore({ serverURL: simulator.url, apiKey: 'any' });
}

/** How many of a thousand calls are answered, 50 at once. */
async function thousandCalls(client: MistralCore, limiter: RateLimiter): Promise<number> {
  const ask = () => chatComplete(client, request, { limiter, retry: { maxRetries: 5 } });
  const answers = pullMap(Array.from({ length: 1_000 }), ask, { concurrency: 50 });
  return (await lastValueFrom(answers.pipe(toArray()))).length;
}

describe('a limiter', { timeout: 300_000 }, () => {
  test('that knows the limit sees no 429 in a thousand calls', async () => {
    const requests = { limit: 300, interval: 1_000 };
    const client = await start({ requests });

    expect(await thousandCalls(client, createRateLimiter({ requests, headerInterval: 1_000 }))).toBe(1_000);
    expect(simulator.requests).toHaveLength(1_000);
    expect(refusals()).toBe(0);
  });

  test('that has to learn the limit sees a handful of 429s at most', async () => {
    const client = await start({ requests: { limit: 300, interval: 1_000 }, retryAfter: 'retry-after-ms' });

    expect(await thousandCalls(client, createRateLimiter({ headerInterval: 1_000 }))).toBe(1_000);
    expect(refusals()).toBeLessThanOrEqual(5);
  });

  test('holds back everybody at one 429, for as long as the server said', async () => {
    const client = await start({});
    const wait = 1_000;
    simulator.setFaults({ kind: 'status', status: 429, headers: { 'retry-after-ms': String(wait) }, on: 4 });
    const limiter = createRateLimiter();
    const streams = range(0, 12).pipe(
      mergeMap(() => chatStream(client, request, { limiter, retry: { maxRetries: 5 } }).pipe(errorAsEvent()), 2),
      toArray(),
    );
    const events = await lastValueFrom(streams);

    expect(events.filter(({ type }) => type === 'complete')).toHaveLength(12);
    const refused = simulator.requests.find(({ status }) => status === 429)!;
    const early = simulator.requests.filter(({ receivedAt }) => receivedAt > refused.finishedAt! && receivedAt < refused.finishedAt! + wait - grain);
    // The one beside it may have been under way, and another have begun before the refusal was read; the others are held back.
    expect(early.length).toBeLessThan(3);
    expect([refusals(), simulator.requestCount]).toEqual([1, 13]);
  });

  test('makes no call for those who leave while they wait', async () => {
    const client = await start({});
    const limiter = createRateLimiter({ requests: { limit: 1, interval: 60_000 } });
    await lastValueFrom(chatComplete(client, request, { limiter }));

    const waiting = Array.from({ length: 20 }, () =>
      chatStream(client, request, { limiter }).subscribe({ error: (error: unknown) => expect.unreachable(String(error)) }),
    );
    globalThis.gc?.();
    for (const subscription of waiting) subscription.unsubscribe();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(simulator.requests).toHaveLength(1);
  });
});
