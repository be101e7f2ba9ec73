import { asyncScheduler, catchError, concat, concatMap, defer, EMPTY, map, type MonoTypeOperatorFunction, tap, throwError } from 'rxjs';
import { expectInteger, expectObject, expectScheduler, fail } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { createRateLimiter, expectPace, type RateLimiterOptions } from '../control/createRateLimiter.js';
import type { RateLimiter } from '../control/RateLimiter.js';
import { acquirePermit } from '../control/underPermit.js';
import { expectLimiter } from './withLimiter.js';

/** A pace: so many in an interval, and how many of them at once. */
export type Pace = NonNullable<RateLimiterOptions['requests']>;

/** Options of {@link rateLimit}. */
export interface RateLimitOptions {
  /**
   * The most values that wait: an integer of at least 1, or `Infinity`. One more is an error of kind `limit`.
   * @defaultValue 100,000
   */
  readonly maxQueued?: number | undefined;
  /** The clock and the timers of a pace. @defaultValue `asyncScheduler` */
  readonly scheduler?: RateLimiterOptions['scheduler'];
}

/**
 * Lets values pass at a pace, in their order.
 *
 * ```
 * source:                                (abcd|)
 * rateLimit({ limit: 1, interval: 3 }):  a--b--c--(d|)
 *
 * with burst: 2:                         (ab)-… then one each 3
 * ```
 *
 * With `{ limit, interval, burst? }` each subscription has a pace of its own; a limiter is shared by all who pass it, and
 * counts each value as a request. The pace is that of {@link createRateLimiter}: evenly spaced, and never more than `limit` in
 * any `interval`, unless `burst` asks for more at once.
 *
 * **Completes** behind the last value. **An error of the source** comes behind the values before it: what had arrived is
 * delivered. An error of the limiter is one of the result.
 *
 * **Unsubscribing** ends the source and the wait. What waits is bounded by `maxQueued`; a source that can wait is better
 * pulled: {@link pullMap}.
 *
 * @throws TypeError when a bound is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { mergeMap, of } from 'rxjs';
 * import { chatComplete, rateLimit, retryWithBackoff } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * of('Loire', 'Rhine', 'Danube')
 *   .pipe(
 *     rateLimit({ limit: 10, interval: 1_000 }),
 *     mergeMap((content) => chatComplete(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content }] }), 5),
 *   )
 *   .subscribe(({ usage }) => console.log(usage.totalTokens));
 * ```
 *
 * @see {@link withLimiter} for calls
 */
export function rateLimit<T>(limiter: RateLimiter | Pace, options: RateLimitOptions = {}): MonoTypeOperatorFunction<T> {
  expectObject('options', options);
  const { maxQueued = 100_000, scheduler = asyncScheduler } = options;
  expectInteger('maxQueued', maxQueued, 1, true);
  expectScheduler('scheduler', scheduler);
  if (!isRecord(limiter) || !('limit' in limiter || 'acquire' in limiter)) {
    fail('limiter', 'a RateLimiter or { limit, interval }', limiter);
  }
  if ('limit' in limiter) expectPace(limiter);
  else expectLimiter('limiter', limiter);
  const limiterOf = (): RateLimiter => ('limit' in limiter ? createRateLimiter({ requests: limiter, scheduler }) : limiter);

  return (source) =>
    defer(() => {
      const own = limiterOf();
      let queued = 0;
      let failure: { readonly error: unknown } | undefined;
      const values = source.pipe(
        tap(() => {
          if (queued >= maxQueued) {
            throw new RxMistralError({ kind: 'limit', message: `More than ${maxQueued} values wait for their turn (\`maxQueued\`)` });
          }
          queued += 1;
        }),
        // rxjs would let the error overtake what waits.
        catchError((error: unknown) => {
          failure = { error };
          return EMPTY;
        }),
        concatMap((value) =>
          acquirePermit(own, {}, scheduler).pipe(
            map((permit) => {
              permit.settle();
              queued -= 1;
              return value;
            }),
          ),
        ),
      );
      return concat(
        values,
        defer(() => (failure === undefined ? EMPTY : throwError(() => failure?.error))),
      );
    });
}
