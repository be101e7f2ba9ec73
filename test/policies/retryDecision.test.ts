import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxTimerMs } from '../../src/errors/expect.js';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import { type Backoff, constantBackoff, exponentialBackoff } from '../../src/policies/backoff.js';
import { decideRetry, type RetryPolicy, type RetryState } from '../../src/policies/retryDecision.js';

const policy: RetryPolicy = {
  maxRetries: 3,
  isRetryable: () => true,
  respectRetryAfter: true,
  maxRetryAfter: 60_000,
  maxElapsed: Infinity,
};
const state: RetryState = { retries: 0, elapsedMs: 0, backoff: constantBackoff(100) };
const random = (): number => 0.5;

const failure = (retryAfterMs?: number): RxMistralError =>
  new RxMistralError({ kind: 'rate-limit', message: 'slow down', retryable: true, retryAfterMs });
const wait = (delayMs: number): Backoff => ({ next: () => ({ delayMs, next: wait(delayMs) }) });

type Changes = Partial<RetryPolicy & RetryState>;

/** The delay that is decided, or `'final'`. */
function decide(changes: Changes, error: unknown = failure(), chance = random): number | 'final' {
  const decision = decideRetry({ ...policy, ...changes }, { ...state, ...changes }, error, chance);
  return decision.retry ? decision.delayMs : 'final';
}

describe('decideRetry', () => {
  it.each<[name: string, changes: Changes, retryAfterMs: number | undefined, expected: number | 'final']>([
    ['the backoff decides where the server asks nothing', {}, undefined, 100],
    ['the last retry', { retries: 2 }, undefined, 100],
    ['no retry is left', { retries: 3 }, undefined, 'final'],
    ['no retry was given', { maxRetries: 0 }, undefined, 'final'],
    ['retries without end', { retries: 1_000_000, maxRetries: Infinity }, undefined, 100],
    ['not retryable', { isRetryable: () => false }, undefined, 'final'],
    ['the server asks for more than the backoff', {}, 7_000, 7_350],
    ['the server asks for less than the backoff, but the spread is longer', {}, 98, 102],
    ['the server asks for less than the backoff', {}, 7, 100],
    ['the server asks for nothing', {}, 0, 100],
    ['the server asks for exactly the most', {}, 60_000, 63_000],
    ['the server asks for more than the most', {}, 60_001, 'final'],
    ['the server is not to be respected', { respectRetryAfter: false }, 7_000, 100],
    ['nor when it asks for more than the most', { respectRetryAfter: false }, 1e15, 100],
    ['the server asks for more than a timer takes', { maxRetryAfter: Infinity }, maxTimerMs + 1, 'final'],
    ['the server asks for as much as a timer takes', { maxRetryAfter: Infinity }, maxTimerMs, maxTimerMs],
    ['the server asks for NaN, in JSON from elsewhere', {}, NaN, 100],
    ['the server asks for Infinity', { maxRetryAfter: Infinity }, Infinity, 'final'],
    ['the retry would start just in time', { elapsedMs: 900, maxElapsed: 1_000 }, undefined, 100],
    ['the retry would start too late', { elapsedMs: 901, maxElapsed: 1_000 }, undefined, 'final'],
    ['the server makes it too late', { elapsedMs: 0, maxElapsed: 1_000 }, 1_001, 'final'],
    ['the spread would make it too late', { elapsedMs: 100, maxElapsed: 1_100 }, 980, 1_000],
    ['the spread would make it too late by a fraction', { elapsedMs: 0.5, maxElapsed: 1_000 }, 980, 999],
    ['a fraction is rounded up', { backoff: constantBackoff(0.2) }, undefined, 1],
    ['a fraction of the server is rounded up', {}, 100.2, 105],
    ['a backoff beyond what a timer takes', { backoff: wait(1e12) }, undefined, maxTimerMs],
    ['a backoff without end', { backoff: wait(Infinity) }, undefined, maxTimerMs],
  ])('%s', (_name, changes, retryAfterMs, expected) => {
    expect(decide(changes, failure(retryAfterMs))).toBe(expected);
  });

  it('hands out the backoff for the next failure', () => {
    const backoff = exponentialBackoff({ jitter: 'decorrelated' });
    const first = decideRetry(policy, { ...state, backoff }, failure(), () => 1);
    const second = first.retry
      ? decideRetry(policy, { ...state, retries: 1, backoff: first.backoff }, failure(), () => 1)
      : first;
    expect(first).toMatchObject({ retry: true, delayMs: 1_500 });
    expect(second).toMatchObject({ retry: true, delayMs: 4_500 });
  });

  it('counts retries from 1 for the backoff', () => {
    const attempts: number[] = [];
    const backoff: Backoff = { next: ({ attempt }) => (attempts.push(attempt), { delayMs: 0, next: backoff }) };
    for (const retries of [0, 1, 2, 3]) decide({ retries, backoff });
    expect(attempts).toEqual([1, 2, 3]);
  });

  it("reads the server's wait from errors of this family alone", () => {
    expect(decide({}, Object.assign(new Error('foreign'), { retryAfterMs: 7_000 }))).toBe(100);
    expect(decide({}, undefined)).toBe(100);
  });

  it.each([[NaN], [-1], [-Infinity]])('refuses a backoff that answers %d, for timers would fire at once', (delayMs) => {
    expect(() => decide({ backoff: wait(delayMs) })).toThrow(TypeError);
  });

  it.each([
    [0, 7_000],
    [0.01, 7_007],
    [1, 7_700],
    [NaN, 7_000],
    [99, 7_700],
  ])("comes back behind the server's time by up to a tenth of its wait: chance %d", (chance, expected) => {
    expect(decide({}, failure(7_000), () => chance)).toBe(expected);
  });

  it('rounds what the server asks up where there is no chance', () => {
    expect(decide({}, failure(7_000.2), () => 0)).toBe(7_001);
  });

  it('spreads those who were told the same second over all of a tenth', () => {
    const delays = Array.from({ length: 1_000 }, (_, index) => decide({}, failure(10_000), () => index / 1_000));
    expect(new Set(delays).size).toBe(1_000);
    expect(Math.max(...delays.map(Number)) - Math.min(...delays.map(Number))).toBe(999);
  });

  it('asks chance nothing where the server asks nothing', () => {
    const never = (): number => expect.unreachable();
    expect(decide({}, failure(), never)).toBe(100);
    expect(decide({ respectRetryAfter: false }, failure(7_000), never)).toBe(100);
  });

  it('is never earlier than the server said, and never more than a timer takes', () => {
    const milliseconds = fc.oneof(fc.double({ min: 0, noNaN: true }), fc.double({ min: 0, max: 120_000, noNaN: true }));
    const chances = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.double());
    fc.assert(
      fc.property(milliseconds, milliseconds, milliseconds, milliseconds, chances, (backoffMs, asked, most, maxElapsed, chance) => {
        const changes = { backoff: wait(backoffMs), maxRetryAfter: most, maxElapsed };
        const delay = decide(changes, failure(asked), () => chance);
        // Chance makes nothing final that was not, and moves nothing by more than a tenth.
        expect(delay === 'final').toBe(decide(changes, failure(asked), () => 0) === 'final');
        if (delay === 'final') return;
        expect(delay).toBeGreaterThanOrEqual(asked);
        expect(delay).toBeLessThanOrEqual(Math.min(maxTimerMs, maxElapsed));
        expect(delay).toBeLessThanOrEqual(Math.ceil(Math.max(backoffMs, asked * 1.1)));
        expect(delay).toSatisfy(Number.isInteger);
      }),
    );
  });
});
