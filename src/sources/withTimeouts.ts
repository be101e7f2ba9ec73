import {
  defer,
  expand,
  ignoreElements,
  mergeMap,
  type MonoTypeOperatorFunction,
  NEVER,
  type Observable,
  type SchedulerLike,
  takeUntil,
  tap,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import { isRxMistralError, RxMistralError, type TimeoutName } from '../errors/RxMistralError.js';
import type { Timeouts } from './CallOptions.js';

/**
 * Fails an attempt whose first event does not come in time, or which falls silent.
 *
 * ```
 * source:    --a---------
 * withTimeouts({ idle: 5 })
 * result:    --a----#
 * ```
 */
export function withTimeouts<T>(timeouts: Timeouts, scheduler: SchedulerLike): MonoTypeOperatorFunction<T> {
  const { firstEvent, idle } = timeouts;
  return (source) => {
    const first = firstEvent === undefined ? source : source.pipe(failAfterFirst<T>(firstEvent, scheduler));
    return idle === undefined ? first : failOnSilence(first, idle, firstEvent === undefined, scheduler);
  };
}

/** Never emits, and fails when `total` milliseconds from now have passed. */
export function deadline(total: number | undefined, scheduler: SchedulerLike): Observable<never> {
  if (total === undefined) return NEVER;
  const end = scheduler.now() + total;
  return defer(() => timer(Math.max(0, end - scheduler.now()), scheduler)).pipe(
    mergeMap(() => throwError(() => timeoutError('total', total))),
  );
}

/** Whether it was the deadline that passed. */
export function isOutOfTime(error: unknown): boolean {
  return isRxMistralError(error) && error.which === 'total';
}

function failAfterFirst<T>(firstEvent: number, scheduler: SchedulerLike): MonoTypeOperatorFunction<T> {
  return timeout<T, Observable<never>>({
    first: firstEvent,
    scheduler,
    with: () => throwError(() => timeoutError('firstEvent', firstEvent)),
  });
}

// Each event only notes the time; one timer looks when the silence may have been long enough. (rxjs `timeout` makes a
// new timer for each event.)
function failOnSilence<T>(
  source: Observable<T>,
  idle: number,
  fromStart: boolean,
  scheduler: SchedulerLike,
): Observable<T> {
  return defer(() => {
    let last = scheduler.now();
    let counting = fromStart;
    const silence = timer(idle, scheduler).pipe(
      expand(() => {
        const rest = counting ? last + idle - scheduler.now() : idle;
        return rest > 0 ? timer(rest, scheduler) : throwError(() => timeoutError('idle', idle));
      }),
      ignoreElements(),
    );
    return source.pipe(
      tap(() => {
        last = scheduler.now();
        counting = true;
      }),
      takeUntil(silence),
    );
  });
}

function timeoutError(which: TimeoutName, limit: number): RxMistralError {
  return new RxMistralError({
    kind: 'timeout',
    which,
    message: `${descriptions[which]} (\`timeouts.${which}\`: ${limit} ms)`,
    // A further attempt has no time left once the total has passed.
    retryable: which !== 'total',
  });
}

const descriptions: Readonly<Record<TimeoutName, string>> = {
  firstEvent: 'The first event did not come in time',
  idle: 'The stream fell silent',
  total: 'The call took too long',
};
