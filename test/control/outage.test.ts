import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import fc from 'fast-check';
import {
  concatMap,
  defer,
  delay,
  from,
  mergeMap,
  type Observable,
  of,
  type SchedulerLike,
  type Subscription,
  tap,
  throwError,
  timer,
  VirtualTimeScheduler,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  type ChatEvent,
  chatStream,
  type ChatStreamOptions,
  constantBackoff,
  createRetryBudget,
  type RetryBudget,
  type RetryBudgetState,
  type RetryConfig,
  retryWithBackoff,
  RxMistralError,
} from '../../src/index.js';
import { answer, fakeMistral } from '../../src/testing/index.js';
import { seed, seededRandom } from '../wire/fixtures/outcomeOf.js';

const minute = 60_000;
const latency = 200;
/** The ceiling of the default backoff. */
const oneBackoff = 30_000;

const reset = new RxMistralError({ kind: 'connection', message: 'reset', code: 'ECONNRESET', retryable: true });
const unavailable = new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true });

/** A server that can be down, and what it sees. */
interface Server {
  /** When each call came. */
  readonly calls: number[];
  /** Makes one call: waits, and is answered with `reply` or fails. */
  readonly call: <T>(reply: Observable<T>) => Observable<T>;
}

function serverOf(scheduler: SchedulerLike, failureAt: (now: number) => RxMistralError | undefined): Server {
  const calls: number[] = [];
  return {
    calls,
    call: (reply) =>
      defer(() => {
        const failure = failureAt(scheduler.now());
        calls.push(scheduler.now());
        return failure === undefined
          ? timer(latency, scheduler).pipe(mergeMap(() => reply))
          : timer(5, scheduler).pipe(mergeMap(() => throwError(() => failure)));
      }),
  };
}

const downUntil = (end: number, failure: RxMistralError, start = 0) => (now: number): RxMistralError | undefined =>
  now >= start && now < end ? failure : undefined;

/** Makes the call of one caller. */
type Caller = (server: Server, retry: RetryConfig, scheduler: SchedulerLike) => Observable<unknown>;

const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Hi' }] };
const throughChatStream =
  (reply: Observable<CompletionChunk> = from(answer('Hello')), options: ChatStreamOptions = {}): Caller =>
  (server, retry, scheduler) =>
    chatStream(fakeMistral({ 'chat.stream': () => server.call(reply) }), request, { ...options, retry, scheduler });

const ways: readonly (readonly [name: string, caller: Caller])[] = [
  ['retryWithBackoff', (server, retry) => server.call(of('an answer')).pipe(retryWithBackoff(retry))],
  ['chatStream', throughChatStream()],
];
const failures = [['connections that break', reset], ['503s', unavailable]] as const;
const waysAndFailures = ways.flatMap(([way, caller]) => failures.map(([name, failure]) => [way, name, caller, failure] as const));
const byOperator = ways[0]![1];

/** How it went for one caller. */
interface Outcome {
  readonly subscription: Subscription;
  /** When the first value came that is no `retry` event. */
  firstAt: number | undefined;
  completedAt: number | undefined;
  failedAt: number | undefined;
  error: unknown;
}

interface Play {
  readonly server: Server;
  readonly scheduler: VirtualTimeScheduler;
  readonly budget: RetryBudget;
  readonly outcomes: readonly Outcome[];
}

interface Scene {
  readonly caller: Caller;
  /** When each caller comes. */
  readonly arrivals: readonly number[];
  readonly failureAt: (now: number) => RxMistralError | undefined;
  /** Made on the clock of the scene. */
  readonly budget?: (scheduler: SchedulerLike) => RetryBudget;
  readonly retry?: RetryConfig;
}

const letWait = (scheduler: SchedulerLike): RetryBudget => createRetryBudget({ whenEmpty: 'wait', scheduler });
const atOnce = (count: number, at = 0): number[] => Array.from({ length: count }, () => at);

/** Sets it up; `scheduler.flush()` plays it. */
function setUp({ caller, arrivals, failureAt, budget: makeBudget = letWait, retry }: Scene): Play {
  const scheduler = new VirtualTimeScheduler(undefined, Infinity);
  const server = serverOf(scheduler, failureAt);
  const budget = makeBudget(scheduler);
  const config = { maxRetries: Infinity, budget, random: seededRandom(seed), scheduler, ...retry };
  const outcomes = arrivals.map((at) => {
    const source = timer(at, scheduler).pipe(mergeMap(() => caller(server, config, scheduler)));
    const outcome: Partial<Outcome> = {};
    const subscription = source.subscribe({
      next: (value) => {
        if ((value as Partial<ChatEvent>).type !== 'retry') outcome.firstAt ??= scheduler.now();
      },
      error: (error: unknown) => Object.assign(outcome, { error, failedAt: scheduler.now() }),
      complete: () => (outcome.completedAt = scheduler.now()),
    });
    return Object.assign(outcome, { subscription }) as Outcome;
  });
  return { server, scheduler, budget, outcomes };
}

function play(scene: Scene): Play {
  const set = setUp(scene);
  set.scheduler.flush();
  return set;
}

function stateOf(budget: RetryBudget): RetryBudgetState {
  let state: RetryBudgetState | undefined;
  budget.state$.subscribe({ next: (now) => (state = now), error: () => expect.unreachable() }).unsubscribe();
  return state!;
}

const answered = (outcomes: readonly Outcome[]): number => outcomes.filter(({ completedAt }) => completedAt !== undefined).length;
const lastOf = (times: readonly (number | undefined)[]): number => times.reduce<number>((last, time) => Math.max(last, time ?? Infinity), 0);

const recoveredBy = (outcomes: readonly Outcome[]): number => lastOf(outcomes.map(({ completedAt }) => completedAt));

describe(`a total outage, with a budget that lets its callers wait (seed ${seed})`, () => {
  it.each(waysAndFailures)(
    'of a minute, with 1,000 callers: at most 3 calls each, and all are answered within one backoff of its end: %s, %s',
    (_way, _failure, caller, failure) => {
      const { server, outcomes } = play({ caller, arrivals: atOnce(1_000), failureAt: downUntil(minute, failure) });
      expect(answered(outcomes)).toBe(1_000);
      expect(server.calls.length).toBeLessThanOrEqual(3_000);
      // The formula of the documents: nothing had been saved up, and each caller needed one more.
      expect(server.calls.length).toBeLessThanOrEqual(1_000 + 60 + 1_000);
      expect(recoveredBy(outcomes)).toBeLessThanOrEqual(minute + oneBackoff);
    },
  );

  it.each(ways)('of ten minutes: still at most 3 calls each: %s', (_way, caller) => {
    const { server, outcomes } = play({ caller, arrivals: atOnce(1_000), failureAt: downUntil(10 * minute, unavailable) });
    expect(answered(outcomes)).toBe(1_000);
    expect(server.calls.length).toBeLessThanOrEqual(3_000);
    expect(server.calls.length).toBeLessThanOrEqual(1_000 + 600 + 1_000);
    expect(recoveredBy(outcomes)).toBeLessThanOrEqual(10 * minute + oneBackoff);
  });

  it.each(ways)('into which callers come, one after another: no more calls: %s', (_way, caller) => {
    const random = seededRandom(seed + 1);
    const { server, outcomes } = play({
      caller,
      arrivals: Array.from({ length: 1_000 }, () => random() * minute),
      failureAt: downUntil(minute, reset),
    });
    expect(answered(outcomes)).toBe(1_000);
    expect(server.calls.length).toBeLessThanOrEqual(1_000 + 60 + 1_000);
    expect(recoveredBy(outcomes)).toBeLessThanOrEqual(minute + oneBackoff);
  });

  it('that ends a good hour: what was saved up comes on top, and no more', () => {
    const start = 60 * minute;
    const good = Array.from({ length: 200 }, (_, index) => index * 15_000);
    const { server, outcomes } = play({
      caller: byOperator,
      arrivals: [...good, ...atOnce(1_000, start)],
      failureAt: downUntil(start + minute, reset, start),
    });
    expect(answered(outcomes)).toBe(1_200);
    const calls = server.calls.filter((at) => at >= start).length;
    expect(calls).toBeGreaterThan(1_000 + 100 + 1_000);
    expect(calls).toBeLessThanOrEqual(1_000 + 60 + 100 + 1_000);
    expect(recoveredBy(outcomes)).toBeLessThanOrEqual(start + minute + oneBackoff);
  });

  it.each([1, 3, 20])('with %i callers: at most what time earns, and all are answered within one backoff', (count) => {
    const { server, outcomes } = play({ caller: byOperator, arrivals: atOnce(count), failureAt: downUntil(10 * minute, reset) });
    expect(answered(outcomes)).toBe(count);
    expect(server.calls.length).toBeLessThanOrEqual(count + 600 + count);
    expect(recoveredBy(outcomes)).toBeLessThanOrEqual(10 * minute + oneBackoff + latency);
  });

  it('would cost more than 7 times the calls without a budget', () => {
    const { server } = play({
      caller: byOperator,
      arrivals: atOnce(1_000),
      failureAt: downUntil(minute, reset),
      retry: { budget: undefined },
    });
    expect(server.calls.length).toBeGreaterThan(7_000);
  });

  it('serves new callers at once when it is over, though others wait', () => {
    const { server, outcomes } = play({
      caller: byOperator,
      arrivals: [...atOnce(1_000), ...atOnce(10, minute)],
      failureAt: downUntil(minute, reset),
    });
    expect(server.calls.filter((at) => at === minute).length).toBeGreaterThanOrEqual(10);
    expect(outcomes.slice(1_000).map(({ completedAt }) => completedAt)).toEqual(atOnce(10, minute + latency));
  });

  it('ends in no stampede: in the time of an answer, at most twice as many come back as in the one before', () => {
    const { server } = play({ caller: byOperator, arrivals: atOnce(1_000), failureAt: downUntil(minute, reset) });
    const rounds: number[] = [];
    for (const at of server.calls.filter((call) => call >= minute)) {
      const round = Math.floor((at - minute) / latency);
      rounds[round] = (rounds[round] ?? 0) + 1;
    }
    // One more is what time has earned.
    for (let round = 1; round < rounds.length; round += 1) {
      expect(rounds[round] ?? 0).toBeLessThanOrEqual(2 * (rounds[round - 1] ?? 0) + 1);
    }
    expect(Math.max(...rounds.map((count) => count || 0))).toBeGreaterThan(250);
  });

  it('makes no call for those who have left, and serves the others in the order in which they came', () => {
    const { scheduler, server, budget, outcomes } = setUp({
      caller: byOperator,
      // A millisecond apart, without a spread of the backoff: so they queue as they came.
      arrivals: Array.from({ length: 1_000 }, (_, index) => index),
      failureAt: downUntil(minute, reset),
      retry: { random: () => 0.5 },
    });
    timer(minute - 5_000, scheduler).subscribe({
      next: () => {
        outcomes.forEach(({ subscription }, index) => {
          if (index % 2 === 0) subscription.unsubscribe();
        });
        // But for those whose delay or attempt is running, all that are left wait.
        expect(stateOf(budget).waiting).toBeGreaterThan(490);
        expect(stateOf(budget).waiting).toBeLessThanOrEqual(500);
      },
      error: () => expect.unreachable(),
    });
    scheduler.flush();
    expect(answered(outcomes)).toBe(500);
    expect(server.calls.length).toBeLessThanOrEqual(1_000 + 60 + 500);
    // Those who were never a probe are the ones that came later than the 60th.
    const order = outcomes.filter((_, index) => index > 100 && index % 2 === 1).map(({ completedAt }) => completedAt!);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(stateOf(budget)).toMatchObject({ waiting: 0, refusals: 0 });
  });

  it('is given up after maxElapsed, with the last failure', () => {
    const { outcomes, budget } = play({
      caller: byOperator,
      arrivals: atOnce(200),
      failureAt: downUntil(minute, reset),
      retry: { maxElapsed: 20_000 },
    });
    expect(answered(outcomes)).toBe(0);
    for (const { error, failedAt } of outcomes) {
      expect(error).toBe(reset);
      expect(failedAt).toBeLessThanOrEqual(20_000 + 5);
    }
    expect(outcomes.filter(({ failedAt }) => failedAt === 20_000).length).toBeGreaterThan(150);
    expect(stateOf(budget).waiting).toBe(0);
  });

  it('is given up after timeouts.total, whose error tells the last failure', () => {
    const { outcomes, budget } = play({
      caller: throughChatStream(undefined, { timeouts: { total: 20_000 } }),
      arrivals: atOnce(200),
      failureAt: downUntil(minute, reset),
    });
    expect(answered(outcomes)).toBe(0);
    for (const { error, failedAt } of outcomes) {
      expect(error).toMatchObject({ kind: 'timeout', which: 'total' });
      expect(failedAt).toBe(20_000);
    }
    expect(outcomes.filter(({ error }) => (error as RxMistralError).cause?.code === 'ECONNRESET').length).toBeGreaterThan(150);
    expect(stateOf(budget).waiting).toBe(0);
  });

  it('refuses those above maxWaiting: their failure is final', () => {
    const { outcomes, budget } = play({
      caller: byOperator,
      arrivals: atOnce(200),
      failureAt: downUntil(minute, reset),
      budget: (scheduler) => createRetryBudget({ whenEmpty: 'wait', maxWaiting: 150, scheduler }),
    });
    const refused = outcomes.filter(({ error }) => error === reset);
    expect(refused.length).toBeGreaterThan(45);
    expect(refused.length).toBeLessThan(60);
    expect(answered(outcomes)).toBe(200 - refused.length);
    expect(stateOf(budget)).toMatchObject({ waiting: 0, refusals: refused.length });
  });
});

describe(`an outage that is not total (seed ${seed})`, () => {
  const pieces = answer('one two three four five six');
  /** An answer of 30 seconds that breaks, behind its first piece, when the server is down. */
  const cutWhen = (isDown: (now: number) => boolean, options: ChatStreamOptions): Caller => (server, retry, scheduler) => {
    const breakWhenDown = (index: number): void => {
      if (index > 0 && isDown(scheduler.now())) throw reset;
    };
    const reply = from(pieces).pipe(
      concatMap((piece, index) =>
        of(piece).pipe(
          delay(30_000 / pieces.length, scheduler),
          tap(() => { breakWhenDown(index); }),
        ),
      ),
    );
    return throughChatStream(reply, options)(server, retry, scheduler);
  };

  it.each(['restart', 'resume'] as const)(
    'cuts 300 long answers in the middle: all go on, and none waits for the end of another: %s',
    (onDisconnect) => {
      const failureAt = downUntil(5_000 + minute, reset, 5_000);
      const { server, outcomes } = play({
        caller: cutWhen((now) => failureAt(now) !== undefined, { onDisconnect }),
        arrivals: atOnce(300),
        failureAt,
      });
      expect(answered(outcomes)).toBe(300);
      expect(server.calls.length).toBeLessThanOrEqual(300 + 66 + 300);
      // From end to end of an answer each doubling would take 30 seconds, and all of them four minutes.
      expect(recoveredBy(outcomes)).toBeLessThanOrEqual(5_000 + minute + 30_000 + oneBackoff);
    },
  );

  it('in which every answer begins and is cut, adds no more than one success to each call', () => {
    const end = 10 * minute;
    const { server, outcomes } = play({
      caller: cutWhen((now) => now < end, { onDisconnect: 'restart' }),
      arrivals: atOnce(100),
      failureAt: () => undefined,
    });
    expect(answered(outcomes)).toBe(100);
    const calls = server.calls.filter((at) => at < end).length;
    expect(calls).toBeLessThanOrEqual(100 + 2 * 100 + 600);
    expect(recoveredBy(outcomes)).toBeLessThanOrEqual(end + 10 * minute);
  });

  it('in which the server sheds what is too much for it: all are answered, and few are turned away', () => {
    let inFlight = 0;
    let turnedAway = 0;
    const caller: Caller = (server, retry, scheduler) =>
      defer(() => {
        if (scheduler.now() >= minute && inFlight >= 50) {
          turnedAway += 1;
          return throwError(() => unavailable);
        }
        inFlight += 1;
        return server.call(of('an answer')).pipe(
          tap({ finalize: () => (inFlight -= 1) }),
        );
      }).pipe(retryWithBackoff(retry));
    const { outcomes } = play({ caller, arrivals: atOnce(1_000), failureAt: downUntil(minute, reset) });
    expect(answered(outcomes)).toBe(1_000);
    expect(turnedAway).toBeLessThanOrEqual(1_000);
    expect(recoveredBy(outcomes)).toBeLessThanOrEqual(minute + oneBackoff);
  });

  it('in which each request is refused when it is over: all hear of it soon', () => {
    const refused = new RxMistralError({ kind: 'http', message: 'unauthorized', status: 401 });
    const { server, outcomes } = play({
      caller: byOperator,
      arrivals: atOnce(1_000),
      failureAt: (now) => (now < minute ? reset : refused),
    });
    expect(outcomes.filter(({ error }) => error === refused)).toHaveLength(1_000);
    expect(server.calls.length).toBeLessThanOrEqual(1_000 + 60 + 1_000);
    expect(lastOf(outcomes.map(({ failedAt }) => failedAt))).toBeLessThanOrEqual(minute + oneBackoff);
  });

  it('of any shape: the retries are within their bound in every stretch of time', () => {
    const options = fc.record({
      retriesPerCall: fc.constantFrom(0.5, 1, 2, 3),
      capacity: fc.constantFrom(1, 5, 100),
      minRetriesPerSecond: fc.constantFrom(0.5, 1, 5),
    });
    const turns = fc.array(fc.record({ milliseconds: fc.integer({ min: 1, max: 20_000 }), isUp: fc.double({ min: 0, max: 1, noNaN: true }) }), { maxLength: 8 });
    const arrivals = fc.array(fc.nat(60_000), { minLength: 1, maxLength: 25 });
    fc.assert(
      fc.property(options, turns, arrivals, fc.nat(), (given, weather, times, chance) => {
        const random = seededRandom(chance);
        const changes: number[] = [];
        for (const { milliseconds } of weather) changes.push((changes.at(-1) ?? 0) + milliseconds);
        const seen: { readonly at: number; readonly retries: number; readonly answers: number }[] = [];
        let answers = 0;
        const { server, outcomes } = play({
          caller: byOperator,
          arrivals: times,
          failureAt: (now) => {
            const turn = weather[changes.findIndex((change) => now < change)];
            return turn === undefined || random() < turn.isUp ? undefined : reset;
          },
          budget: (scheduler) => {
            const budget = createRetryBudget({ whenEmpty: 'wait', scheduler, ...given });
            budget.state$.subscribe({
              next: ({ retries }) => seen.push({ at: scheduler.now(), retries, answers }),
              error: () => expect.unreachable(),
            });
            const succeed = (): void => {
              answers += 1;
              budget.succeed?.();
            };
            return { ...budget, succeed };
          },
        });
        expect(answered(outcomes)).toBe(times.length);
        expect(answers).toBe(times.length);
        expect(server.calls.length).toBe(times.length + (seen.at(-1)?.retries ?? 0));
        for (const [index, to] of seen.entries()) {
          for (const from of seen.slice(0, index)) {
            const most =
              given.retriesPerCall * (to.answers - from.answers) +
              (given.minRetriesPerSecond * (to.at - from.at)) / 1_000 +
              given.capacity;
            expect(to.retries - from.retries).toBeLessThanOrEqual(most + 1e-6);
          }
        }
      }),
    );
  });
});

describe(`a total outage, with a budget that fails when it is empty (seed ${seed})`, () => {
  const failAtOnce = (scheduler: SchedulerLike): RetryBudget => createRetryBudget({ scheduler });

  it.each(waysAndFailures)('costs at most 3 calls each, and new calls are served as soon as it is over: %s, %s', (_way, _failure, caller, failure) => {
    const { server, budget, outcomes } = play({
      caller,
      arrivals: [...atOnce(1_000), ...atOnce(1_000, minute)],
      failureAt: downUntil(minute, failure),
      budget: failAtOnce,
    });
    expect(server.calls.filter((at) => at < minute).length).toBeGreaterThan(1_000);
    expect(server.calls.filter((at) => at < minute).length).toBeLessThanOrEqual(3_000);
    expect(outcomes.slice(0, 1_000).filter(({ error }) => error !== undefined)).toHaveLength(1_000);
    expect(outcomes.slice(1_000).map(({ completedAt }) => completedAt)).toEqual(atOnce(1_000, minute + latency));
    expect(server.calls.filter((at) => at >= minute)).toHaveLength(1_000);
    expect(stateOf(budget).waiting).toBe(0);
  });

  it('after good times costs no more: what is saved up and what the calls bring have one bound', () => {
    const { server } = play({
      caller: byOperator,
      arrivals: [...Array.from({ length: 2_000 }, (_, index) => index), ...atOnce(1_000, minute)],
      failureAt: downUntil(2 * minute, reset, minute),
      budget: failAtOnce,
    });
    expect(server.calls.filter((at) => at >= minute).length).toBeLessThanOrEqual(3_000);
  });

  it('of an instant is outlived by all of 1,000 callers, with a retry each', () => {
    const { server, outcomes } = play({
      caller: byOperator,
      arrivals: atOnce(1_000),
      failureAt: downUntil(200, reset),
      budget: failAtOnce,
      retry: { backoff: constantBackoff(500) },
    });
    expect(answered(outcomes)).toBe(1_000);
    expect(server.calls.length).toBe(2_000);
  });
});
