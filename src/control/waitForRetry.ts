import { mergeMap, type Observable, of, type SchedulerLike, throwError, timeout, timer } from 'rxjs';
import { maxTimerMs } from '../errors/expect.js';
import type { RetryBudget } from './retryBudget.js';

/** A retry that has been decided on, and what it waits for. */
export interface PendingRetry {
  /** The failure that it answers. */
  readonly error: unknown;
  /** The least wait, in milliseconds. */
  readonly delayMs: number;
  /** The time after which it may not start, by the scheduler's clock; may be `Infinity`. */
  readonly latestAt: number;
  readonly budget: RetryBudget | undefined;
  readonly scheduler: SchedulerLike;
}

/**
 * The wait before a retry: its delay, and behind it the turn that a budget gives, where that lets its callers wait.
 *
 * ```
 * delay          ----x
 * turn               ------x       asked for when the delay is over
 * waitForRetry   ----------x
 * too late       --------#         the turn had not come at `latestAt`
 * refused        ----#             too many wait
 * ```
 *
 * In this order, because a retry that was taken from the budget before the delay would serve nobody in it, when others
 * could have used it. Emits once and completes, or fails with the failure that was to be retried. Unsubscribing ends
 * the timer and gives up the place. It emits on the stack of a timer, even where nothing is to be waited for: a
 * synchronous wait would put each attempt on the stack of the one before.
 */
export function waitForRetry({ error, delayMs, latestAt, budget, scheduler }: PendingRetry): Observable<unknown> {
  const delay = timer(delayMs, scheduler);
  const acquire = budget?.acquire?.bind(budget);
  if (acquire === undefined) return delay;
  const final = throwError(() => error);

  const turn = (): Observable<boolean> => {
    if (latestAt === Infinity) return acquire();
    const first = Math.min(Math.max(0, latestAt - scheduler.now()), maxTimerMs);
    return acquire().pipe(timeout({ first, with: () => final, scheduler }));
  };
  return delay.pipe(
    mergeMap(turn),
    mergeMap((granted) => (granted ? of(granted) : final)),
  );
}
