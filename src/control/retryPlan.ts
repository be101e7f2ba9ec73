import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { expectDuration, expectFunction, expectInteger, expectMethods, expectNumber, expectObject, fail } from '../errors/expect.js';
import { type Backoff, exponentialBackoff } from '../policies/backoff.js';
import { isRetryableError } from '../policies/retryable.js';
import { decideRetry, type RetryPolicy } from '../policies/retryDecision.js';
import type { RetryBudget } from './retryBudget.js';

/** A retry that is about to be waited for. */
export interface RetryAttempt {
  /** Which retry this is, from 1. */
  readonly attempt: number;
  /** How long it will be waited, in milliseconds. */
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
   * Whether to wait at least as long as the server asked (the error's `retryAfterMs`).
   * @defaultValue true
   */
  readonly respectRetryAfter?: boolean | undefined;
  /**
   * The longest wait that the server may ask for, in milliseconds, at most 2,147,483,647. Where it asks for more, the
   * error is final at once: coming back earlier than it said would only be refused again. Of no effect without
   * `respectRetryAfter`.
   * @defaultValue 60,000
   */
  readonly maxRetryAfter?: number | undefined;
  /**
   * No retry starts later than this after the subscription, in milliseconds. One that would is not waited for: the
   * error is final at once. An attempt that is running is not ended by it; that is what timeouts are for.
   * @defaultValue no limit
   */
  readonly maxElapsed?: number | undefined;
  /**
   * Bounds the retries of all who share it. Each subscription deposits, each retry withdraws.
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
   * The source of chance for the backoff: from 0 up to 1.
   * @defaultValue Math.random
   */
  readonly random?: (() => number) | undefined;
}

/** A retry that a {@link startRetryPlan} grants. */
export interface RetryStep {
  /** Which retry this is, from 1. */
  readonly attempt: number;
  /** How long to wait for it, in milliseconds: whole, and never more than a timer takes. */
  readonly delayMs: number;
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
  if (config === undefined) return;
  const option = (name: keyof RetryConfig): string => (path === undefined ? name : `${path}.${name}`);

  expectInteger(option('maxRetries'), config.maxRetries, 0, true);
  expectMethods(option('backoff'), config.backoff, 'a Backoff', ['next']);
  expectFunction(option('isRetryable'), config.isRetryable);
  const respectRetryAfter: unknown = config.respectRetryAfter;
  if (respectRetryAfter !== undefined && typeof respectRetryAfter !== 'boolean') {
    fail(option('respectRetryAfter'), 'true or false', respectRetryAfter);
  }
  expectDuration(option('maxRetryAfter'), config.maxRetryAfter);
  expectNumber(option('maxElapsed'), config.maxElapsed, 0);
  expectMethods(option('budget'), config.budget, 'a RetryBudget', ['deposit', 'withdraw']);
  expectFunction(option('onRetry'), config.onRetry);
  expectMethods(option('scheduler'), config.scheduler, 'a scheduler', ['now', 'schedule']);
  expectFunction(option('random'), config.random);
}

/**
 * Starts the retries of one call: to be called once a subscription, inside `defer`, with a config that
 * {@link expectRetryConfig} has checked. Deposits in the budget and remembers the time.
 *
 * The function that it returns is to be called at each failure. It returns the retry to make, of which `onRetry` has
 * then been told and which the budget has granted, or `undefined` where the error is final.
 */
export function startRetryPlan(config: RetryConfig = {}): (error: unknown) => RetryStep | undefined {
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
  const startedAt = scheduler.now();
  let retries = 0;
  let backoff = config.backoff ?? exponentialBackoff();
  budget?.deposit();

  return (error) => {
    const elapsedMs = scheduler.now() - startedAt;
    const decision = decideRetry(policy, { retries, elapsedMs, backoff }, error, random);
    // The budget is asked last: a failure that is final anyway takes nothing from the others.
    if (!decision.retry || budget?.withdraw() === false) return undefined;
    retries += 1;
    backoff = decision.backoff;
    const step: RetryStep = { attempt: retries, delayMs: decision.delayMs };
    onRetry?.({ ...step, error });
    return step;
  };
}
