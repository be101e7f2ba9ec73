import { asyncScheduler, catchError, defer, type Observable, of, takeUntil, tap, throwError } from 'rxjs';
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
 * value that was emitted as it came cannot be taken back.
 *
 * @param late What is known of the attempt when the deadline passes.
 */
export function repeatBeforeFirst<T>(
  attempt: Observable<T>,
  options: CallOptions,
  late: LateAttempt,
): Observable<T> {
  const { timeouts, scheduler = asyncScheduler } = options;
  const retry = retryConfigOf(options);
  const isRetryable = retry?.isRetryable ?? isRetryableError;

  return defer(() => {
    let emitted = false;
    const noted = attempt.pipe(
      tap(() => {
        emitted = true;
      }),
    );
    const repeated =
      retry === undefined
        ? attempt
        : noted.pipe(retryWithBackoff({ ...retry, isRetryable: (error) => !emitted && isRetryable(error) }));
    const outOfTime = deadline(timeouts?.total, scheduler).pipe(
      // What is whole is completed: `takeUntil` does so at a value.
      catchError((error: unknown) => (late.isWhole() ? of(error) : throwError(() => late.explain(error)))),
    );
    return repeated.pipe(takeUntil(outOfTime));
  });
}
