import type { Observable } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import { type CallOptions, createRateLimiter, type Permit, rateLimit, type RateLimiter, type RateLimiterState, withLimiter } from '../../src/index.js';

declare const values: Observable<string>;

test('createRateLimiter() makes a RateLimiter of Observables', () => {
  const limiter = createRateLimiter({ requests: { limit: 10, interval: 1_000 }, tokens: undefined, maxWaiting: undefined });
  expectTypeOf(limiter).toEqualTypeOf<RateLimiter>();
  expectTypeOf(limiter.acquire({ tokens: () => 5 })).toEqualTypeOf<Observable<Permit>>();
  expectTypeOf(limiter.state$).toEqualTypeOf<Observable<RateLimiterState>>();
  expectTypeOf<CallOptions['limiter']>().toEqualTypeOf<RateLimiter | undefined>();
  // @ts-expect-error -- a limit is for an interval
  void createRateLimiter({ requests: { limit: 10 } });
});

test('rateLimit() takes a limiter or a pace, and keeps the type', () => {
  expectTypeOf(values.pipe(rateLimit({ limit: 1, interval: 1 }))).toEqualTypeOf<Observable<string>>();
  expectTypeOf(values.pipe(rateLimit(createRateLimiter(), { maxQueued: 5 }))).toEqualTypeOf<Observable<string>>();
  // @ts-expect-error -- neither
  void rateLimit({ every: 5 });
});

test('withLimiter() keeps the type', () => {
  expectTypeOf(values.pipe(withLimiter(createRateLimiter(), { tokens: 10 }))).toEqualTypeOf<Observable<string>>();
});
