import { asyncScheduler, type MonoTypeOperatorFunction, type SchedulerLike, tap } from 'rxjs';
import { expectInteger, expectMethods, expectNumber, expectObject, expectScheduler, fail } from '../errors/expect.js';
import { isRxMistralError } from '../errors/RxMistralError.js';
import type { PermitRequest, RateLimiter } from '../control/RateLimiter.js';
import { underPermit } from '../control/underPermit.js';

/** Options of {@link withLimiter}. */
export interface WithLimiterOptions extends PermitRequest {
  /** The clock by which a wait is measured, for `traced`. @defaultValue `asyncScheduler` */
  readonly scheduler?: SchedulerLike | undefined;
}

/**
 * Makes each subscription a call that a shared limiter counts: it waits for a permit, then subscribes to the source.
 *
 * ```
 * permit:         --P
 * source:           --a-b-|
 * withLimiter():  ----a-b-|
 * ```
 *
 * For calls that know nothing of limiters: `fetch`, another SDK, a pipeline of one's own. The sources of this library take
 * the `limiter` themselves and tell it more; give it to one of the two, or each call counts twice. Put it below
 * {@link retryWithBackoff}, so that each attempt has a permit of its own.
 *
 * **Values** pass. The usage that one of them carries (an answer, a `complete` event) settles the permit; without one the
 * estimate, `tokens`, stands.
 *
 * **An error** passes. One of kind `rate-limit` that may pass holds back everybody who shares the limiter, for as long as
 * the server said. An error of the limiter itself (kind `limit`: too many wait) is an error of the result.
 *
 * **Unsubscribing** leaves the queue, at no cost, or ends the call.
 *
 * @throws TypeError when `limiter` is none, or an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { defer } from 'rxjs';
 * import { createRateLimiter, retryWithBackoff, withLimiter } from 'rxmistral';
 *
 * const limiter = createRateLimiter({ requests: { limit: 5, interval: 1_000 } });
 *
 * defer(() => Promise.resolve('an answer of some other service'))
 *   .pipe(withLimiter(limiter), retryWithBackoff())
 *   .subscribe((answer) => console.log(answer));
 * ```
 *
 * @see {@link createRateLimiter}
 * @see {@link rateLimit} for the values of a stream
 */
export function withLimiter<T>(limiter: RateLimiter, options: WithLimiterOptions = {}): MonoTypeOperatorFunction<T> {
  expectLimiter('limiter', limiter);
  expectObject('options', options);
  const { tokens, weight, scheduler = asyncScheduler } = options;
  expectInteger('weight', weight, 1);
  if (typeof tokens !== 'function') expectNumber('tokens', tokens, 0);
  expectScheduler('scheduler', scheduler);

  return (source) =>
    underPermit(
      limiter,
      { tokens, weight },
      scheduler,
      source.pipe(
        tap({
          error: (error: unknown) => {
            tellRefusal(limiter, error);
          },
        }),
      ),
    );
}

/** Throws unless `value` is a limiter. */
export function expectLimiter(name: string, value: unknown): void {
  if (value === undefined) fail(name, 'a RateLimiter', value);
  expectMethods(name, value, 'a RateLimiter', ['acquire', 'observe']);
}

// The headers are gone; what they said of the wait stands in the error.
function tellRefusal(limiter: RateLimiter, error: unknown): void {
  if (!isRxMistralError(error) || error.kind !== 'rate-limit' || !error.retryable) return;
  const wait = error.retryAfterMs;
  limiter.observe(error.status ?? 429, new Headers(wait === undefined ? {} : { 'retry-after-ms': String(wait) }));
}
