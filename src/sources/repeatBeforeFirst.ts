import { asyncScheduler, catchError, defer, type Observable, of, takeUntil, tap, throwError } from 'rxjs';
import type { RetryAttempt } from '../control/retryPlan.js';
import type { RxMistralError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import { retryWithBackoff } from '../operators/retryWithBackoff.js';
import { isRetryableError } from '../policies/retryable.js';
import { type CallOptions, retryConfigOf } from './CallOptions.js';
import { deadline } from './withTimeouts.js';

/** An attempt that the deadline ends. */
export interface LateAttempt {
  /** Whether all has come, so that nothing is lost. */
  readonly isWhole: () => boolean;
  /** What becomes of the deadline's error, which knows nothing of the attempt. */
  readonly explain: (error: unknown) => unknown;
}

/**
 * Repeats an attempt that fails before its first value, as `retry` says, under the deadline of `timeouts.total`: a
 * value that was emitted as it came cannot be taken back. Where the deadline passes between two attempts, the failure
 * of the last one is the `cause` of its error.
 *
 * @param late What is known of the attempt when the deadline passes.
 */
export function repeatBeforeFirst<T>(
  attempt: Observable<T>,
  options: CallOptions,
  late: LateAttempt = nothingKnown,
): Observable<T> {
  const { timeouts, scheduler = asyncScheduler } = options;
  const retry = retryConfigOf(options);
  const isRetryable = retry?.isRetryable ?? isRetryableError;

  return defer(() => {
    let emitted = false;
    let pendingFailure: RxMistralError | undefined;
    const noted = defer(() => {
      pendingFailure = undefined;
      return attempt;
    }).pipe(
      tap(() => {
        emitted = true;
      }),
    );
    const onRetry = (retryAttempt: RetryAttempt): void => {
      pendingFailure = toRxMistralError(retryAttempt.error);
      retry?.onRetry?.(retryAttempt);
    };
    const repeated =
      retry === undefined
        ? attempt
        : noted.pipe(retryWithBackoff({ ...retry, onRetry, isRetryable: (error) => !emitted && isRetryable(error) }));
    const outOfTime = deadline(timeouts?.total, scheduler, () => pendingFailure).pipe(
      // What is whole is completed: `takeUntil` does so at a value.
      catchError((error: unknown) => (late.isWhole() ? of(error) : throwError(() => late.explain(error)))),
    );
    return repeated.pipe(takeUntil(outOfTime));
  });
}

// Of a single response nothing is known before it is there.
const nothingKnown: LateAttempt = { isWhole: () => false, explain: (error) => error };
