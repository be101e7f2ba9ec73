import { defer, finalize, mergeMap, type Observable, type SchedulerLike, take, tap } from 'rxjs';
import { totalTokens } from '../events/totalTokens.js';
import type { Permit, PermitRequest, RateLimiter } from './RateLimiter.js';
import { currentStage, reenterStage } from './stage.js';

/** Waits for a permit, and tells the stage above how long that took. */
export function acquirePermit(limiter: RateLimiter, request: PermitRequest, scheduler: SchedulerLike): Observable<Permit> {
  return defer(() => {
    const stage = currentStage();
    const askedAt = scheduler.now();
    return limiter.acquire(request).pipe(
      take(1),
      tap(() => {
        const waited = scheduler.now() - askedAt;
        if (waited > 0) stage?.waited(waited);
      }),
    );
  });
}

/** One call under a permit, which is settled with the usage that the call tells of, however it ends. */
export function underPermit<T>(
  limiter: RateLimiter,
  request: PermitRequest,
  scheduler: SchedulerLike,
  call: Observable<T>,
): Observable<T> {
  return defer(() => {
    const stage = currentStage();
    return acquirePermit(limiter, request, scheduler).pipe(
      mergeMap((permit) => {
        let tokens: number | undefined;
        const settled = call.pipe(
          tap((value) => {
            tokens = totalTokens(value) ?? tokens;
          }),
          finalize(() => {
            permit.settle(tokens);
          }),
        );
        // Whoever gave a permit back is not the one that this call is a part of.
        return reenterStage(stage, settled);
      }),
    );
  });
}
