import { asyncScheduler, BehaviorSubject, map, type Observable, type SchedulerLike, tap } from 'rxjs';
import { expectInteger, expectNumber, expectObject, expectOneOf, expectScheduler, fail, maxTimerMs } from '../errors/expect.js';
import { TokenBucket } from '../policies/tokenBucket.js';
import { RetryQueue } from './RetryQueue.js';

/** A {@link RetryBudget} as it stands. */
export interface RetryBudgetState {
  /** How many retries it has room for, with fractions. */
  readonly tokens: number;
  /** The most it can have room for. */
  readonly capacity: number;
  /** The calls so far. */
  readonly calls: number;
  /** The retries that it has granted. */
  readonly retries: number;
  /** The retries that it has refused. */
  readonly refusals: number;
  /** The retries that wait for it now. */
  readonly waiting: number;
}

/** A bound on the retries of all the pipelines that share it: see {@link createRetryBudget}. */
export interface RetryBudget {
  /** The state now, and at each change from then on. Never completes, never fails. */
  readonly state$: Observable<RetryBudgetState>;
  /** A call starts. It earns its share of retries now, where the budget fails when it is empty. */
  deposit(): void;
  /** Asks for one retry, to be made now. `false` where there is none, or where others wait for one. */
  withdraw(): boolean;
  /**
   * Of a budget that lets its callers wait: one retry, in the order of subscription. Emits `true` when it is granted,
   * or `false` at once where `maxWaiting` wait already: the failure is then final. Unsubscribing gives up the place.
   */
  readonly acquire?: (() => Observable<boolean>) | undefined;
  /** Of a budget that lets its callers wait: a call was answered, and earns its share of retries now. */
  readonly succeed?: (() => void) | undefined;
}

/** Options of {@link createRetryBudget}. */
export interface RetryBudgetOptions {
  /**
   * What becomes of a failure that finds no retry left: it is final (`fail`), or it waits for one (`wait`).
   * @defaultValue 'fail'
   */
  readonly whenEmpty?: 'fail' | 'wait' | undefined;
  /**
   * How many retries a call earns, at least 0, counted to a thousandth. 0.2 is one retry for each five calls. It earns
   * them when it starts; with `whenEmpty: 'wait'`, when it is answered: the number is then how many of those who wait
   * are let go by each success, and above 1 they become more from round to round.
   * @defaultValue 2
   */
  readonly retriesPerCall?: number | undefined;
  /**
   * The most retries that can be saved up for a bad time, at least 1. With `fail`, make it `retriesPerCall` times the
   * calls that are under way together, or a short fault that hits all of them refuses some of them their retry. With
   * `wait` it is how many retries are risked before anybody waits.
   * @defaultValue 2,000: both retries of 1,000 calls that fail together; 100 with `whenEmpty: 'wait'`
   */
  readonly capacity?: number | undefined;
  /**
   * How many retries time alone earns each second, on top of what the calls earn: for programs that call too rarely to
   * earn any with a small `retriesPerCall`. With `whenEmpty: 'wait'` these are what finds out that an outage is over,
   * so it has to be more than 0.
   * @defaultValue 0; 1 with `whenEmpty: 'wait'`
   */
  readonly minRetriesPerSecond?: number | undefined;
  /**
   * With `whenEmpty: 'wait'`: the most that wait at once, an integer of at least 1, or `Infinity`. The failure of one
   * more is final.
   * @defaultValue 10,000
   */
  readonly maxWaiting?: number | undefined;
  /**
   * The clock of `minRetriesPerSecond`, and what those who wait are let go on. It has to be asynchronous.
   * @defaultValue asyncScheduler
   */
  readonly scheduler?: SchedulerLike | undefined;
}

// Tokens are counted in thousandths, which are whole numbers: ten times 0.1 is not 1 in floating point.
const tokensPerRetry = 1_000;

/**
 * A retry budget, to be shared by any number of pipelines. Each of them alone retries sensibly; all of them together,
 * against a server that is down, would multiply its load. With a budget each call earns a share of a retry, each retry
 * costs one, and where none is left a failure is final at once, or waits.
 *
 * ```
 * whenEmpty: 'fail'                                     whenEmpty: 'wait', retriesPerCall: 2
 * server   down-------------up------                    down-------------up-----------------
 * calls    1,000 at once     100 more                   1,000 at once
 * retries  2,000, soon       none needed                1 each second .  .  1 2 4 8 16 … 512
 * result   1,000 errors      100 answers                                    1,000 answers
 * ```
 *
 * **`whenEmpty: 'fail'`**: calls earn when they start, and in any stretch of time
 *
 * `retries <= retriesPerCall · calls + minRetriesPerSecond · seconds + capacity`
 *
 * A budget that is new has nothing saved up: with the defaults a total outage costs it at most 3 times the calls, however
 * large the `maxRetries` of each. `capacity` bounds what good times leave behind, and with it what a few calls without a
 * bound of their own could use up. It bounds what calls that start together can earn, too: so it is large.
 *
 * **`whenEmpty: 'wait'`**: calls earn when they are answered, and in any stretch of time
 *
 * `retries <= retriesPerCall · answers + minRetriesPerSecond · seconds + capacity`
 *
 * A call is answered when it completes, or when the server refuses the request itself (a 400); a retry already at its
 * first value, and if it is cut after that, once more when the call completes. So there are at most 2 answers to a
 * call, and in a total outage there are none. Until the server is back,
 *
 * `calls made <= callers + minRetriesPerSecond · seconds + capacity`
 *
 * and after that each caller needs one more: 1,000 callers and a minute make 2,160 at the most. Who waits is let go in
 * the order of coming: one with each retry that time earns, to see whether the server is back, and `retriesPerCall`
 * with each answer, so that in an outage that is over the retries under way double from answer to answer (a stampede
 * would bring the server down again). First attempts never wait: a new call is served as soon as there is a server.
 *
 * Give the calls `maxRetries: Infinity`, for no count of retries tells how long an outage is, and the longest wait you
 * can bear as `maxElapsed` or `timeouts.total`. A retry is announced (`onRetry`, a `retry` event) at the failure; then
 * its delay passes, and behind it comes the wait for the budget, so `delayMs` is the least wait.
 *
 * It is a token bucket with deposits, an idea of Finagle's RetryBudget (where 20 % of the calls may be retried, and
 * deposits expire where these overflow). That answers earn is from its sibling, gRPC's retry throttling (proposal A6);
 * that each answer lets two go is the slow start of TCP (RFC 5681, section 3.1).
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { merge } from 'rxjs';
 * import { chatComplete, createRetryBudget } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const budget = createRetryBudget({ whenEmpty: 'wait' });
 * const watching = budget.state$.subscribe(({ waiting }) => {
 *   if (waiting > 0) console.log(`${waiting} calls wait for the server`);
 * });
 *
 * const answers = ['a cat', 'a dog', 'a fox'].map((animal) =>
 *   chatComplete(
 *     client,
 *     { model: 'mistral-small-latest', messages: [{ role: 'user', content: `A name for ${animal}?` }] },
 *     { retry: { maxRetries: Infinity, maxElapsed: 15 * 60_000, budget } },
 *   ),
 * );
 * merge(...answers).subscribe({
 *   next: ({ choices }) => console.log(choices[0]?.message?.content),
 *   complete: () => watching.unsubscribe(),
 * });
 * ```
 *
 * @throws TypeError when an option is out of its bounds.
 * @see https://finagle.github.io/blog/2016/02/08/retry-budgets/
 * @see https://github.com/grpc/proposal/blob/master/A6-client-retries.md#throttling-retry-attempts-and-hedged-rpcs
 * @see https://www.rfc-editor.org/rfc/rfc5681#section-3.1
 */
export function createRetryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  expectObject('options', options);
  expectOneOf('whenEmpty', options.whenEmpty, ['fail', 'wait']);
  const waits = options.whenEmpty === 'wait';
  const { retriesPerCall = 2, capacity = waits ? 100 : 2_000, minRetriesPerSecond = waits ? 1 : 0 } = options;
  const { maxWaiting = 10_000, scheduler = asyncScheduler } = options;
  expectNumber('retriesPerCall', retriesPerCall, 0);
  expectNumber('capacity', capacity, 1);
  expectNumber('minRetriesPerSecond', minRetriesPerSecond, 0);
  if (waits && minRetriesPerSecond === 0) fail('minRetriesPerSecond', "a number > 0 with `whenEmpty: 'wait'`", 0);
  expectInteger('maxWaiting', maxWaiting, 1, true);
  expectScheduler('scheduler', scheduler);

  const tokensPerCall = Math.round(retriesPerCall * tokensPerRetry);
  const bucket = new TokenBucket({
    capacity: capacity * tokensPerRetry,
    initial: 0,
    refillPerSecond: minRetriesPerSecond * tokensPerRetry,
    now: scheduler.now(),
  });
  let calls = 0;
  let retries = 0;
  let refusals = 0;

  // Carries no state: whoever is told reads it afresh, so a late subscriber sees what time has added too.
  const changes = new BehaviorSubject<undefined>(undefined);
  const changed = (): void => {
    changes.next(undefined);
  };
  const earn = (tokens: number): void => {
    bucket.deposit(tokens, scheduler.now());
  };
  const take = (): boolean => {
    const granted = bucket.withdraw(tokensPerRetry, scheduler.now());
    if (granted) retries += 1;
    return granted;
  };
  const giveBack = (): void => {
    earn(tokensPerRetry);
    retries -= 1;
  };
  const dueIn = (): number => {
    const missing = tokensPerRetry - bucket.tokens(scheduler.now());
    // Rounded up, for timers drop fractions: one that came too early would find nothing.
    return Math.min(Math.max(0, Math.ceil(missing / minRetriesPerSecond)), maxTimerMs);
  };
  const queue = new RetryQueue({ maxWaiting, take, giveBack, dueIn, scheduler, onChange: changed });

  const readState = (): RetryBudgetState => ({
    tokens: bucket.tokens(scheduler.now()) / tokensPerRetry,
    capacity,
    calls,
    retries,
    refusals,
    waiting: queue.size,
  });
  const refuse = (): void => {
    refusals += 1;
    changed();
  };

  const budget: RetryBudget = {
    // `asObservable` first: what a Subject's own `pipe` returns has the Subject's `next`.
    state$: changes.asObservable().pipe(map(readState)),
    deposit() {
      if (!waits) earn(tokensPerCall);
      calls += 1;
      changed();
    },
    withdraw() {
      const granted = queue.size === 0 && take();
      if (granted) changed();
      else refuse();
      return granted;
    },
  };
  if (!waits) return budget;
  return {
    ...budget,
    acquire: () => queue.join().pipe(tap((granted) => { if (!granted) refuse(); })),
    succeed() {
      // What waits is served before anything is saved up, so that `capacity` slows no recovery.
      const served = queue.letGo(Math.floor(tokensPerCall / tokensPerRetry));
      retries += served;
      earn(tokensPerCall - served * tokensPerRetry);
      queue.release();
      changed();
    },
  };
}
