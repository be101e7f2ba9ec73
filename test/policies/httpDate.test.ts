import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHttpDate } from '../../src/policies/httpDate.js';

const now = Date.UTC(2026, 10, 23);
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** A time in the second and the third form; the first is `toUTCString`. */
function write(time: number): { rfc850: string; asctime: string } {
  const date = new Date(time);
  const clock = date.toISOString().slice(11, 19);
  const day = days[date.getUTCDay()] ?? '';
  const month = months[date.getUTCMonth()] ?? '';
  const year = date.getUTCFullYear();
  return {
    rfc850: `${day}, ${twoDigits(date.getUTCDate())}-${month}-${twoDigits(year % 100)} ${clock} GMT`,
    asctime: `${day.slice(0, 3)} ${month} ${String(date.getUTCDate()).padStart(2, ' ')} ${clock} ${year}`,
  };
}

describe('parseHttpDate', () => {
  it.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT'],
    ['Sunday, 06-Nov-94 08:49:37 GMT'],
    ['Sun Nov  6 08:49:37 1994'],
  ])('reads the example of RFC 9110: %s', (text) => {
    expect(parseHttpDate(text, now)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
  });

  it('reads what any of the three forms writes', () => {
    const seconds = (from: number, to: number): fc.Arbitrary<number> =>
      fc.integer({ min: from / 1_000, max: to / 1_000 });
    fc.assert(
      fc.property(seconds(Date.UTC(1000, 0, 1), Date.UTC(9999, 11, 31)), (second) => {
        const time = second * 1_000;
        expect(parseHttpDate(new Date(time).toUTCString(), now)).toBe(time);
        expect(parseHttpDate(write(time).asctime, now)).toBe(time);
      }),
    );
    fc.assert(
      fc.property(seconds(Date.UTC(1977, 0, 1), Date.UTC(2076, 10, 23)), (second) => {
        expect(parseHttpDate(write(second * 1_000).rfc850, now)).toBe(second * 1_000);
      }),
    );
  });

  it.each([
    ['exactly 50 years ahead', 'Monday, 23-Nov-76 00:00:00 GMT', Date.UTC(2076, 10, 23)],
    ['a second more is 50 years ago', 'Tuesday, 23-Nov-76 00:00:01 GMT', Date.UTC(1976, 10, 23, 0, 0, 1)],
    ['next year', 'Wednesday, 01-Dec-27 00:00:00 GMT', Date.UTC(2027, 11, 1)],
    ['turn of the century', 'Saturday, 01-Jan-00 00:00:00 GMT', Date.UTC(2000, 0, 1)],
    ['last century', 'Friday, 01-Jan-99 00:00:00 GMT', Date.UTC(1999, 0, 1)],
  ])('puts a year of two digits at most 50 years ahead: %s', (_name, text, time) => {
    expect(parseHttpDate(text, now)).toBe(time);
  });

  it('looks ahead over the turn of a century', () => {
    expect(parseHttpDate('Friday, 01-Jan-05 00:00:00 GMT', Date.UTC(2099, 5, 1))).toBe(Date.UTC(2105, 0, 1));
  });

  it('takes a leap second, and a leap day only in a leap year', () => {
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT', now)).toBe(Date.UTC(2017, 0, 1));
    expect(parseHttpDate('Tue, 29 Feb 2028 00:00:00 GMT', now)).toBe(Date.UTC(2028, 1, 29));
    expect(parseHttpDate('Mon, 29 Feb 2027 00:00:00 GMT', now)).toBeUndefined();
  });

  it.each([
    [''],
    ['tomorrow'],
    ['120'],
    ['2026-11-23T00:00:00Z'],
    ['Mon, 23 Nov 2026 00:00:00'],
    ['Mon, 23 Nov 2026 00:00:00 CET'],
    ['Mon, 23 Nov 2026 24:00:00 GMT'],
    ['Mon, 23 Nov 2026 00:60:00 GMT'],
    ['Mon, 23 Nov 2026 00:00:61 GMT'],
    ['Mon, 31 Nov 2026 00:00:00 GMT'],
    ['Mon, 00 Nov 2026 00:00:00 GMT'],
    ['Mon, 23 Foo 2026 00:00:00 GMT'],
    ['Monday, 31-Nov-26 00:00:00 GMT'],
    ['Mon Nov 31 00:00:00 2026'],
  ])('is undefined for %j', (text) => {
    expect(parseHttpDate(text, now)).toBeUndefined();
  });

  it('never throws and never is NaN, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseHttpDate(text, now)).not.toBeNaN();
      }),
    );
  });
});
