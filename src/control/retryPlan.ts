import { asyncScheduler, defer, type Observable, type SchedulerLike, tap } from 'rxjs';
import {
  type Checks,
  expectBoolean,
  expectDuration,
  expectFields,
  expectFunction,
  expectInteger,
  expectMethods,
  expectNumber,
  expectObject,
  expectScheduler,
} from '../errors/expect.js';
import { type Backoff, defaultBackoff } from '../policies/backoff.js';
import { isRefusedRequest, isRetryableError } from '../policies/retryable.js';
import { decideRetry, type RetryPolicy } from '../policies/retryDecision.js';
import type { RetryBudget } from './retryBudget.js';
import { waitForRetry } from './waitForRetry.js';

/** A retry that is about to be waited for. */
export interface RetryAttempt {
  /** Which retry this is, from 1. */
  readonly attempt: number;
  /** How long it will be waited, in milliseconds; at least, with a budget that lets its callers wait. */
  readonly delayMs: number;
  /** The failure that it answers. */
  readonly error: unknown;
}

/** What to retry, how often, and when. */
export interface RetryConfig {
  /**
   * The most retries of one subscription, on top of its first attempt: an integer of at least 0, or `Infinity`.
   * @defaultValue 2
   */
  readonly maxRetries?: number | undefined;
  /**
   * How long to wait before each retry.
   * @defaultValue `exponentialBackoff()`: full jitter under a ceiling that doubles from 500 ms to 30 s
   */
  readonly backoff?: Backoff | undefined;
  /**
   * Whether a retry may help against an error. What it throws takes the error's place.
   * @defaultValue the `retryable` of an `RxMistralError`; `false` for any other error
   */
  readonly isRetryable?: ((error: unknown) => boolean) | undefined;
  /**
   * Whether to wait at least as long as the server asked (the error's `retryAfterMs`). It is waited for by chance up to
   * a tenth longer, so that those who were all told the same do not come back in the same instant.
   * @defaultValue true
   */
  readonly respectRetryAfter?: boolean | undefined;
  /**
   * The longest wait that the server may ask for, in milliseconds, at most 2,147,483,647. Where it asks for more, the
   * error is final at once: coming back earlier than it said would only be refused again. What chance adds to the wait
   * does not count. Of no effect without `respectRetryAfter`.
   * @defaultValue 60,000
   */
  readonly maxRetryAfter?: number | undefined;
  /**
   * No retry starts later than this after the subscription, in milliseconds. One that would is not waited for: the
   * error is final at once. One that waits for its `budget` is given up when the time is over. An attempt that is
   * running is not ended by it; that is what timeouts are for.
   * @defaultValue no limit
   */
  readonly maxElapsed?: number | undefined;
  /**
   * Bounds the retries of all who share it. With one that lets its callers wait (`whenEmpty: 'wait'`), `maxRetries:
   * Infinity` and a `maxElapsed` say that a call is to outlive an outage.
   * @defaultValue none
   */
  readonly budget?: RetryBudget | undefined;
  /** Called before each wait. What it throws takes the error's place. */
  readonly onRetry?: ((attempt: RetryAttempt) => void) | undefined;
  /**
   * The clock and the timers. It has to be asynchronous (`queueScheduler` is not: a delay of 0 runs on the stack of
   * the failure).
   * @defaultValue asyncScheduler
   */
  readonly scheduler?: SchedulerLike | undefined;
  /**
   * The source of chance for the backoff, and for the spread behind a `retryAfterMs`: from 0 up to 1.
   * @defaultValue Math.random
   */
  readonly random?: (() => number) | undefined;
}

/** A retry that a {@link RetryPlan} grants. */
export interface RetryStep {
  /** Which retry this is, from 1. */
  readonly attempt: number;
  /** How long to wait for it, in milliseconds: whole, and never more than a timer takes. The budget may make it longer. */
  readonly delayMs: number;
  /**
   * The whole wait: emits once when the attempt may start, or fails with the failure where it may not any more.
   * @see {@link waitForRetry}
   */
  readonly wait: Observable<unknown>;
}

/** The retries of one call: see {@link startRetryPlan}. */
export interface RetryPlan {
  /**
   * To be asked at each failure. Returns the retry to make, of which `onRetry` has then been told, or `undefined` where
   * the error is final.
   */
  readonly next: (error: unknown) => RetryStep | undefined;
  /** What each attempt is to be subscribed to through: tells the budget when one is answered. */
  readonly watch: <T>(attempt: Observable<T>) => Observable<T>;
}

/**
 * Checks a {@link RetryConfig}; `undefined` passes.
 *
 * @param path Where it stands in the caller's options (`retry`), for the messages; left out where it is the argument
 * itself.
 * @throws TypeError that names the option: ``Expected `retry.maxRetries` to be an integer >= 0 or Infinity, got -1``.
 */
export function expectRetryConfig(config: RetryConfig | undefined, path?: string): void {
  expectObject(path ?? 'config', config);
  expectFields(config, checks, path);
}

const checks: Checks<RetryConfig> = {
  maxRetries: (name, value) => { expectInteger(name, value, 0, true); },
  backoff: (name, value) => { expectMethods(name, value, 'a Backoff', ['next']); },
  isRetryable: expectFunction,
  respectRetryAfter: expectBoolean,
  maxRetryAfter: expectDuration,
  maxElapsed: (name, value) => { expectNumber(name, value, 0); },
  budget: (name, value) => { expectMethods(name, value, 'a RetryBudget', ['deposit', 'withdraw']); },
  onRetry: expectFunction,
  scheduler: expectScheduler,
  random: expectFunction,
};

/**
 * Starts the retries of one call: to be called once a subscription, inside `defer`, with a config that
 * {@link expectRetryConfig} has checked. Deposits in the budget and remembers the time.
 *
 * A budget that fails when it is empty is asked at the failure, so that a final error is final at once. One that lets
 * its callers wait is asked behind the delay, by the step's `wait`.
 *
 * Such a budget is told of a success once a call: when an attempt completes, or the server refuses the request itself,
 * or at the first value of a retry, for a stream may take a minute to its end and those who wait should not. Only where
 * such an answer is cut is it told a second time, when the call completes after all; a server that answers and then
 * cuts every stream thus adds no more than one success to each call.
 */
export function startRetryPlan(config: RetryConfig = {}): RetryPlan {
  const { budget, onRetry, scheduler = asyncScheduler } = config;
  // eslint-disable-next-line no-restricted-properties -- the door that chance comes in by
  const { random = Math.random } = config;
  const policy: RetryPolicy = {
    maxRetries: config.maxRetries ?? 2,
    isRetryable: config.isRetryable ?? isRetryableError,
    respectRetryAfter: config.respectRetryAfter ?? true,
    maxRetryAfter: config.maxRetryAfter ?? 60_000,
    maxElapsed: config.maxElapsed ?? Infinity,
  };
  const waitsForBudget = budget?.acquire !== undefined;
  const startedAt = scheduler.now();
  let retries = 0;
  let hasToldEarly = false;
  let backoff = config.backoff ?? defaultBackoff();
  budget?.deposit();

  return {
    next(error) {
      const elapsedMs = scheduler.now() - startedAt;
      const decision = decideRetry(policy, { retries, elapsedMs, backoff }, error, random);
      if (!decision.retry) {
        if (isRefusedRequest(error)) budget?.succeed?.();
        return undefined;
      }
      // The budget is asked last: a failure that is final anyway takes nothing from the others.
      if (!waitsForBudget && budget?.withdraw() === false) return undefined;
      retries += 1;
      backoff = decision.backoff;
      const { delayMs } = decision;
      const wait = waitForRetry({ error, delayMs, latestAt: startedAt + policy.maxElapsed, budget, scheduler });
      onRetry?.({ attempt: retries, delayMs, error });
      return { attempt: retries, delayMs, wait };
    },
    watch(attempt) {
      if (budget?.succeed === undefined) return attempt;
      return defer(() => {
        const mayTellEarly = retries > 0 && !hasToldEarly;
        let hasTold = false;
        const tell = (): void => {
          hasTold = true;
          budget.succeed?.();
        };
        return attempt.pipe(
          tap({
            next: () => {
              if (!mayTellEarly || hasTold) return;
              hasToldEarly = true;
              tell();
            },
            complete: () => {
              if (!hasTold) tell();
            },
          }),
        );
      });
    },
  };
}
