import { describe, expect, it } from 'vitest';
import { RxMistralError, TruncatedStreamError } from '../../src/errors/RxMistralError.js';
import { hasZeroAllowance, isRefusedRequest, isRetryableError, isRetryableStatus } from '../../src/policies/retryable.js';

const none = new Headers();

describe('isRetryableStatus', () => {
  it.each([408, 429, 500, 501, 502, 503, 504, 520, 529, 599])('retries %d', (status) => {
    expect(isRetryableStatus(status, none)).toBe(true);
  });

  it.each([0, 200, 204, 301, 400, 401, 403, 404, 409, 413, 422, 425, 428, 499, 600])('does not retry %d', (status) => {
    expect(isRetryableStatus(status, none)).toBe(false);
  });

  it.each([
    [{ 'x-ratelimit-limit-req-minute': '0' }, false],
    [{ 'x-ratelimit-limit-tokens-minute': '0' }, false],
    [{ 'x-ratelimit-limit-req-minute': '60', 'x-ratelimit-limit-tokens-minute': '0' }, false],
    [{ 'x-ratelimit-limit-req-minute': '60', 'x-ratelimit-limit-tokens-minute': '500000' }, true],
    [{ 'x-ratelimit-limit-req-minute': '10' }, true],
    [{ 'x-ratelimit-remaining-req-minute': '0', 'x-ratelimit-remaining-tokens-minute': '0' }, true],
    [{ 'x-ratelimit-limit-req-minute': '' }, true],
    [{ 'x-ratelimit-limit-req-minute': 'none' }, true],
  ])('of a 429 with %j is %s', (headers, retryable) => {
    expect(isRetryableStatus(429, new Headers(headers as Record<string, string>))).toBe(retryable);
  });

  it('looks at the allowance for a 429 alone', () => {
    const headers = new Headers({ 'x-ratelimit-limit-req-minute': '0' });
    expect(isRetryableStatus(503, headers)).toBe(true);
    expect(hasZeroAllowance(headers)).toBe(true);
  });
});

describe('isRetryableError', () => {
  it.each([
    ['a retryable error', new RxMistralError({ kind: 'http', message: '', retryable: true }), true],
    ['a final error', new RxMistralError({ kind: 'http', message: '', retryable: false }), false],
    ['an error that does not say', new RxMistralError({ kind: 'connection', message: '' }), false],
    ['a subclass', new TruncatedStreamError({ message: '' }), true],
    ['a foreign error', Object.assign(new Error(), { retryable: true }), false],
    ['a string', 'retryable', false],
    ['null', null, false],
    ['undefined', undefined, false],
  ])('%s', (_name, error, retryable) => {
    expect(isRetryableError(error)).toBe(retryable);
  });
});

describe('isRefusedRequest', () => {
  it.each([
    ['a 400', new RxMistralError({ kind: 'http', message: '', status: 400 }), true],
    ['a 422', new RxMistralError({ kind: 'http', message: '', status: 422 }), true],
    ['a 429 with a zero allowance', new RxMistralError({ kind: 'rate-limit', message: '', status: 429 }), true],
    ['a 429', new RxMistralError({ kind: 'rate-limit', message: '', status: 429, retryable: true }), false],
    ['a 503', new RxMistralError({ kind: 'http', message: '', status: 503, retryable: true }), false],
    ['a 503 that is final', new RxMistralError({ kind: 'http', message: '', status: 503 }), false],
    ['a redirect', new RxMistralError({ kind: 'protocol', message: '', status: 302 }), false],
    ['no answer', new RxMistralError({ kind: 'connection', message: '' }), false],
    ['a request that was never sent', new RxMistralError({ kind: 'validation', message: '' }), false],
    ['a foreign error', Object.assign(new Error(), { status: 400 }), false],
    ['undefined', undefined, false],
  ])('%s', (_name, error, expected) => {
    expect(isRefusedRequest(error)).toBe(expected);
  });
});
