import { Mistral } from '@mistralai/mistralai';
import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completeMany, type CompleteManyOptions, createRateLimiter, isRxMistralError, type Settled } from '../../src/index.js';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';
import { isPoll } from './fixtures/batchFixtures.js';
import { outcomeOf } from './fixtures/outcomeOf.js';

type Result = Settled<ChatCompletionRequest, ChatCompletionResponse>;

const model = 'mistral-small-latest';
const live = { mode: 'live', concurrency: 20 } as const;
const batch = { mode: 'batch', interval: 20 } as const;
const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] } },
};

/** The n-th of 200: all kinds of requests that there are, and of faults that a request can have. */
function request(n: number): ChatCompletionRequest {
  const messages: ChatCompletionRequest['messages'] = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: `What is ${n}?` },
  ];
  switch (n % 10) {
    case 1:
      return { model, messages, tools: [weather], toolChoice: 'any', parallelToolCalls: false };
    case 2:
      return { model, messages, responseFormat: { type: 'json_schema', jsonSchema: { name: 'answer', schemaDefinition: { type: 'object', properties: { answer: { type: 'integer' } } } } } };
    case 3:
      return { model, messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', imageUrl: `https://example.com/${n}.png` }] }], maxTokens: 7 };
    case 4:
      return { model, messages, n: 2, randomSeed: n, topP: 0.9, stop: ['.'], safePrompt: true };
    case 5:
      return { model, messages: [...messages, { role: 'assistant', content: 'It is', prefix: true }] };
    case 6:
      return {
        model,
        messages: [
          ...messages,
          { role: 'assistant', toolCalls: [{ id: 'call00001', function: { name: 'weather', arguments: '{"place":"Rhine"}' } }] },
          { role: 'tool', toolCallId: 'call00001', name: 'weather', content: 'rain' },
        ],
      };
    case 7:
      // Refused by the server, with a 400: nothing is asked.
      return { model, messages: [...messages, { role: 'assistant', content: 'It is' }] };
    case 8:
      // Refused by the server, with a 422.
      return { model, messages, temperature: 99 };
    case 9:
      // Refused by the SDK, and by us.
      return n % 20 === 9 ? { model, messages, maxTokens: 1.5 } : { model, messages: [] };
    default:
      return { model, messages };
  }
}
const requests = Array.from({ length: 200 }, (_, n) => request(n));

let simulator: Simulator;
let client: Mistral;
beforeEach(async () => {
  simulator = await startSimulator({ seed: 42 });
  client = new Mistral({ serverURL: simulator.url, apiKey: 'any' });
});
afterEach(() => simulator.close());

async function resultsOf(options: CompleteManyOptions, from = requests): Promise<readonly Result[]> {
  const { events, completed, error } = await outcomeOf(completeMany(client, from, { ...options, ordered: true }));
  expect(error).toBeUndefined();
  expect(completed).toBe(true);
  return events;
}

/** A result as plain data; of an error all but the server's id of the call, of which a line of a batch has none. */
function plain(result: Result): unknown {
  if (result.status === 'fulfilled') return result;
  expect(isRxMistralError(result.reason)).toBe(true);
  const { requestId: _, ...reason } = JSON.parse(JSON.stringify(result.reason)) as { readonly requestId?: string };
  return { ...result, reason };
}

describe('one option moves a pipeline to half the price', () => {
  it('200 requests, some of them refused, have equal results live and as a batch', async () => {
    const inCalls = await resultsOf(live);
    const calls = simulator.requestCount;
    const inJobs = await resultsOf(batch);

    expect(inJobs.map(plain)).toEqual(inCalls.map(plain));
    expect(inCalls.map(({ index }) => index)).toEqual(requests.map((_, index) => index));
    expect(inCalls.every(({ input }, index) => input === requests[index])).toBe(true);
    const count = (status: string) => inCalls.filter((result) => result.status === status).length;
    expect([count('fulfilled'), count('rejected')]).toEqual([140, 60]);
    // What is wrong on this side is not sent; the batch is a file, a job, polls and two downloads.
    expect(calls).toBe(180);
    expect(simulator.requests.slice(calls).filter((each) => !isPoll(each))).toHaveLength(4);
  });

  it('and inline, in several jobs', async () => {
    const inCalls = await resultsOf(live);
    const inJobs = await resultsOf({ ...batch, inline: true, maxRequestsPerJob: 70, concurrentJobs: 2 });

    expect(inJobs.map(plain)).toEqual(inCalls.map(plain));
  });

  it.each([422, 400, 503, 500])('a status of %i is the same error', async (status) => {
    simulator.setFaults({ kind: 'status', status, on: ({ path }) => path === '/v1/chat/completions' });
    simulator.setBatch({ faults: { kind: 'fail-requests', status } });
    const one = requests.slice(0, 1);

    const [inCall] = await resultsOf(live, one);
    const [inJob] = await resultsOf({ ...batch, resubmit: { rounds: 0 } }, one);

    const kindOf = (result: Result | undefined) => {
      const reason: unknown = result?.status === 'rejected' ? result.reason : undefined;
      return isRxMistralError(reason) ? [reason.name, reason.kind, reason.status, reason.retryable] : reason;
    };
    expect(kindOf(inJob)).toEqual(kindOf(inCall));
    expect(kindOf(inJob)).toEqual(['RxMistralError', 'http', status, status >= 500]);
  });
});

describe('live', () => {
  it('a limiter that all calls share holds them back, and a 429 is waited for', async () => {
    simulator.setFaults({ kind: 'status', status: 429, headers: { 'retry-after': '0' }, on: [3, 11] });
    const limiter = createRateLimiter({ requests: { limit: 1_000, interval: 1_000 } });

    const results = await resultsOf({ ...live, limiter, retry: {} }, requests.filter((_, n) => n % 10 === 0));

    expect(results.map(({ status }) => status)).toEqual(results.map(() => 'fulfilled'));
    expect(simulator.requestCount).toBe(22);
  });

  it('no more calls are open than there are places, and unsubscribing closes them', async () => {
    simulator.setFaults({ kind: 'stall', at: 'before-headers' });
    const subscription = completeMany(client, requests, { ...live, concurrency: 7 }).subscribe({ error: (error: unknown) => expect.unreachable(String(error)) });

    await expect.poll(() => simulator.openRequests).toBe(7);
    subscription.unsubscribe();
    await expect.poll(() => simulator.openRequests).toBe(0);
    expect(simulator.requestCount).toBe(7);
  });
});

describe('as a batch', () => {
  it('a request whose line is lost is a result that says so; one that fails for a while is asked again', async () => {
    simulator.setBatch({
      faults: [
        { kind: 'lose-lines', which: (customId) => customId === 'request-2' },
        { kind: 'fail-requests', status: 503, which: (customId) => customId === 'request-1', on: 0 },
      ],
    });

    const [again, lost] = await resultsOf(batch, [request(0), request(10)]);

    expect(again?.status).toBe('fulfilled');
    expect(lost).toMatchObject({ status: 'rejected', reason: { kind: 'batch-job', retryable: true } });
  });

  it('a wrong key fails the run, as it would all of its requests', async () => {
    simulator.setFaults({ kind: 'status', status: 401 });

    const { events, error } = await outcomeOf(completeMany(client, requests.slice(0, 3), batch));

    expect(events).toEqual([]);
    expect(error).toMatchObject({ kind: 'http', status: 401 });
  });
});
