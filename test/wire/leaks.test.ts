import { HTTPClient } from '@mistralai/mistralai/lib/http.js';
import { concatMap, count, defer, filter, mergeMap, type Observable, range, Subject, take, takeUntil, tap } from 'rxjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chatStream } from '../../src/index.js';
import { startSimulator, type Simulator } from '../../src/simulator/index.js';
import {
  activeTimers,
  clientOf,
  collectGarbage,
  eventually,
  lastOf,
  request,
  settle,
  sources,
  warmUp,
  watch,
} from './fixtures/cancellationFixtures.js';

let simulator: Simulator;

beforeAll(warmUp);

beforeEach(async () => {
  // The simulator lives in this process: what it remembers is not to be taken for a leak.
  simulator = await startSimulator({ maxRecordedRequests: 100 });
});

afterEach(async () => {
  await simulator.close();
});

describe('10,000 calls, ended in every way,', () => {
  const cycles = 10_000;
  // A cancelled call costs a new socket, so there are fewer of those.
  const ends = ['at once', 'complete', 'at once', 'headers', 'at once', 'complete', 'at once', 'token', 'at once', 'complete'] as const;
  const concurrency = 20;
  const mebibyte = 2 ** 20;

  it('leave no request, socket, timer, listener or memory behind', { timeout: 900_000 }, async () => {
    const warnings: string[] = [];
    const rejections: unknown[] = [];
    const onWarning = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
    const onRejection = (reason: unknown): void => void rejections.push(reason);
    process.on('warning', onWarning);
    process.on('unhandledRejection', onRejection);
    const timersBefore = activeTimers();
    const listenersBefore = process.eventNames().length;

    // The response hook tells when a call's headers have come.
    const headersCame = new Subject<string | null>();
    const httpClient = new HTTPClient().addHook('response', (_response, sent) => {
      headersCame.next(sent.headers.get('x-call'));
    });
    const client = clientOf(simulator, { httpClient });
    simulator.setReply({ text: ['word ', 'word'] });
    simulator.setFaults((recorded) => (recorded.headers['x-end'] === 'token' ? { kind: 'stall', at: { events: 2 } } : undefined));

    const cycle = (call: number): Observable<unknown> => {
      const end = ends[call % ends.length]!;
      const headers = { 'x-call': String(call), 'x-end': end };
      const timeouts = { firstEvent: 60_000, idle: 60_000, total: 60_000 };
      const answer = chatStream(client, request, { headers, timeouts, retry: {} });
      switch (end) {
        case 'at once':
          return defer(() => {
            watch(answer).subscription.unsubscribe();
            return [0];
          });
        case 'headers':
          return answer.pipe(takeUntil(headersCame.pipe(filter((came) => came === String(call)))));
        case 'token':
          return answer.pipe(take(1 + (call % 2)));
        case 'complete':
          return answer;
      }
    };
    const run = (from: number, to: number): Promise<number> =>
      lastOf(range(from, to - from).pipe(mergeMap(cycle, concurrency), count()));

    await run(0, 2_000);
    const heapBefore = await heapUsed();
    await run(2_000, cycles);
    const heapAfter = await heapUsed();

    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    // Idle sockets are kept for the next call: by undici, for 4 s.
    await simulator.until(() => simulator.openConnections === 0, { timeout: 30_000 });
    await eventually(() => activeTimers() <= timersBefore, 'the timers are gone');
    process.off('warning', onWarning);
    process.off('unhandledRejection', onRejection);

    // What is cancelled at once is never sent.
    expect(simulator.requestCount).toBe(cycles / 2);
    expect(warnings).toEqual([]);
    expect(rejections).toEqual([]);
    expect(process.eventNames().length).toBe(listenersBefore);
    // 8,000 calls: 4 MiB would be 500 bytes each.
    expect(heapAfter - heapBefore).toBeLessThan(4 * mebibyte);
  });

  async function heapUsed(): Promise<number> {
    await settle();
    await collectGarbage();
    return process.memoryUsage().heapUsed;
  }
});

describe('a subscription that is kept holds nothing of its call', () => {
  it.each(['complete', 'cancelled', 'failed'] as const)('%s', async (end) => {
    const client = clientOf(simulator);
    if (end === 'cancelled') simulator.setFaults({ kind: 'stall', at: { events: 2 } });
    if (end === 'failed') simulator.setFaults({ kind: 'reset', at: { events: 2 } });
    const answers: WeakRef<object>[] = [];
    const subscriptions = await (async () => {
      const calls = Array.from({ length: 10 }, () =>
        chatStream(client, request, { timeouts: { idle: 60_000 } }).subscribe({
          next: (event) => answers.push(new WeakRef(event)),
          error: () => undefined,
        }),
      );
      await eventually(() => answers.length >= 20, 'tokens have come');
      if (end === 'cancelled') for (const call of calls) call.unsubscribe();
      await simulator.until(() => simulator.openRequests === 0);
      await settle();
      return calls;
    })();
    await eventually(() => subscriptions.every(({ closed }) => closed), 'the calls have ended');
    const alive = (): number => answers.filter((event) => event.deref() !== undefined).length;
    for (let round = 0; round < 20 && alive() > 0; round++) await collectGarbage();
    expect(subscriptions).toHaveLength(10);
    expect(alive()).toBe(0);
  });
});

describe('a socket is used again', () => {
  function connections(): number[] {
    return simulator.requests.map(({ connection }) => connection);
  }

  it.each(Object.entries(sources))('%s: by the call after the end of the last', async (_name, source) => {
    const client = clientOf(simulator);
    for (let call = 0; call < 5; call++) {
      await lastOf(source(client));
      await simulator.until(() => simulator.openRequests === 0);
      await settle();
    }
    expect(connections()).toEqual([0, 0, 0, 0, 0]);
  });

  it.each(Object.entries(sources))('%s: by a call that begins in the very turn in which the last has ended', async (_name, source) => {
    const client = clientOf(simulator);
    await lastOf(range(0, 20).pipe(concatMap(() => source(client))));
    expect(new Set(connections()).size).toBeLessThanOrEqual(2);
    expect(simulator.requests.map(({ outcome }) => outcome)).not.toContain('client-closed');
  });

  it.each([400, 429, 500, 503])('after a status %i', async (status) => {
    simulator.setFaults({ kind: 'status', status });
    const client = clientOf(simulator);
    for (const source of Object.values(sources)) {
      const { errors } = watch(source(client));
      await eventually(() => errors.length > 0, 'it has failed');
      await settle();
    }
    expect(connections()).toEqual([0, 0, 0]);
  });

  it('after an end that comes a little behind the end marker', async () => {
    simulator.setFaults({ kind: 'late-end', for: 20 });
    const client = clientOf(simulator);
    for (let call = 0; call < 2; call++) {
      await lastOf(chatStream(client, request));
      await simulator.until(() => simulator.openRequests === 0);
      await settle();
    }
    expect(connections()).toEqual([0, 0]);
  });
});

describe('behind the end marker a stream is complete, whatever the server does with the connection', () => {
  it.each([
    ['stays open', undefined, 400],
    ['sends junk and stays open', ': junk\n\ndata: {"late":1}\n\n', 400],
    ['sends more junk than is read', 'junk\n'.repeat(200_000), 0],
  ] as const)('it %s: the answer is there at once, the socket is dropped a little later', async (_what, junk, earliest) => {
    simulator.setFaults({ kind: 'late-end', junk });
    const timersBefore = activeTimers();
    let completedAt = Infinity;
    const completes = tap({
      complete: () => {
        completedAt = performance.now();
      },
    });
    const calls = ['chatStream', 'chatChunks'].flatMap((name) =>
      Array.from({ length: 5 }, () => watch(sources[name as 'chatStream'](clientOf(simulator)).pipe(completes))),
    );
    await eventually(() => calls.every(({ completed }) => completed), 'all are complete');
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });

    // The answer did not wait for the socket.
    const droppedAt = Math.max(...simulator.requests.map(({ closedByClientAt }) => closedByClientAt ?? NaN));
    expect(droppedAt - completedAt).toBeGreaterThan(earliest);
    expect(simulator.requests.every(({ outcome }) => outcome === 'client-closed')).toBe(true);
    expect(calls.flatMap(({ errors }) => errors)).toEqual([]);
    await eventually(() => activeTimers() <= timersBefore, 'the timers are gone');
  });

  it('it resets: nobody hears of it', async () => {
    simulator.setFaults({ fault: [{ kind: 'late-end', for: 50 }, { kind: 'reset', at: { events: 1_000 } }] });
    const rejections: unknown[] = [];
    const onRejection = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', onRejection);
    const calls = Array.from({ length: 10 }, () => watch(chatStream(clientOf(simulator), request)));
    await eventually(() => calls.every(({ completed }) => completed), 'all are complete');
    await simulator.until(() => simulator.openRequests === 0);
    await settle();
    process.off('unhandledRejection', onRejection);
    expect(rejections).toEqual([]);
  });
});
