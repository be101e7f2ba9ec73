import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Gcra } from '../../src/policies/gcra.js';

describe('Gcra', () => {
  test('plans one each interval / limit', () => {
    const pace = new Gcra({ limit: 10, interval: 1_000, burst: 1 });
    expect(pace.earliest(0)).toBeLessThanOrEqual(0);
    pace.take(1, 0);
    expect(pace.earliest(0)).toBe(100);
    pace.take(1, 100);
    expect(pace.earliest(100)).toBe(200);
    // Time that nobody used is not made up for.
    pace.take(1, 950);
    expect(pace.earliest(950)).toBe(1_050);
  });

  test('lets a burst come at once, and then one by one', () => {
    const pace = new Gcra({ limit: 10, interval: 1_000, burst: 3 });
    expect(pace.available(0)).toBe(3);
    for (const left of [2, 1, 0]) {
      pace.take(1, 0);
      expect(pace.available(0)).toBe(left);
    }
    expect(pace.earliest(0)).toBe(100);
    expect([99, 100, 200, 300, 5_000].map((now) => pace.available(now))).toEqual([0, 1, 2, 3, 3]);
  });

  test('has what costs much paid off behind it', () => {
    const pace = new Gcra({ limit: 100, interval: 1_000, burst: 1 });
    pace.take(500, 0);
    expect(pace.earliest(0)).toBe(5_000);
    pace.adjust(-400, 10);
    expect(pace.earliest(10)).toBe(1_000);
    pace.adjust(100, 1_500);
    expect(pace.earliest(1_500)).toBe(2_500);
  });

  test('takes a clock that is set back along', () => {
    const pace = new Gcra({ limit: 10, interval: 1_000, burst: 1 });
    pace.take(1, 1_000_000);
    expect(pace.earliest(400_000)).toBe(400_100);
  });

  test('keeps to its bound in every stretch of time, for any paces, costs and arrivals', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    console.log(`Gcra: SEED=${seed}`);
    const cases = fc.record({
      limit: fc.integer({ min: 1, max: 50 }),
      interval: fc.integer({ min: 1, max: 2_000 }),
      burst: fc.integer({ min: 1, max: 20 }),
      arrivals: fc.array(fc.record({ pause: fc.nat(300), cost: fc.integer({ min: 1, max: 4 }) }), { maxLength: 80 }),
    });
    fc.assert(
      fc.property(cases, ({ limit, interval, burst, arrivals }) => {
        const pace = new Gcra({ limit, interval, burst });
        const starts: { at: number; cost: number }[] = [];
        let now = 0;
        for (const { pause, cost } of arrivals) {
          now = Math.max(now + pause, pace.earliest(now));
          pace.take(cost, now);
          starts.push({ at: now, cost });
        }
        for (const [first, { at }] of starts.entries()) {
          let units = 0;
          let largest = 0;
          for (const start of starts.slice(first)) {
            units += start.cost;
            largest = Math.max(largest, start.cost);
            // The stretch ends right behind this start, so it is open there by as little as one likes.
            expect(units).toBeLessThanOrEqual(burst + (largest - 1) + ((start.at - at) * limit) / interval + 1e-6);
          }
        }
      }),
      { seed, numRuns: 1_000 },
    );
  });
});
