import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxTimerMs } from '../../src/errors/expect.js';
import { type Backoff, constantBackoff, exponentialBackoff, type Jitter } from '../../src/policies/backoff.js';

/** The first `count` delays of a backoff; `random` always returns the same. */
function delaysOf(backoff: Backoff, count: number, chance = 0.5): number[] {
  const delays: number[] = [];
  let current = backoff;
  for (let attempt = 1; attempt <= count; attempt += 1) {
    const { delayMs, next } = current.next({ attempt, random: () => chance });
    delays.push(delayMs);
    current = next;
  }
  return delays;
}

describe('constantBackoff', () => {
  it('waits the same before each retry and asks chance nothing', () => {
    const random = (): number => expect.unreachable();
    expect(constantBackoff(250).next({ attempt: 9_999, random }).delayMs).toBe(250);
    expect(delaysOf(constantBackoff(0), 3)).toEqual([0, 0, 0]);
  });

  it.each([[-1], [NaN], [Infinity], [maxTimerMs + 1], ['5'], [null], [undefined]])('refuses %s', (delayMs) => {
    expect(() => constantBackoff(delayMs as number)).toThrow(/^Expected `delayMs` to be milliseconds/);
  });
});

describe('exponentialBackoff', () => {
  it.each<[jitter: Jitter, chance: number, delays: number[]]>([
    ['none', 0.5, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
    ['full', 0, [0, 0, 0, 0, 0, 0, 0, 0]],
    ['full', 0.5, [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]],
    ['full', 1, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
    ['equal', 0, [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]],
    ['equal', 0.5, [375, 750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500]],
    ['decorrelated', 0, [500, 500, 500, 500, 500, 500, 500, 500]],
    ['decorrelated', 0.5, [1_000, 1_750, 2_875, 4_562.5, 7_093.75, 10_890.625, 16_585.9375, 25_128.90625]],
    ['decorrelated', 1, [1_500, 4_500, 13_500, 30_000, 30_000, 30_000, 30_000, 30_000]],
  ])('follows the formula of %s jitter at chance %d', (jitter, chance, delays) => {
    expect(delaysOf(exponentialBackoff({ jitter }), 8, chance)).toEqual(delays);
  });

  it('has full jitter under a ceiling from 500 ms to 30 s by default', () => {
    expect(delaysOf(exponentialBackoff(), 8)).toEqual(delaysOf(exponentialBackoff({ jitter: 'full' }), 8));
  });

  it.each<[name: string, options: Parameters<typeof exponentialBackoff>[0], delays: number[]]>([
    ['a factor of 1 does not grow', { factor: 1, jitter: 'none' }, [500, 500, 500]],
    ['a factor need not be whole', { initial: 100, factor: 1.5, jitter: 'none' }, [100, 150, 225]],
    ['decorrelated jitter has the factor too', { initial: 100, factor: 5, jitter: 'decorrelated' }, [300, 800, 2_050]],
    ['an initial above the max is the max', { initial: 900, max: 700, jitter: 'none' }, [700, 700, 700]],
    ['so with decorrelated jitter', { initial: 900, max: 700, jitter: 'decorrelated' }, [700, 700, 700]],
    ['a max of 0 is no wait', { max: 0 }, [0, 0, 0]],
  ])('%s', (_name, options, delays) => {
    expect(delaysOf(exponentialBackoff(options), 3)).toEqual(delays);
  });

  it('is a value: asking it again gives the same answer, and its successors are independent', () => {
    const start = exponentialBackoff({ jitter: 'decorrelated' });
    const high = start.next({ attempt: 1, random: () => 1 });
    const low = start.next({ attempt: 1, random: () => 0 });
    expect([high.delayMs, low.delayMs]).toEqual([1_500, 500]);
    expect(high.next.next({ attempt: 2, random: () => 1 }).delayMs).toBe(4_500);
    expect(low.next.next({ attempt: 2, random: () => 1 }).delayMs).toBe(1_500);
    expect(start.next({ attempt: 1, random: () => 1 }).delayMs).toBe(1_500);
  });

  it('is never NaN, never negative and never above max, for any options, attempt and chance', () => {
    const milliseconds = fc.double({ min: 0, max: maxTimerMs, noNaN: true });
    const options = fc.record({
      initial: milliseconds,
      max: milliseconds,
      factor: fc.double({ min: 1, max: Number.MAX_VALUE, noNaN: true }),
      jitter: fc.constantFrom<Jitter>('full', 'equal', 'decorrelated', 'none'),
    });
    const attempts = fc.array(fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.maxSafeNat()), { minLength: 1 });
    // A hand-made `random` may return anything at all.
    const chances = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.double());
    fc.assert(
      fc.property(options, attempts, fc.array(chances, { minLength: 1 }), (given, tried, drawn) => {
        let backoff = exponentialBackoff(given);
        for (const [index, attempt] of tried.entries()) {
          const { delayMs, next } = backoff.next({ attempt, random: () => drawn[index % drawn.length] ?? 0 });
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThanOrEqual(given.max);
          if (given.jitter === 'decorrelated') {
            expect(delayMs).toBeGreaterThanOrEqual(Math.min(given.initial, given.max));
          }
          backoff = next;
        }
      }),
    );
  });

  it('stays at max at attempt 10,000, where the power overflows', () => {
    const at = (options: Parameters<typeof exponentialBackoff>[0]): number =>
      exponentialBackoff({ jitter: 'none', ...options }).next({ attempt: 10_000, random: () => 0 }).delayMs;
    expect(at({})).toBe(30_000);
    expect(at({ initial: 0 })).toBe(0);
  });

  it.each<[name: string, options: unknown]>([
    ['initial', { initial: -1 }],
    ['initial', { initial: Infinity }],
    ['max', { max: maxTimerMs + 1 }],
    ['max', { max: '30s' }],
    ['factor', { factor: 0.5 }],
    ['factor', { factor: NaN }],
    ['jitter', { jitter: 'some' }],
    ['options', null],
  ])('names the bad option: %s', (name, options) => {
    expect(() => exponentialBackoff(options as object)).toThrow(TypeError);
    expect(() => exponentialBackoff(options as object)).toThrow(`Expected \`${name}\` to be`);
  });
});
