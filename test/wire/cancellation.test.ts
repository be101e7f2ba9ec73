import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { Mistral } from '@mistralai/mistralai';
import { HTTPClient } from '@mistralai/mistralai/lib/http.js';
import { EMPTY, Subject, type Subscription, switchMap, take, takeUntil, VirtualTimeScheduler } from 'rxjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { chatChunks, chatComplete, chatStream, constantBackoff, type MistralClient, sdkTransport } from '../../src/index.js';
import { type FaultScript, startSimulator, type Simulator } from '../../src/simulator/index.js';
import {
  activeTimers,
  cancelAll,
  clientOf,
  collectGarbage,
  eventually,
  median,
  openCalls,
  request,
  settle,
  type Source,
  sources,
  warmUp,
  type Watched,
  watch,
} from './fixtures/cancellationFixtures.js';

// SDK-FAULTS.md, rows 1, 2, 5 and 11, on the server's side and behind a forced garbage collection.

const count = 30;
const limitMs = 50;

let simulator: Simulator;

beforeAll(warmUp);

beforeEach(async () => {
  simulator = await startSimulator();
});

afterEach(async () => {
  await simulator.close();
});

/** The moments of a call in which it is cancelled, and how to tell that it has come so far. */
interface Moment {
  readonly faults: FaultScript;
  readonly reached: (calls: readonly Watched[]) => boolean;
}

const beforeHeaders: Moment = {
  faults: { kind: 'stall', at: 'before-headers' },
  reached: () => simulator.requests.filter(({ body }) => body !== undefined).length === count,
};
const afterHeaders: Moment = {
  faults: { kind: 'stall', at: 'after-headers' },
  reached: () => simulator.requests.filter(({ status }) => status === 200).length === count,
};
const afterToken: Moment = {
  faults: { kind: 'stall', at: { events: 1 } },
  reached: (calls) => calls.every(({ values }) => values.length > 0),
};
const tokensFlowing: Moment = {
  faults: { kind: 'slow', perEvent: 25 },
  reached: (calls) => calls.every(({ values }) => values.length > 2),
};
const bodyHalfWay: Moment = {
  faults: { kind: 'stall', at: { bytes: 20 } },
  reached: () => simulator.requests.filter(({ bytesWritten }) => bytesWritten > 0).length === count,
};
const errorBodyHalfWay: Moment = { faults: { kind: 'status', status: 500, hang: true }, reached: bodyHalfWay.reached };

/** Opens the calls, lets them come to the moment, collects garbage, and cancels them. */
async function expectClosed(source: Source, client: MistralClient, { faults, reached }: Moment): Promise<void> {
  simulator.setFaults(faults);
  // Long enough that flowing tokens still flow when the last call is cancelled.
  simulator.setReply('word '.repeat(300));
  const calls = openCalls(count, source, client);
  await eventually(() => reached(calls), 'the calls have come so far');
  await settle();
  await collectGarbage();
  expect(simulator.openRequests).toBe(count);

  const valuesBefore = calls.map(({ values }) => values.length);
  const latencies = await cancelAll(simulator, calls);
  await settle();

  expect(latencies).toHaveLength(count);
  expect(median(latencies)).toBeLessThan(limitMs);
  expect(simulator.requests.every(({ outcome }) => outcome === 'client-closed')).toBe(true);
  expect(simulator.requestCount).toBe(count);
  for (const [call, { values, errors, completed }] of calls.entries()) {
    expect(errors).toEqual([]);
    expect(completed).toBe(false);
    // While the others were being cancelled, this one went on.
    expect(values.length).toBeGreaterThanOrEqual(valuesBefore[call]!);
  }
}

describe('the server sees the close within 50 ms of an unsubscribe, whatever was collected', () => {
  it.each([
    ['chatStream', 'before the headers', sources.chatStream, beforeHeaders],
    ['chatStream', 'in the silence after the headers', sources.chatStream, afterHeaders],
    ['chatStream', 'in a stall after a token', sources.chatStream, afterToken],
    ['chatStream', 'while tokens flow', sources.chatStream, tokensFlowing],
    ['chatStream', 'while the body of an error hangs', sources.chatStream, errorBodyHalfWay],
    ['chatChunks', 'before the headers', sources.chatChunks, beforeHeaders],
    ['chatChunks', 'in the silence after the headers', sources.chatChunks, afterHeaders],
    ['chatChunks', 'in a stall after a token', sources.chatChunks, afterToken],
    ['chatChunks', 'while tokens flow', sources.chatChunks, tokensFlowing],
    ['chatComplete', 'before the headers', sources.chatComplete, beforeHeaders],
    ['chatComplete', 'in the silence after the headers', sources.chatComplete, afterHeaders],
    ['chatComplete', 'while the body hangs half-way', sources.chatComplete, bodyHalfWay],
    ['chatComplete', 'while the body of an error hangs', sources.chatComplete, errorBodyHalfWay],
  ] as const)('%s, %s', async (_name, _moment, source, moment) => {
    await expectClosed(source, clientOf(simulator), moment);
  });
});

describe('the same holds for every kind of client', () => {
  const withNewRequest = (sent: Request): Request => new Request(sent, { headers: { ...Object.fromEntries(sent.headers), 'x-hooked': '1' } });
  const kept: Response[] = [];
  const keepClone = (response: Response): void => {
    kept.push(response.clone());
  };
  const bareFetcher = (input: RequestInfo | URL): Promise<Response> => fetch(input);

  const clients = {
    'the full Mistral class': () => new Mistral({ serverURL: simulator.url, apiKey: 'any-key' }),
    "the client's own timeoutMs": () => clientOf(simulator, { timeoutMs: 60_000 }),
    'an async key': () => clientOf(simulator, { apiKey: () => turnOfEventLoop('any-key') }),
    'a transport and a fetcher that calls fetch': () =>
      sdkTransport(clientOf(simulator, { httpClient: new HTTPClient({ fetcher: bareFetcher }) })),
    'a beforeRequest hook that returns a new Request': () =>
      clientOf(simulator, { httpClient: new HTTPClient().addHook('beforeRequest', withNewRequest) }),
    'a response hook that clones': () => clientOf(simulator, { httpClient: new HTTPClient().addHook('response', keepClone) }),
    'both of these hooks': () =>
      clientOf(simulator, {
        httpClient: new HTTPClient().addHook('beforeRequest', withNewRequest).addHook('response', keepClone),
      }),
    'a fetcher that hands the signal to a request of its own': () =>
      clientOf(simulator, {
        httpClient: new HTTPClient({
          fetcher: (input) => fetch(new Request(input), { signal: (input as Request).signal }),
        }).addHook('response', keepClone),
      }),
  } satisfies Record<string, () => MistralClient>;

  afterEach(() => {
    kept.length = 0;
  });

  it.each(Object.entries(clients))('chatStream, in a stall after a token: %s', async (_name, client) => {
    await expectClosed(sources.chatStream, client(), afterToken);
  });

  it.each([
    'the full Mistral class',
    'a beforeRequest hook that returns a new Request',
    'a fetcher that hands the signal to a request of its own',
  ] as const)('chatStream, before the headers: %s', async (name) => {
    await expectClosed(sources.chatStream, clients[name](), beforeHeaders);
  });

  it('chatComplete, while the body hangs half-way: both of these hooks', async () => {
    await expectClosed(sources.chatComplete, clients['both of these hooks'](), bodyHalfWay);
  });

  it.each(['the full Mistral class', 'a beforeRequest hook that returns a new Request'] as const)(
    'a deprecated model, whose warning reads a clone of the body: %s',
    async (name) => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
      await expectClosed(sources.chatStream, clients[name](), {
        faults: { fault: [{ kind: 'stall', at: { events: 1 } }, { kind: 'deprecated' }] },
        reached: afterToken.reached,
      });
      warn.mockRestore();
    },
  );

  it('a fetcher that drops the signal is cancelled at its body', async () => {
    await expectClosed(sources.chatStream, clientOf(simulator, { httpClient: signalless() }), afterToken);
  });

  it('a fetcher that drops the signal is cancelled as soon as the headers come', async () => {
    simulator.setFaults({ fault: [{ kind: 'stall', at: 'before-headers', for: 100 }, { kind: 'stall', at: { events: 1 } }] });
    const calls = openCalls(count, sources.chatStream, clientOf(simulator, { httpClient: signalless() }));
    await eventually(() => beforeHeaders.reached(calls), 'the requests have come');
    for (const { subscription } of calls) subscription.unsubscribe();
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
  });
});

describe('nothing is sent that nobody waits for', () => {
  it.each(Object.entries(sources))('%s, unsubscribed in the turn in which it was subscribed', async (_name, source) => {
    const beforeRequest = vi.fn<(sent: Request) => undefined>();
    const httpClient = new HTTPClient().addHook('beforeRequest', beforeRequest);
    const calls = openCalls(count, source, clientOf(simulator, { httpClient }));
    for (const { subscription } of calls) subscription.unsubscribe();
    await settle(50);

    expect(simulator.requestCount).toBe(0);
    expect(simulator.openConnections).toBe(0);
    expect(beforeRequest.mock.calls.length).toBe(0);
    expect(calls.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it.each([
    ['its own fetch', () => new HTTPClient()],
    ['a fetcher that drops the signal', signalless],
  ])('unsubscribed while an async key is pending, with %s', async (_name, httpClient) => {
    const keys: ((key: string) => void)[] = [];
    const apiKey = (): Promise<string> => new Promise((resolve) => keys.push(resolve));
    const calls = openCalls(count, sources.chatStream, clientOf(simulator, { apiKey, httpClient: httpClient() }));
    await eventually(() => keys.length === count, 'the keys are pending');
    await collectGarbage();

    for (const { subscription } of calls) subscription.unsubscribe();
    for (const resolve of keys) resolve('any-key');
    await settle(50);

    expect(simulator.requestCount).toBe(0);
    expect(calls.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('unsubscribed while a beforeRequest hook is pending', async () => {
    const hooks: (() => void)[] = [];
    const httpClient = new HTTPClient().addHook('beforeRequest', () => new Promise<void>((resolve) => hooks.push(resolve)));
    const calls = openCalls(count, sources.chatStream, clientOf(simulator, { httpClient }));
    await eventually(() => hooks.length === count, 'the hooks are pending');

    for (const { subscription } of calls) subscription.unsubscribe();
    for (const resolve of hooks) resolve();
    await settle(50);

    expect(simulator.requestCount).toBe(0);
    expect(calls.flatMap(({ errors }) => errors)).toEqual([]);
  });
});

describe('an unsubscribe in a retry sleep ends the sleep: no further request, no timer', () => {
  const failures: readonly (readonly [string, FaultScript])[] = [
    ['503', { kind: 'status', status: 503 }],
    ['429 with Retry-After', { kind: 'status', status: 429, headers: { 'retry-after': '1' } }],
    ['reset', { kind: 'reset', at: 'before-headers' }],
  ];

  describe.each(Object.entries(sources))('%s', (_name, source) => {
    it.each(failures)('after a %s', async (_failure, faults) => {
      simulator.setFaults(faults);
      let asleep = 0;
      const calls = openCalls(count, source, clientOf(simulator), {
        retry: { backoff: constantBackoff(60_000), onRetry: () => (asleep += 1) },
      });
      await eventually(() => asleep === count, 'every call sleeps');
      await collectGarbage();

      const timersBefore = activeTimers();
      for (const { subscription } of calls) subscription.unsubscribe();
      expect(timersBefore - activeTimers()).toBe(count);

      await settle();
      expect(simulator.requestCount).toBe(count);
      expect(simulator.openRequests).toBe(0);
      expect(calls.flatMap(({ errors }) => errors)).toEqual([]);
    });
  });

  it('and none comes when the sleep would have been over', async () => {
    simulator.setFaults({ kind: 'status', status: 503 });
    let asleep = 0;
    // Or the first to sleep might wake before the last has come so far.
    const scheduler = new VirtualTimeScheduler();
    const calls = Object.values(sources).flatMap((source) =>
      openCalls(10, source, clientOf(simulator), {
        retry: { backoff: constantBackoff(300), onRetry: () => (asleep += 1) },
        scheduler,
      }),
    );
    await eventually(() => asleep === calls.length, 'every call sleeps');
    for (const { subscription } of calls) subscription.unsubscribe();
    scheduler.flush();
    await expect(simulator.until(() => simulator.requestCount > calls.length, { timeout: 200 })).rejects.toThrow();
  });
});

describe('what ends a subscription in rxjs ends the call', () => {
  beforeEach(() => {
    simulator.setFaults({ kind: 'stall', at: { events: 2 } });
  });

  async function expectAllClosed(opened = count): Promise<void> {
    await simulator.until(() => simulator.requestCount === opened && simulator.openRequests === 0, { timeout: 20_000 });
    expect(simulator.requests.map(({ outcome }) => outcome)).toEqual(Array.from({ length: opened }, () => 'client-closed'));
  }

  it.each([
    ['chatStream', (client: MistralClient) => chatStream(client, request).pipe(take(1))],
    ['chatChunks', (client: MistralClient) => chatChunks(client, request).pipe(take(1))],
  ] as const)('%s with take(1)', async (_name, source) => {
    const client = clientOf(simulator);
    const calls = Array.from({ length: count }, () => watch(source(client)));
    await expectAllClosed();
    expect(calls.every(({ completed, values }) => completed && values.length === 1)).toBe(true);
  });

  it('an unsubscribe from inside next, at each of the first events', async () => {
    const client = clientOf(simulator);
    const seen: number[] = [];
    for (let call = 0; call < count; call++) {
      let values = 0;
      // eslint-disable-next-line rxjs-x/no-ignored-error -- an error would be reported by vitest
      const subscription: Subscription = chatStream(client, request).subscribe(() => {
        values += 1;
        seen[call] = values;
        if (values === 1 + (call % 2)) subscription.unsubscribe();
      });
    }
    await expectAllClosed();
    expect(seen).toEqual(Array.from({ length: count }, (_, call) => 1 + (call % 2)));
  });

  it('switchMap to the next prompt', async () => {
    const client = clientOf(simulator);
    const prompts = new Subject<number>();
    const watched = watch(prompts.pipe(switchMap((prompt) => (prompt === count ? EMPTY : chatStream(client, request)))));
    for (let prompt = 0; prompt < count; prompt++) {
      prompts.next(prompt);
      const tokens = watched.values.length;
      await eventually(() => watched.values.length > tokens, 'the answer has begun');
    }
    await collectGarbage();
    await simulator.until(() => simulator.openRequests === 1, { timeout: 20_000 });
    prompts.next(count);
    await expectAllClosed();
  });

  it('takeUntil', async () => {
    const client = clientOf(simulator);
    const stop = new Subject<void>();
    const calls = Array.from({ length: count }, () => watch(chatStream(client, request).pipe(takeUntil(stop))));
    await eventually(() => calls.every(({ values }) => values.length > 0), 'the answers have begun');
    await collectGarbage();
    stop.next();
    await expectAllClosed();
  });

  it('a Promise is no hindrance: chatComplete cancelled through an AbortSignal of the caller', async () => {
    simulator.setFaults({ kind: 'stall', at: 'before-headers' });
    const client = clientOf(simulator);
    const controllers = Array.from({ length: count }, () => new AbortController());
    for (const { signal } of controllers) {
      const subscription = watch(chatComplete(client, request)).subscription;
      signal.addEventListener('abort', () => {
        subscription.unsubscribe();
      });
    }
    await eventually(() => beforeHeaders.reached([]), 'the requests have come');
    await collectGarbage();
    for (const controller of controllers) controller.abort();
    await expectAllClosed();
  });
});

describe('cancelling one call leaves the others alone', () => {
  it('of 30 calls on one client every second goes on to its end', async () => {
    simulator.setReply('word '.repeat(50));
    // Those that are to be cancelled wait for it, however long the others take to come so far.
    simulator.setFaults(({ headers }) => (Number(headers['x-call']) % 2 === 0 ? { kind: 'stall', at: { events: 5 } } : { kind: 'slow', perEvent: 10 }));
    const calls = openCalls(count, sources.chatStream, clientOf(simulator));
    await eventually(() => calls.every(({ values }) => values.length > 2), 'tokens flow');
    for (const [call, { subscription }] of calls.entries()) if (call % 2 === 0) subscription.unsubscribe();
    await collectGarbage();
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    await settle();

    const outcomes = new Map(simulator.requests.map(({ headers, outcome }) => [Number(headers['x-call']), outcome]));
    for (const [call, { completed, errors }] of calls.entries()) {
      expect(completed).toBe(call % 2 === 1);
      expect(errors).toEqual([]);
      expect(outcomes.get(call)).toBe(call % 2 === 1 ? 'completed' : 'client-closed');
    }
  });
});

// A fetcher as people write it for another HTTP library: the signal gets lost.
function signalless(): HTTPClient {
  return new HTTPClient({
    fetcher: async (input) => {
      const { url, method, headers, ...sent } = snapshot(input as Request);
      return fetch(url, { method, headers, body: await sent.body });
    },
  });
}

function snapshot(sent: Request): { url: string; method: string; headers: Headers; body: Promise<string> } {
  return { url: sent.url, method: sent.method, headers: sent.headers, body: sent.text() };
}
