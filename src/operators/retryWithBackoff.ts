import { defer, type MonoTypeOperatorFunction, retry, throwError } from 'rxjs';
import { expectRetryConfig, type RetryConfig, startRetryPlan } from '../control/retryPlan.js';
import { currentStage, withinStage } from '../control/stage.js';

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
 * said: a `retryAfterMs` of the error is waited for, and up to a tenth more by chance, or it is final where it is longer
 * than `maxRetryAfter`. An error that is final passes as it is, the same object. What `isRetryable` or `onRetry` throws
 * is an error of the result.
 *
 * **Unsubscribing** ends the attempt, or the wait: its timer, or its place among those who wait for a `budget`.
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
  return (source) =>
    defer(() => {
      const stage = currentStage();
      const plan = startRetryPlan(config);
      return withinStage(stage, source).pipe(
        plan.watch,
        retry({
          delay: (error: unknown) => {
            const step = plan.next(error);
            if (step === undefined) return throwError(() => error);
            stage?.retried({ attempt: step.attempt, delayMs: step.delayMs, error });
            return step.wait;
          },
        }),
      );
    });
}
