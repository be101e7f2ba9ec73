import { catchError, map, NEVER, type Observable, of } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type CallOptions,
  chatChunks,
  chatComplete,
  chatStream,
  constantBackoff,
  isRxMistralError,
  type MistralTransport,
  RxMistralError,
  type Timeouts,
} from '../../src/index.js';
import { type Fault, startSimulator, type Simulator } from '../../src/simulator/index.js';
import {
  activeTimers,
  clientOf,
  collectGarbage,
  eventually,
  openCalls,
  request,
  settle,
  type Source,
  sources,
  warmUp,
  watch,
} from './fixtures/cancellationFixtures.js';

// SDK-FAULTS.md, rows 1 and 5: each limit fires on every hung call, whatever the collector did, and closes the socket.

const count = 20;
// Long against the time that a collection and 20 calls take on a slow machine.
const limit = 1_000;

let simulator: Simulator;

beforeAll(warmUp);

beforeEach(async () => {
  simulator = await startSimulator();
});

afterEach(async () => {
  await simulator.close();
});

const beforeHeaders: Fault = { kind: 'stall', at: 'before-headers' };
const afterHeaders: Fault = { kind: 'stall', at: 'after-headers' };
const afterToken: Fault = { kind: 'stall', at: { events: 2 } };
const slowTokens: Fault = { kind: 'slow', perEvent: 20 };
const bodyHalfWay: Fault = { kind: 'stall', at: { bytes: 20 } };

interface Expectation {
  readonly which: 'firstEvent' | 'idle' | 'total';
  /** Whether tokens have come, and so `partial` is there. */
  readonly partial: boolean;
}

async function expectTimeouts(
  source: Source,
  fault: Fault | readonly Fault[],
  options: CallOptions,
  { which, partial }: Expectation,
): Promise<void> {
  simulator.setFaults({ fault });
  simulator.setReply('word '.repeat(200));
  const timersBefore = activeTimers();
  const start = performance.now();
  const calls = openCalls(count, source, clientOf(simulator), options);
  await eventually(() => simulator.requestCount >= count || calls.every(({ errors }) => errors.length > 0), 'the calls are made');
  await collectGarbage();
  await eventually(() => calls.every(({ errors }) => errors.length > 0), 'all have timed out');
  expect(performance.now() - start).toBeGreaterThanOrEqual(limit - 2);

  // On a machine under load a call may run out of time before its first token.
  const withTokens = calls.filter(({ values }) => values.some(hasText)).length;
  if (partial) expect(withTokens).toBeGreaterThan(count / 2);
  for (const { errors, values, completed } of calls) {
    expect(completed).toBe(false);
    const [error] = errors;
    expect(error).toBeInstanceOf(RxMistralError);
    expect(error).toMatchObject({ kind: 'timeout', which, retryable: which !== 'total' });
    if (!values.some(hasText)) expect(error).not.toHaveProperty('partial');
    else expect((error as RxMistralError).partial?.content).toMatch(/^(word ?)+$/);
  }
  await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
  expect(simulator.requests.filter(({ outcome }) => outcome !== 'client-closed')).toEqual([]);
  expect(activeTimers()).toBeLessThanOrEqual(timersBefore);
}

describe('a limit fires on 20 of 20 hung calls behind a garbage collection, and the server sees the socket close', () => {
  const none = { partial: false };
  const some = { partial: true };

  it.each([
    ['chatStream', 'before the headers', { firstEvent: limit }, beforeHeaders, 'firstEvent', none],
    ['chatStream', 'after the headers', { firstEvent: limit }, afterHeaders, 'firstEvent', none],
    ['chatStream', 'before the headers', { idle: limit }, beforeHeaders, 'idle', none],
    ['chatStream', 'after a token', { firstEvent: 60_000, idle: limit }, afterToken, 'idle', some],
    ['chatStream', 'before the headers', { total: limit }, beforeHeaders, 'total', none],
    ['chatStream', 'while tokens flow', { idle: 60_000, total: 3 * limit }, slowTokens, 'total', some],
    ['chatChunks', 'before the headers', { firstEvent: limit }, beforeHeaders, 'firstEvent', none],
    ['chatChunks', 'after a token', { firstEvent: 60_000, idle: limit }, afterToken, 'idle', some],
    ['chatChunks', 'while tokens flow', { total: 3 * limit }, slowTokens, 'total', some],
    ['chatComplete', 'before the headers', { firstEvent: limit }, beforeHeaders, 'firstEvent', none],
    ['chatComplete', 'in the body', { idle: limit }, bodyHalfWay, 'idle', none],
    ['chatComplete', 'in the body', { total: limit }, bodyHalfWay, 'total', none],
  ] as const)('%s %s: %o', async (name, _place, timeouts, fault, which, { partial }) => {
    await expectTimeouts(sources[name], fault, { timeouts }, { which, partial });
  });

  it('comments keep the connection open, not the call: idle still fires', async () => {
    await expectTimeouts(
      sources.chatStream,
      { kind: 'stall', at: { events: 2 }, pingEvery: 20 },
      { timeouts: { firstEvent: 60_000, idle: limit } },
      { which: 'idle', partial: true },
    );
    expect(Math.min(...simulator.requests.map(({ bytesWritten }) => bytesWritten))).toBeGreaterThan(0);
  });

  it('comments are no first event', async () => {
    await expectTimeouts(
      sources.chatChunks,
      { kind: 'stall', at: 'after-headers', pingEvery: 20 },
      { timeouts: { firstEvent: limit } },
      { which: 'firstEvent', partial: false },
    );
  });

  it("the client's own timeoutMs is the deadline of an attempt, to be combined with a cancel", async () => {
    simulator.setFaults(afterToken);
    const calls = openCalls(count, sources.chatStream, clientOf(simulator, { timeoutMs: limit }));
    // On a machine under load a call may run out of time before its first token.
    await eventually(() => calls.every(({ values, errors }) => values.length > 0 || errors.length > 0), 'a token has come');
    await collectGarbage();
    await eventually(() => calls.every(({ errors }) => errors.length > 0), 'all have timed out');
    for (const { errors } of calls) expect(errors[0]).toMatchObject({ kind: 'timeout', which: 'total' });
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
  });
});

describe('a limit that is not reached does nothing', () => {
  it.each(Object.entries(sources))('%s: no timer is left behind the end', async (_name, source) => {
    const timersBefore = activeTimers();
    const timeouts: Timeouts = { firstEvent: 60_000, idle: 60_000, total: 60_000 };
    const calls = openCalls(count, source, clientOf(simulator, { timeoutMs: 60_000 }), { timeouts, retry: {} });
    await eventually(() => calls.every(({ completed }) => completed), 'all are complete');
    // The rest of a body behind its end marker is read under a timer too.
    await eventually(() => activeTimers() <= timersBefore, 'no timer is left');
  });

  it.each(Object.entries(sources))('%s: no timer is left behind a failure', async (_name, source) => {
    simulator.setFaults({ kind: 'status', status: 400 });
    const timersBefore = activeTimers();
    const timeouts: Timeouts = { firstEvent: 60_000, idle: 60_000, total: 60_000 };
    const calls = openCalls(count, source, clientOf(simulator, { timeoutMs: 60_000 }), { timeouts, retry: {} });
    await eventually(() => calls.every(({ errors }) => errors.length > 0), 'all have failed');
    expect(activeTimers()).toBeLessThanOrEqual(timersBefore);
  });

  it.each(Object.entries(sources))('%s: an unsubscribe takes the timers with it and emits nothing', async (_name, source) => {
    simulator.setFaults(beforeHeaders);
    const timeouts: Timeouts = { firstEvent: 60_000, idle: 60_000, total: 60_000 };
    const calls = openCalls(count, source, clientOf(simulator, { timeoutMs: 60_000 }), { timeouts, retry: { maxRetries: 5 } });
    await simulator.until(() => simulator.requestCount === count);
    const timersBefore = activeTimers();
    for (const { subscription } of calls) subscription.unsubscribe();
    // One for firstEvent and idle, one for total and one for timeoutMs of each call.
    expect(timersBefore - activeTimers()).toBe(3 * count);
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    await settle();
    expect(simulator.requestCount).toBe(count);
    expect(calls.flatMap(({ errors, values }) => [...errors, ...values])).toEqual([]);
  });

  it('tokens that keep coming hold idle off for as long as it takes', async () => {
    simulator.setFaults({ kind: 'slow', perEvent: 40 });
    simulator.setReply('word '.repeat(25));
    const watched = watch(chatStream(clientOf(simulator), request, { timeouts: { firstEvent: 60_000, idle: 800 } }));
    await eventually(() => watched.completed || watched.errors.length > 0, 'the call has ended');
    expect(watched.errors).toEqual([]);
  });

  it('a client with a timeoutMs longer than a timer can wait has none', async () => {
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', onWarning);
    const calls = [Infinity, 3_000_000_000].map((timeoutMs) => watch(chatStream(clientOf(simulator, { timeoutMs }), request)));
    await eventually(() => calls.every(({ completed, errors }) => completed || errors.length > 0), 'the calls have ended');
    await settle();
    process.off('warning', onWarning);
    expect(calls.flatMap(({ errors }) => errors)).toEqual([]);
    expect(warnings).not.toContain('TimeoutOverflowWarning');
  });
});

describe('a consumer that blocks the thread is no silence of the server', () => {
  it.each(['idle', 'firstEvent'] as const)('%s: what arrived meanwhile is read before the limit is looked at', async (which) => {
    simulator.setFaults({ kind: 'slow', perEvent: 15 });
    simulator.setReply('word '.repeat(20));
    const client = clientOf(simulator);
    const errors: unknown[] = [];
    let completed = false;
    let events = 0;
    const options: CallOptions = { timeouts: { [which]: 1_000 } };
    chatStream(client, request, options).subscribe({
      next: () => {
        events += 1;
        if (which === 'idle' && events === 5) block(1_500);
      },
      error: (error: unknown) => errors.push(error),
      complete: () => {
        completed = true;
      },
    });
    if (which === 'firstEvent') {
      // The answer has been written, and waits in this process's socket.
      await simulator.until(() => (simulator.requests[0]?.eventsWritten ?? 0) > 0);
      block(1_500);
    }
    await eventually(() => completed || errors.length > 0, 'the call has ended');
    expect(errors).toEqual([]);
  });
});

describe('total spans all attempts and the waits between them', () => {
  it.each(Object.entries(sources))('%s: it ends the attempts', async (_name, source) => {
    simulator.setFaults({ kind: 'status', status: 503 });
    const timersBefore = activeTimers();
    const { errors } = watch(
      source(clientOf(simulator), { timeouts: { total: limit }, retry: { maxRetries: Infinity, backoff: constantBackoff(20) } }),
    );
    await eventually(() => errors.length > 0, 'it has timed out');
    expect(errors[0]).toMatchObject({ kind: 'timeout', which: 'total' });
    expect(activeTimers()).toBeLessThanOrEqual(timersBefore);

    // What was on its way when the time was over arrives; nothing is sent behind it.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await settle();
    const made = simulator.requestCount;
    expect(made).toBeGreaterThan(2);
    await expect(simulator.until(() => simulator.requestCount > made, { timeout: 100 })).rejects.toThrow();
  });

  it.each(Object.entries(sources))('%s: it ends a sleep', async (_name, source) => {
    simulator.setFaults({ kind: 'status', status: 503 });
    const start = performance.now();
    const { errors } = watch(
      source(clientOf(simulator), { timeouts: { total: limit }, retry: { maxRetries: 5, backoff: constantBackoff(60_000) } }),
    );
    await eventually(() => errors.length > 0, 'it has timed out');
    expect(performance.now() - start).toBeGreaterThanOrEqual(limit - 2);
    expect(errors[0]).toMatchObject({ kind: 'timeout', which: 'total', retryable: false });
    expect(simulator.requestCount).toBe(1);
  });

  it('the failure that was slept on is the cause', async () => {
    simulator.setFaults({ kind: 'status', status: 503 });
    const { errors } = watch(
      chatStream(clientOf(simulator), request, { timeouts: { total: limit }, retry: { backoff: constantBackoff(60_000) } }),
    );
    await eventually(() => errors.length > 0, 'it has timed out');
    const [error] = errors;
    expect(isRxMistralError(error) && error.cause?.message).toMatch(/capacity/);
  });

  it('firstEvent is a limit of one attempt: it is retried, and counts anew', async () => {
    simulator.setFaults({ kind: 'stall', at: 'before-headers', times: 2 });
    const { values, errors } = watch(
      chatStream(clientOf(simulator), request, { timeouts: { firstEvent: limit }, retry: { backoff: constantBackoff(1) } }),
    );
    await eventually(() => errors.length > 0 || values.some((event) => isOfType(event, 'complete')), 'it has ended');
    expect(errors).toEqual([]);
    expect(values.filter((event) => isOfType(event, 'retry'))).toHaveLength(2);
    expect(simulator.requests.map(({ outcome }) => outcome)).toEqual(['client-closed', 'client-closed', 'completed']);
  });

  it('idle after a token restarts only where onDisconnect says so', async () => {
    simulator.setFaults({ kind: 'stall', at: { events: 3 }, times: 1 });
    const { values, errors } = watch(
      chatStream(clientOf(simulator), request, { timeouts: { firstEvent: 60_000, idle: limit }, onDisconnect: 'restart', retry: { backoff: constantBackoff(1) } }),
    );
    await eventually(() => errors.length > 0 || values.some((event) => isOfType(event, 'complete')), 'it has ended');
    expect(errors).toEqual([]);
    const retry = values.find((event) => isOfType(event, 'retry'));
    expect(retry).toMatchObject({ strategy: 'restart', error: { kind: 'timeout', which: 'idle' } });
    expect((retry as { error: RxMistralError }).error.partial).toBeDefined();
    expect(simulator.requests.map(({ outcome }) => outcome)).toEqual(['client-closed', 'completed']);
  });

  it.each(['chatStream', 'chatChunks'] as const)('%s: behind a finish reason no limit takes the answer away', async (name) => {
    const source = sources[name];
    simulator.setReply({ events: [chunkOf('Blue.', 'stop')], done: false });
    for (const timeouts of [{ idle: limit }, { total: limit }]) {
      simulator.setFaults({ kind: 'late-end' });
      const watched = watch(source(clientOf(simulator), { timeouts }));
      await eventually(() => watched.completed || watched.errors.length > 0, 'the call has ended');
      expect(watched.errors).toEqual([]);
      await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    }
  });
});

describe('in virtual time', () => {
  it('hours of total pass in no time, whatever comes before', () => {
    virtual(({ cold, expectObservable }) => {
      const transport = transportOf(() => cold('a 59m 59s 999ms b 59m 59s 999ms a -', chunks));
      const answer = chatStream(transport, request, { requestId: 'r', timeouts: { total: 2.5 * hour } }).pipe(map(({ type }) => type), named());
      expectObservable(answer).toBe('(st) 3599996ms t 3599999ms t 1799999ms (z|)', letters);
    });
  });

  it('idle counts from event to event, hours apart', () => {
    virtual(({ cold, expectObservable }) => {
      const transport = transportOf(() => cold('a 50m b 50m a 120m b', chunks));
      const answer = chatChunks(transport, request, { timeouts: { idle: hour } }).pipe(map(() => 't'), named());
      expectObservable(answer).toBe('t 50m t 50m t 3599999ms (i|)', letters);
    });
  });

  it('idle alone bounds the first event too', () => {
    virtual(({ expectObservable }) => {
      const answer = chatChunks(transportOf(() => NEVER), request, { timeouts: { idle: hour } }).pipe(map(() => 't'), named());
      expectObservable(answer).toBe('60m (i|)', letters);
    });
  });

  it('firstEvent beside it takes that over', () => {
    virtual(({ expectObservable }) => {
      const timeouts = { idle: 1_000, firstEvent: hour };
      const answer = chatChunks(transportOf(() => NEVER), request, { timeouts }).pipe(map(() => 't'), named());
      expectObservable(answer).toBe('60m (f|)', letters);
    });
  });

  it('total runs on through attempts and sleeps; firstEvent counts anew', () => {
    virtual(({ expectObservable }) => {
      const attempts = vi.fn(() => NEVER);
      const answer = chatComplete(transportOf(attempts), request, {
        timeouts: { firstEvent: 30 * 60_000, total: 3 * hour },
        retry: { maxRetries: Infinity, backoff: constantBackoff(30 * 60_000) },
      }).pipe(named());
      expectObservable(answer).toBe('180m (z|)', letters);
    });
  });

  it('an unsubscribe ends the call with its timers', () => {
    virtual(({ cold, expectObservable, expectSubscriptions }, scheduler) => {
      const source = cold<Record<string, unknown>>('a 120m b', chunks);
      const timeouts = { firstEvent: hour, idle: 3 * hour, total: 5 * hour };
      const answer = chatChunks(transportOf(() => source), request, { timeouts, scheduler }).pipe(map(() => 't'), named());
      expectObservable(answer, '^ 90m !').toBe('t', letters);
      expectSubscriptions(source.subscriptions).toBe('^ 90m !');
    });
  });

  it('a limit of 0 passes at once, the named one', () => {
    virtual(({ expectObservable }) => {
      const call = (timeouts: Timeouts): Observable<string> =>
        chatChunks(transportOf(() => NEVER), request, { timeouts }).pipe(map(() => 't'), named());
      expectObservable(call({ firstEvent: 0 })).toBe('(f|)', letters);
      expectObservable(call({ total: 0 })).toBe('(z|)', letters);
      expectObservable(call({ idle: 0 })).toBe('(i|)', letters);
      // Idle does not count before the first event where `firstEvent` does.
      expectObservable(call({ idle: 0, firstEvent: 100 })).toBe('100ms (f|)', letters);
    });
  });
});

const hour = 3_600_000;
// A timeout shows as the letter of its limit.
const letters = { s: 'start', t: 't', z: 'total', i: 'idle', f: 'firstEvent' } as const;
const chunks = { a: chunkOf('a'), b: chunkOf('b') };

function chunkOf(content: string, finishReason: string | null = null): Record<string, unknown> {
  return {
    id: 'id',
    object: 'chat.completion.chunk',
    model: 'm',
    choices: [{ index: 0, delta: { content }, finish_reason: finishReason }],
  };
}

function named(): (source: Observable<unknown>) => Observable<string> {
  return (source) =>
    source.pipe(
      map((value) => (value === 'text-delta' ? 't' : String(value))),
      catchError((error: unknown) => of(isRxMistralError(error) ? (error.which ?? error.kind) : String(error))),
    );
}

function virtual(run: (helpers: Parameters<Parameters<TestScheduler['run']>[0]>[0], scheduler: TestScheduler) => void): void {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  scheduler.run((helpers) => {
    run(helpers, scheduler);
  });
}

// A transport as a user would make it by hand; what it emits is taken for the SDK's own type.
function transportOf(answer: () => Observable<unknown>): MistralTransport {
  return { call: <Res>() => answer() as Observable<Res>, stream: <Ev>() => answer() as Observable<Ev> };
}

// Whether an event or a chunk carries text.
function hasText(value: unknown): boolean {
  return isOfType(value, 'text-delta') || /"content":"[^"]/.test(JSON.stringify(value));
}

function isOfType(event: unknown, type: string): boolean {
  return typeof event === 'object' && event !== null && 'type' in event && event.type === type;
}

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
