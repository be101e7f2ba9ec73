import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../src/policies/retryAfter.js';

const now = Date.UTC(2026, 10, 23, 12, 0, 0);
const hours = 3_600_000;
const waitOf = (headers: Record<string, string>): number | undefined => parseRetryAfter(new Headers(headers), now);

describe('parseRetryAfter', () => {
  it('is undefined where no header asks', () => {
    expect(waitOf({})).toBeUndefined();
    expect(waitOf({ date: 'Mon, 23 Nov 2026 12:00:00 GMT' })).toBeUndefined();
  });

  it.each([
    ['7', 7_000],
    ['0', 0],
    ['007', 7_000],
    ['1.5', 1_500],
    ['1.1', 1_100],
    ['0.0001', 1],
    ['-5', 0],
    ['-0.5', 0],
    ['86400', 24 * hours],
    ['2147484', 2_147_484_000],
    ['9'.repeat(15), 999_999_999_999_999_000],
    ['9'.repeat(400), Number.MAX_VALUE],
  ])('reads Retry-After in seconds: %s', (text, wait) => {
    expect(waitOf({ 'retry-after': text })).toBe(wait);
  });

  it.each([
    ['250', 250],
    ['0', 0],
    ['1.2', 2],
    ['-1', 0],
    ['9'.repeat(400), Number.MAX_VALUE],
  ])('reads retry-after-ms: %s', (text, wait) => {
    expect(waitOf({ 'retry-after-ms': text })).toBe(wait);
  });

  it.each([
    ['Mon, 23 Nov 2026 12:00:07 GMT', 7_000],
    ['Monday, 23-Nov-26 12:00:07 GMT', 7_000],
    ['Mon Nov 23 12:00:07 2026', 7_000],
    ['Mon, 23 Nov 2026 11:59:59 GMT', 0],
    ['Sun Nov  6 08:49:37 1994', 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', Date.UTC(9999, 11, 31, 23, 59, 59) - now],
  ])('reads Retry-After as a date: %s', (text, wait) => {
    expect(waitOf({ 'retry-after': text })).toBe(wait);
  });

  it.each([
    ['behind this clock', 'Mon, 23 Nov 2026 10:00:00 GMT', 'Mon, 23 Nov 2026 10:00:07 GMT'],
    ['ahead of this clock', 'Tue, 24 Nov 2026 10:00:00 GMT', 'Tue, 24 Nov 2026 10:00:07 GMT'],
    ['in the other forms', 'Tue Nov 24 10:00:00 2026', 'Tuesday, 24-Nov-26 10:00:07 GMT'],
  ])("counts a date from the response's own Date: a server %s", (_name, date, retryAfter) => {
    expect(waitOf({ date, 'retry-after': retryAfter })).toBe(7_000);
  });

  it('counts a date from now where the Date of the response is garbage', () => {
    expect(waitOf({ date: 'noon', 'retry-after': 'Mon, 23 Nov 2026 12:00:07 GMT' })).toBe(7_000);
  });

  it.each([
    [{ 'retry-after-ms': '1500', 'retry-after': '1' }, 1_500],
    [{ 'retry-after-ms': '1500', 'retry-after': '2' }, 2_000],
    [{ 'retry-after-ms': '1500', 'retry-after': 'Mon, 23 Nov 2026 12:00:09 GMT' }, 9_000],
    [{ 'retry-after-ms': 'soon', 'retry-after': '2' }, 2_000],
    [{ 'retry-after-ms': '1500', 'retry-after': 'soon' }, 1_500],
    [{ 'retry-after-ms': 'soon', 'retry-after': 'later' }, undefined],
  ])('takes the longer of both headers: %j', (headers, wait) => {
    expect(waitOf(headers)).toBe(wait);
  });

  it.each([[''], [' '], ['soon'], ['7s'], ['7,5'], ['1e3'], ['0x10'], ['+7'], ['NaN'], ['Infinity'], ['7 8'], ['--7']])(
    'is undefined for garbage: %j',
    (text) => {
      expect(waitOf({ 'retry-after': text })).toBeUndefined();
      expect(waitOf({ 'retry-after-ms': text })).toBeUndefined();
    },
  );

  it('tolerates space around a value, for readers of headers that do not trim', () => {
    expect(parseRetryAfter({ get: (name) => (name === 'retry-after' ? ' 7 ' : null) }, now)).toBe(7_000);
  });

  it('is whole, finite and never earlier than the seconds that were sent', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0 }), fc.stringMatching(/^[0-9]{1,9}$/), (seconds, fraction) => {
        const wait = waitOf({ 'retry-after': `${seconds}.${fraction}` });
        expect(wait).toSatisfy(Number.isSafeInteger);
        expect(wait).toBeGreaterThanOrEqual(seconds * 1_000 + Math.floor(Number(`0.${fraction}`) * 1_000));
        expect(wait).toBeLessThanOrEqual(seconds * 1_000 + 1_000);
      }),
    );
  });

  it('is a finite number of at least 0, or undefined, whatever the headers', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^-?[0-9]{1,400}(\.[0-9]{1,400})?$/));
    fc.assert(
      fc.property(text, text, text, (retryAfter, retryAfterMs, date) => {
        const headers = new Map([['retry-after', retryAfter], ['retry-after-ms', retryAfterMs], ['date', date]]);
        const wait = parseRetryAfter({ get: (name) => headers.get(name) ?? null }, now);
        expect(wait === undefined || (Number.isFinite(wait) && wait >= 0)).toBe(true);
      }),
    );
  });

  it('reads a long value of digits and garbage in linear time', () => {
    const start = performance.now();
    expect(waitOf({ 'retry-after': `${'9'.repeat(1_000_000)}x` })).toBeUndefined();
    // In quadratic time it would take an hour.
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});
