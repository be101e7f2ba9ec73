import { MistralCore } from '@mistralai/mistralai/core.js';
import { lastValueFrom, mergeMap, range, toArray } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import { chatComplete, chatStream, createRateLimiter, errorAsEvent, pullMap, type RateLimiter } from '../../src/index.js';
import { type RateLimitOptions, type Simulator, startSimulator } from '../../src/simulator/index.js';

let simulator: Simulator;
afterEach(() => simulator.close());

const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Hi' }], maxTokens: 3 };
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

describe('a limiter', () => {
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
    const client = await start({ requests: { limit: 5, interval: 1_500 }, retryAfter: 'retry-after-ms' });
    // What it could learn is made useless: only the 429 tells.
    const limiter = createRateLimiter({ headerInterval: 1 });
    const streams = range(0, 12).pipe(
      mergeMap(() => chatStream(client, request, { limiter, retry: { maxRetries: 5 } }).pipe(errorAsEvent()), 2),
      toArray(),
    );
    const events = await lastValueFrom(streams);

    expect(events.filter(({ type }) => type === 'complete')).toHaveLength(12);
    // Twelve calls are three windows of five: each of two ends with at most the two that were under way.
    expect(refusals()).toBeGreaterThan(0);
    expect(refusals()).toBeLessThanOrEqual(4);
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
