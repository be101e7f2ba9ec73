import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../src/policies/tokenBucket.js';

describe('TokenBucket', () => {
  it('starts with its initial tokens, at most its capacity', () => {
    expect(new TokenBucket({ capacity: 10, initial: 4, refillPerSecond: 0, now: 0 }).tokens(0)).toBe(4);
    expect(new TokenBucket({ capacity: 10, initial: 40, refillPerSecond: 0, now: 0 }).tokens(0)).toBe(10);
  });

  it('fills up with time, to its capacity and no further', () => {
    const bucket = new TokenBucket({ capacity: 10, initial: 0, refillPerSecond: 2, now: 5_000 });
    expect([5_000, 5_500, 6_000, 9_000, 10_000, 1e15].map((now) => bucket.tokens(now))).toEqual([0, 1, 2, 8, 10, 10]);
  });

  it('takes a deposit as far as there is room', () => {
    const bucket = new TokenBucket({ capacity: 3, initial: 0, refillPerSecond: 0, now: 0 });
    bucket.deposit(2, 0);
    expect(bucket.tokens(0)).toBe(2);
    bucket.deposit(2, 0);
    expect(bucket.tokens(0)).toBe(3);
  });

  it('gives all that is asked for, or nothing', () => {
    const bucket = new TokenBucket({ capacity: 3, initial: 3, refillPerSecond: 1, now: 0 });
    expect(bucket.withdraw(2, 0)).toBe(true);
    expect(bucket.withdraw(2, 0)).toBe(false);
    expect(bucket.tokens(0)).toBe(1);
    expect(bucket.withdraw(2, 1_000)).toBe(true);
    expect(bucket.tokens(1_000)).toBe(0);
  });

  it('adds nothing when the clock is set back, and goes on from there', () => {
    const bucket = new TokenBucket({ capacity: 10, initial: 5, refillPerSecond: 1, now: 100_000 });
    expect(bucket.tokens(1_000)).toBe(5);
    expect(bucket.tokens(2_000)).toBe(6);
  });

  it('grants no more than capacity, time and deposits allow, in any sequence', () => {
    const action = fc.record({
      wait: fc.integer({ min: 0, max: 5_000 }),
      deposit: fc.integer({ min: 0, max: 5 }),
      withdraw: fc.integer({ min: 0, max: 5 }),
    });
    const settings = { capacity: fc.integer({ min: 1, max: 20 }), refillPerSecond: fc.integer({ min: 0, max: 20 }) };
    fc.assert(
      fc.property(fc.record(settings), fc.array(action), ({ capacity, refillPerSecond }, actions) => {
        const bucket = new TokenBucket({ capacity, initial: capacity, refillPerSecond, now: 0 });
        let now = 0;
        let deposited = 0;
        let withdrawn = 0;
        for (const { wait, deposit, withdraw } of actions) {
          now += wait;
          bucket.deposit(deposit, now);
          deposited += deposit;
          if (bucket.withdraw(withdraw, now)) withdrawn += withdraw;
          const bound = capacity + (refillPerSecond * now) / 1_000 + deposited;
          expect(withdrawn).toBeLessThanOrEqual(bound + 1e-9 * bound);
          expect(bucket.tokens(now)).toBeGreaterThanOrEqual(0);
          expect(bucket.tokens(now)).toBeLessThanOrEqual(capacity);
        }
      }),
    );
  });
});
