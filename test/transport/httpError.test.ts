import { describe, expect, it } from 'vitest';
import { httpError } from '../../src/transport/httpError.js';

const now = Date.UTC(2026, 10, 23, 12, 0, 0);

function errorOf(status: number, body: unknown = '', headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return httpError({ status, headers: new Headers(headers), body: text, now });
}
const bareMessage = (status: number): string => `The server answered with status ${status}`;

describe('httpError', () => {
  it.each([
    [
      'the API proper',
      { object: 'error', message: 'Rate limit exceeded', type: 'rate_limited', param: null, code: '1300' },
      { message: 'Rate limit exceeded', code: '1300' },
    ],
    ['a code that is a number', { object: 'error', message: 'm', type: 't', code: 3230 }, { message: 'm', code: '3230' }],
    ['a type where there is no code', { object: 'error', message: 'm', type: 'invalid_request_error', code: null }, { message: 'm', code: 'invalid_request_error' }],
    [
      'a validation error',
      { detail: [{ loc: ['body', 'messages', 0, 'role'], msg: 'Field required', type: 'missing', input: 'secret' }] },
      { message: 'body.messages.0.role: Field required' },
    ],
    [
      'a validation error inside a message',
      { object: 'error', message: { detail: [{ loc: [], msg: 'a' }, { msg: 'b' }] }, type: 'invalid_request_error' },
      { message: 'a; b', code: 'invalid_request_error' },
    ],
    ['a detail that is a string', { detail: 'Not Found' }, { message: 'Not Found' }],
    ['details that are strings', { detail: ['a', 'b'] }, { message: 'a; b' }],
    ['the gateway', { message: 'Unauthorized', request_id: 'r1' }, { message: 'Unauthorized', requestId: 'r1' }],
    ['a wrapped error', { error: { message: 'm', type: 't', code: 'c' } }, { message: 'm', code: 'c' }],
    ['a bare error', { error: 'm' }, { message: 'm' }],
  ])('reads %s', (_, body, expected) => {
    expect(errorOf(400, body)).toMatchObject({ kind: 'http', status: 400, ...expected });
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['HTML', '<!DOCTYPE html><html></html>'],
    ['cut JSON', '{"message":"m'],
    ['null', 'null'],
    ['a number', '7'],
    ['a list', [{ message: 'm' }]],
    ['an empty object', {}],
    ['null in every field', { object: 'error', message: null, type: null, param: null, code: null, detail: null, error: null, request_id: null }],
    ['an empty message', { message: '' }],
    ['objects in every field', { message: {}, type: {}, code: {}, detail: {}, error: {}, request_id: {} }],
    ['lists in every field', { message: [], code: [], detail: [], error: [], request_id: [] }],
    ['numbers in text fields', { message: 1, detail: 2, error: 3, request_id: 4 }],
    ['details that say nothing', { detail: [null, 1, {}, { msg: null }, { msg: 1, loc: 'x' }] }],
    ['details without loc', { detail: [{ loc: null, msg: null }] }],
  ])('has the status alone where the body is %s', (_, body) => {
    const error = errorOf(400, body);
    expect(error.message).toBe(bareMessage(400));
    expect([error.code, error.requestId, error.retryAfterMs, error.retryable]).toEqual([undefined, undefined, undefined, false]);
  });

  it('bounds what it takes over', () => {
    const long = 'x'.repeat(100_000);
    for (const body of [{ message: long }, { detail: [{ msg: long }] }, { error: long }]) {
      expect(errorOf(400, body).message.length).toBeLessThanOrEqual(1_000);
    }
    const { code, requestId } = errorOf(400, { code: long, request_id: long });
    expect([code?.length, requestId?.length]).toEqual([100, 100]);
    expect(errorOf(400, '', { 'mistral-correlation-id': 'x'.repeat(8_000) }).requestId!.length).toBeLessThanOrEqual(1_000);
  });

  it('drops what the server repeats of the request', () => {
    const input = { prompt: 'secret-prompt' };
    const detail = [{ loc: ['body'], msg: 'm', type: 't', input, ctx: input, url: 'secret-prompt' }];
    for (const body of [{ detail }, { object: 'error', message: { detail } }, { message: 'm', input, param: 'secret-prompt', body: input }]) {
      expect(JSON.stringify(errorOf(422, body))).not.toContain('secret-prompt');
    }
  });

  it('takes the request id from the headers where the body has none', () => {
    expect(errorOf(500, '', { 'mistral-correlation-id': 'a', 'x-request-id': 'b' }).requestId).toBe('a');
    expect(errorOf(500, '', { 'x-request-id': 'b' }).requestId).toBe('b');
    expect(errorOf(500, { request_id: 'c' }, { 'x-request-id': 'b' }).requestId).toBe('c');
  });

  it.each([
    [400, 'http', false],
    [401, 'http', false],
    [403, 'http', false],
    [404, 'http', false],
    [408, 'http', true],
    [409, 'http', false],
    [413, 'http', false],
    [422, 'http', false],
    [429, 'rate-limit', true],
    [500, 'http', true],
    [502, 'http', true],
    [503, 'http', true],
    [504, 'http', true],
    [529, 'http', true],
  ])('%i is of kind %s and retryable: %s', (status, kind, retryable) => {
    expect(errorOf(status)).toMatchObject({ kind, retryable, status });
  });

  it.each([
    [{ 'x-ratelimit-limit-req-minute': '0' }],
    [{ 'x-ratelimit-limit-tokens-minute': '0' }],
    [{ 'x-ratelimit-limit-req-minute': '0', 'retry-after': '1' }],
  ])('429 with no allowance at all is final: %j', (headers) => {
    expect(errorOf(429, '', headers)).toMatchObject({ kind: 'rate-limit', retryable: false });
  });

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 12:00:09 GMT' }, 9_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 12:00:09 GMT', date: 'Mon, 23 Nov 2026 12:00:04 GMT' }, 5_000],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after': 'soon' }, undefined],
  ])('reads how long to wait from %j', (headers, retryAfterMs) => {
    for (const status of [429, 503, 400]) expect(errorOf(status, '', headers).retryAfterMs).toBe(retryAfterMs);
  });
});
