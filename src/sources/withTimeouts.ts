import {
  defer,
  EMPTY,
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
  timer,
} from 'rxjs';
import { RxMistralError, type TimeoutName } from '../errors/RxMistralError.js';
import type { Timeouts } from './CallOptions.js';

/**
 * Fails an attempt whose first event does not come in time, or which falls silent.
 *
 * ```
 * source:    --a---------
 * withTimeouts({ idle: 5 })
 * result:    --a----#
 * ```
 *
 * Each event only notes the time; one timer looks when the silence may have been long enough. (rxjs `timeout` makes a
 * new timer for each event.) Where the thread was blocked, timers that are due run before the sockets are read, and an
 * event that has arrived in time would come too late: so a limit that has passed is looked at once more, a turn of the
 * event loop later.
 */
export function withTimeouts<T>(timeouts: Timeouts, scheduler: SchedulerLike): MonoTypeOperatorFunction<T> {
  const { idle = Infinity, firstEvent = idle } = timeouts;
  if (Math.min(firstEvent, idle) === Infinity) return (source) => source;
  return (source) =>
    defer(() => {
      let last = scheduler.now();
      let hasBegun = false;
      let isLastLook = false;
      const silence = timer(Math.min(firstEvent, idle), scheduler).pipe(
        expand(() => {
          const now = scheduler.now();
          // A clock that was set back makes no silence longer: it is counted from now on.
          last = Math.min(last, now);
          const limit = hasBegun ? idle : firstEvent;
          if (limit === Infinity) return EMPTY;
          const rest = last + limit - now;
          if (rest <= 0 && isLastLook) {
            const which = hasBegun || timeouts.firstEvent === undefined ? 'idle' : 'firstEvent';
            return throwError(() => timeoutError(which, limit));
          }
          isLastLook = rest <= 0;
          // The first event may come at any time, and the silence behind it is counted from there.
          return timer(Math.max(hasBegun ? rest : Math.min(rest, Math.max(idle, 1)), 0), scheduler);
        }),
        ignoreElements(),
      );
      return source.pipe(
        tap(() => {
          last = scheduler.now();
          hasBegun = true;
        }),
        takeUntil(silence),
      );
    });
}

/**
 * Never emits, and fails when `total` milliseconds from now have passed.
 *
 * @param pendingFailure The failure whose retry is being waited for, while nothing is under way: it tells what is lost,
 * and why, as `partial` and `cause` of the error.
 */
export function deadline(
  total: number | undefined,
  scheduler: SchedulerLike,
  pendingFailure: () => RxMistralError | undefined = () => undefined,
): Observable<never> {
  if (total === undefined) return NEVER;
  const end = scheduler.now() + total;
  return defer(() => timer(Math.max(0, end - scheduler.now()), scheduler)).pipe(
    mergeMap(() => throwError(() => explain(timeoutError('total', total), pendingFailure()))),
  );
}

function explain(late: RxMistralError, failure: RxMistralError | undefined): RxMistralError {
  return failure === undefined ? late : late.with({ partial: failure.partial, cause: failure });
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
