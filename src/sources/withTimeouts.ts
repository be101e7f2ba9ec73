import {
  defer,
  expand,
  ignoreElements,
  mergeMap,
  type MonoTypeOperatorFunction,
  NEVER,
  type Observable,
  type SchedulerLike,
  Subject,
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

// Where the thread was blocked, timers that are due run before the sockets are read: an event that has arrived in time
// would come too late. So a limit that has passed is looked at once more, a turn of the event loop later.
function failAfterFirst<T>(firstEvent: number, scheduler: SchedulerLike): MonoTypeOperatorFunction<T> {
  return (source) =>
    defer(() => {
      const begun = new Subject<void>();
      const limit = timer(firstEvent, scheduler).pipe(
        mergeMap(() => timer(0, scheduler)),
        mergeMap(() => throwError(() => timeoutError('firstEvent', firstEvent))),
        takeUntil(begun),
      );
      return source.pipe(
        tap(() => {
          begun.next();
        }),
        takeUntil(limit),
      );
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
    let isLastLook = false;
    const silence = timer(idle, scheduler).pipe(
      expand(() => {
        const now = scheduler.now();
        // A clock that was set back makes no silence longer: it is counted from now on.
        last = Math.min(last, now);
        const rest = counting ? last + idle - now : Math.max(idle, 1);
        if (rest <= 0 && isLastLook) return throwError(() => timeoutError('idle', idle));
        isLastLook = rest <= 0;
        return timer(Math.max(rest, 0), scheduler);
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
