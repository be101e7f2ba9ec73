import { asyncScheduler, BehaviorSubject, map, type Observable, type SchedulerLike } from 'rxjs';
import { expectMethods, expectNumber, expectObject } from '../errors/expect.js';
import { TokenBucket } from '../policies/tokenBucket.js';

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
}

/** A bound on the retries of all the pipelines that share it: see {@link createRetryBudget}. */
export interface RetryBudget {
  /** The state now, and at each deposit and withdrawal from then on. Never completes, never fails. */
  readonly state$: Observable<RetryBudgetState>;
  /** A call starts, and earns its share of retries. */
  deposit(): void;
  /** Asks for one retry. `false` where the budget is used up: the failure is then final. */
  withdraw(): boolean;
}

/** Options of {@link createRetryBudget}. */
export interface RetryBudgetOptions {
  /**
   * How many retries a call earns, at least 0, counted to a thousandth. 0.2 is one retry for each five calls.
   * @defaultValue 2
   */
  readonly retriesPerCall?: number | undefined;
  /**
   * The most retries that can be saved up for a bad time, at least 1.
   * @defaultValue 100
   */
  readonly capacity?: number | undefined;
  /**
   * How many retries time alone earns each second, for programs that call too rarely to earn any with a small
   * `retriesPerCall`. They come on top of what the calls earn.
   * @defaultValue 0
   */
  readonly minRetriesPerSecond?: number | undefined;
  /**
   * The clock of `minRetriesPerSecond`.
   * @defaultValue asyncScheduler
   */
  readonly scheduler?: SchedulerLike | undefined;
}

// Tokens are counted in thousandths, which are whole numbers: ten times 0.1 is not 1 in floating point.
const tokensPerRetry = 1_000;

/**
 * A retry budget, to be shared by any number of pipelines. Each of them alone retries sensibly; all of them together,
 * against a server that is down, would multiply its load. With a budget each call earns a share of a retry, each
 * retry costs one, and where nothing is left a failure is final at once.
 *
 * With the defaults a total outage costs at most 3 times the calls, however large the `maxRetries` of each: the budget
 * starts empty, a call earns 2, and never has it granted more than was earned. What good times leave behind is bounded
 * by `capacity`: in any stretch of time there are at most
 * `retriesPerCall · calls + minRetriesPerSecond · seconds + capacity` retries.
 *
 * It is a token bucket with deposits, an idea of Finagle's RetryBudget (where 20 % of the calls may be retried, and
 * deposits expire where these overflow). gRPC's retry throttling (proposal A6) is its sibling: there, successes earn.
 *
 * ```ts
 * const budget = createRetryBudget();
 * const answers = prompts.map((prompt) => ask(prompt).pipe(retryWithBackoff({ maxRetries: 5, budget })));
 * budget.state$.subscribe(({ retries, refusals }) => metrics.record({ retries, refusals }));
 * ```
 *
 * @throws TypeError when an option is out of its bounds.
 * @see https://finagle.github.io/blog/2016/02/08/retry-budgets/
 * @see https://github.com/grpc/proposal/blob/master/A6-client-retries.md#throttling-retry-attempts-and-hedged-rpcs
 */
export function createRetryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  expectObject('options', options);
  const { retriesPerCall = 2, capacity = 100, minRetriesPerSecond = 0, scheduler = asyncScheduler } = options;
  expectNumber('retriesPerCall', retriesPerCall, 0);
  expectNumber('capacity', capacity, 1);
  expectNumber('minRetriesPerSecond', minRetriesPerSecond, 0);
  expectMethods('scheduler', scheduler, 'a scheduler', ['now', 'schedule']);

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
  const readState = (): RetryBudgetState => ({
    tokens: bucket.tokens(scheduler.now()) / tokensPerRetry,
    capacity,
    calls,
    retries,
    refusals,
  });

  return {
    // `asObservable` first: what a Subject's own `pipe` returns has the Subject's `next`.
    state$: changes.asObservable().pipe(map(readState)),
    deposit() {
      bucket.deposit(tokensPerCall, scheduler.now());
      calls += 1;
      changes.next(undefined);
    },
    withdraw() {
      const granted = bucket.withdraw(tokensPerRetry, scheduler.now());
      if (granted) retries += 1;
      else refusals += 1;
      changes.next(undefined);
      return granted;
    },
  };
}
