import { type Observable, range, take, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createRateLimiter, type Pace, rateLimit, type RateLimiter, type RateLimitOptions } from '../../src/index.js';
import { marbles } from '../../src/testing/index.js';

const fault = new Error('fault');
const unexpected = (error: unknown): never => expect.unreachable(String(error));

describe('rateLimit', () => {
  test('lets values pass at its pace', () => {
    marbles((m) => {
      const source = m.cold('  (abc|)    ');
      const subs = '           (^!)      ';
      const expected = '       a--b--(c|)';

      m.expectObservable(source.pipe(rateLimit({ limit: 1, interval: 3 }))).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('lets as many pass at once as the burst says', () => {
    marbles((m) => {
      const source = m.cold('  (abc|)    ');
      const subs = '           (^!)      ';
      const expected = '       (ab)-(c|) ';

      m.expectObservable(source.pipe(rateLimit({ limit: 2, interval: 10, burst: 2 }))).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('delays nothing that comes slowly', () => {
    marbles((m) => {
      const source = m.cold('  a---b---|');
      const subs = '           ^-------!';
      const expected = '       a---b---|';

      m.expectObservable(source.pipe(rateLimit({ limit: 1, interval: 3 }))).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('shares a limiter among all who pass it, first come, first served', () => {
    marbles((m) => {
      const limiter = createRateLimiter({ requests: { limit: 1, interval: 2 } });
      const first = m.cold('    (ab|)        ');
      const second = m.cold('   (yz|)        ');
      const expected1 = '       a-(b|)       ';
      const expected2 = '       ----y-(z|)   ';

      m.expectObservable(first.pipe(rateLimit(limiter))).toBe(expected1);
      m.expectObservable(second.pipe(rateLimit(limiter))).toBe(expected2);
    });
  });

  test('tells an error of the source behind the values before it', () => {
    marbles((m) => {
      const source = m.cold('  (ab#)  ', undefined, fault);
      const subs = '           (^!)   ';
      const expected = '       a--(b#)';

      m.expectObservable(source.pipe(rateLimit({ limit: 1, interval: 3 }))).toBe(expected, undefined, fault);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('fails with the limiter', () => {
    const broken = { ...createRateLimiter(), acquire: () => throwError(() => fault) } as RateLimiter;
    marbles((m) => {
      const source = m.cold('  --a--|');
      const subs = '           ^-!   ';
      const expected = '       --#   ';

      m.expectObservable(source.pipe(rateLimit(broken))).toBe(expected, undefined, fault);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('of an empty source is empty', () => {
    marbles((m) => {
      const source = m.cold('  ---|');
      const subs = '           ^--!';
      const expected = '       ---|';

      m.expectObservable(source.pipe(rateLimit({ limit: 1, interval: 3 }))).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('of a source that is silent is silent', () => {
    marbles((m) => {
      const source = m.cold('  -');
      const subs = '           ^';
      const expected = '       -';

      m.expectObservable(source.pipe(rateLimit({ limit: 1, interval: 3 }))).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('ends with its subscription, not breaking the chain', () => {
    marbles((m) => {
      const limiter = createRateLimiter({ requests: { limit: 1, interval: 4 } });
      const source = m.cold('  (ab)------');
      const subs = '           ^-!       ';
      const unsub = '          --!       ';
      const expected = '       a--       ';
      const other = '          ----a     ';
      const result = source.pipe((chain) => chain.pipe(rateLimit(limiter)), (chain) => chain.pipe(take(9)));

      m.expectObservable(result, unsub).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
      // Its place in the queue is free: the next one waits for one interval.
      m.expectObservable(m.cold('---a').pipe(rateLimit(limiter))).toBe(other);
    });
  });

  test('stops a synchronous firehose that `take` has enough of', () => {
    const seen: number[] = [];
    range(0, Infinity)
      .pipe(rateLimit({ limit: 10, interval: 1, burst: 10 }), take(3))
      .subscribe({ next: (value) => seen.push(value), error: unexpected });
    expect(seen).toEqual([0, 1, 2]);
  });

  test('has a pace for each subscription, and serves two sources by one operator', () => {
    marbles((m) => {
      const operator = rateLimit<string>({ limit: 1, interval: 3 });
      const source = m.cold('   (ab|)  ');
      const other = m.cold('    (yz|)  ');
      const expected1 = '       a--(b|)';
      const expected2 = '       y--(z|)';
      const result: Observable<string> = source.pipe(operator);

      m.expectObservable(result).toBe(expected1);
      m.expectObservable(result).toBe(expected1);
      m.expectObservable(other.pipe(operator)).toBe(expected2);
    });
  });

  test('refuses to let more than `maxQueued` values wait, and delivers those that did', () => {
    marbles((m) => {
      const source = m.cold('  (abcd)   ');
      const subs = '           (^!)     ';
      const expected = '       a-b-(c#) ';

      m.expectObservable(source.pipe(rateLimit({ limit: 1, interval: 2 }, { maxQueued: 2 }))).toBe(
        expected,
        undefined,
        expect.objectContaining({ kind: 'limit', message: 'More than 2 values wait for their turn (`maxQueued`)' }),
      );
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  const cases: readonly (readonly [string, unknown, unknown])[] = [
    ['Expected `limiter` to be a RateLimiter or { limit, interval }, got undefined', undefined, undefined],
    ['Expected `limiter` to be a RateLimiter or { limit, interval }, got 10', 10, undefined],
    ['Expected `limiter` to be a RateLimiter or { limit, interval }, got an object', {}, undefined],
    ['Expected `limit` to be an integer >= 1, got 0', { limit: 0, interval: 1 }, undefined],
    ['Expected `burst` to be at most the limit of 1, got 2', { limit: 1, interval: 1, burst: 2 }, undefined],
    ['Expected `scheduler` to be a scheduler, got 1', createRateLimiter(), { scheduler: 1 }],
    ['Expected `maxQueued` to be an integer >= 1 or Infinity, got -1', { limit: 1, interval: 1 }, { maxQueued: -1 }],
  ];
  for (const [message, limiter, options] of cases) {
    test(`throws at the call: ${message}`, () => {
      expect(() => rateLimit(limiter as Pace, options as RateLimitOptions)).toThrow(new TypeError(message));
    });
  }
});
