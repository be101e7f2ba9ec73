import { parseHttpDate } from './httpDate.js';

/**
 * How long a response asks to wait, in milliseconds: whole, finite, never negative, and never cut, however long.
 * `undefined` where it does not ask, or not in words that make sense.
 *
 * It is asked in `retry-after-ms`, or in `Retry-After` (RFC 9110, section 10.2.3) as seconds or as an HTTP date. Where
 * both headers are there the longer wait counts, so that nobody comes back earlier than the server said.
 *
 * @param now Milliseconds since 1970. A date counts from it only where the response has no `Date` of its own: the
 * server's clock is then compared with itself, and a wrong clock on this machine shortens no wait.
 */
export function parseRetryAfter(headers: Pick<Headers, 'get'>, now: number): number | undefined {
  const retryAfter = headers.get('retry-after');
  const waits = [
    parseDecimal(headers.get('retry-after-ms'), 0),
    parseDecimal(retryAfter, 3) ?? parseDate(retryAfter, headers.get('date'), now),
  ].filter((wait) => wait !== undefined);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

// A plain decimal number times 10^exponent. The exponent is written behind the digits, because a multiplication would
// make 1100.0000000000002 of 1.1 seconds. Fractions of a millisecond are rounded up; what overflows stays the largest
// number, for Infinity would not survive JSON.
function parseDecimal(text: string | null, exponent: number): number | undefined {
  const digits = text?.trim() ?? '';
  if (!/^-?\d+(?:\.\d+)?$/.test(digits)) return undefined;
  const value = Math.ceil(Number(`${digits}e${exponent}`));
  return Math.min(Math.max(0, value), Number.MAX_VALUE);
}

function parseDate(text: string | null, responseDate: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  const from = parseHttpDate(responseDate?.trim() ?? '', now) ?? now;
  const until = parseHttpDate(text.trim(), from);
  return until === undefined ? undefined : Math.max(0, until - from);
}
