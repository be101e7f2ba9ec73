import { asyncScheduler, defer, type MonoTypeOperatorFunction, retry, throwError, timer } from 'rxjs';
import { expectRetryConfig, type RetryConfig, startRetryPlan } from '../control/retryPlan.js';

/**
 * Subscribes to the source again after a failure, after a wait that grows from failure to failure.
 *
 * ```
 * source   -a-b-#
 * source             -a-b-c-|
 *         retryWithBackoff()
 * result   -a-b-------a-b-c-|
 * ```
 *
 * **Values** pass as they come. What a failed attempt has emitted is not taken back: the next one starts anew.
 *
 * **Completion** passes, and ends the retries.
 *
 * **An error** is retried where `isRetryable` says so (by default: the `retryable` of an `RxMistralError`), at most
 * `maxRetries` times in one subscription; values in between do not reset the count. Never earlier than the server
 * said: a `retryAfterMs` of the error is waited for, or is final where it is longer than `maxRetryAfter`. An error
 * that is final passes as it is, the same object. What `isRetryable` or `onRetry` throws is an error of the result.
 *
 * **Unsubscribing** ends the attempt, or the wait and its timer.
 *
 * It retries whatever went wrong above it. For a chat stream the source's own `retry` option is the better place: it
 * knows whether a token has been emitted, and makes each retry an event.
 *
 * ```ts
 * import { defer } from 'rxjs';
 * import { retryWithBackoff, RxMistralError } from 'rxmistral';
 *
 * let attempts = 0;
 * const flaky = defer(() => {
 *   attempts += 1;
 *   if (attempts === 1) throw new RxMistralError({ kind: 'connection', message: 'reset', retryable: true });
 *   return ['Hello'];
 * });
 * flaky.pipe(retryWithBackoff({ maxRetries: 5 })).subscribe(console.log); // Hello
 * ```
 *
 * @throws TypeError when called with an option that is out of its bounds.
 * @see {@link createRetryBudget} to bound the retries of many pipelines together
 * @see {@link exponentialBackoff} and {@link constantBackoff} for `backoff`
 */
export function retryWithBackoff<T>(config: RetryConfig = {}): MonoTypeOperatorFunction<T> {
  expectRetryConfig(config);
  const { scheduler = asyncScheduler } = config;
  return (source) =>
    defer(() => {
      const plan = startRetryPlan(config);
      return source.pipe(
        retry({
          // The wait is a timer even where it is 0: a synchronous one would put each attempt on the stack of the last.
          delay: (error: unknown) => {
            const step = plan(error);
            return step === undefined ? throwError(() => error) : timer(step.delayMs, scheduler);
          },
        }),
      );
    });
}
