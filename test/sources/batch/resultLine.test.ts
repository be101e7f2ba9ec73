import { describe, expect, test } from 'vitest';
import { readResult, readResultLine } from '../../../src/sources/batch/resultLine.js';

const body = { id: 'cmpl-1', choices: [] };
const line = (fields: object): string => JSON.stringify({ id: 'batch-1', custom_id: 'a', ...fields });

describe('a line with a body', () => {
  test.each<[string, object]>([
    ['and a status', { response: { status_code: 200, body }, error: null }],
    ['and no status', { response: { body } }],
    ['and a status that is no number', { response: { status_code: '200', body } }],
  ])('%s is an answer', (_what, fields) => {
    expect(readResultLine(line(fields))).toEqual({ status: 'fulfilled', customId: 'a', body });
  });

  test.each<[string, unknown]>([
    ['null', null],
    ['missing', undefined],
    ['a number', 7],
  ])('whose id is %s is an answer to nobody', (_what, custom_id) => {
    expect(readResultLine(line({ custom_id, response: { status_code: 200, body } }))).toEqual({ status: 'fulfilled', customId: undefined, body });
  });
});

describe('a line of a failure is the error of a live call', () => {
  test.each<[string, object, object]>([
    ['a 400', { response: { status_code: 400, body: { object: 'error', message: 'no', code: '7' } } }, { kind: 'http', status: 400, message: 'no', code: '7', retryable: false }],
    ['a 422', { response: { status_code: 422, body: { detail: [{ loc: ['body', 'messages'], msg: 'required', input: 'SECRET' }] } } }, { kind: 'http', message: 'body.messages: required' }],
    ['a 429', { response: { status_code: 429, body: { message: 'slow down' } } }, { kind: 'rate-limit', retryable: true }],
    ['a 500 with text', { response: { status_code: 500, body: 'oops' } }, { kind: 'http', message: 'The server answered with status 500', retryable: true }],
    ['a 503 with nothing', { response: { status_code: 503 } }, { kind: 'http', status: 503, retryable: true }],
    ['a bare string', { response: null, error: 'out of memory' }, { kind: 'stream', message: 'out of memory', retryable: true }],
    ['an object', { response: null, error: { message: 'no', code: 'x' } }, { kind: 'stream', message: 'no', code: 'x', retryable: true }],
    ['an empty object', { error: {} }, { kind: 'stream', message: 'The server reported an error without a message' }],
    ['a number', { error: 5 }, { kind: 'stream', message: 'The server reported an error without a message' }],
    ['an error besides a body', { response: { status_code: 200, body }, error: 'cut off' }, { kind: 'stream', message: 'cut off' }],
    ['neither', { response: null, error: null }, { kind: 'protocol', retryable: false, message: 'A line of the results has neither a body nor an error' }],
    ['a body that is null', { response: { status_code: 200, body: null } }, { kind: 'protocol' }],
  ])('%s', (_what, fields, error) => {
    const result = readResultLine(line(fields));
    expect(result).toMatchObject({ status: 'rejected', customId: 'a', error });
    expect(JSON.stringify(result)).not.toContain('SECRET');
  });
});

test.each(['{"custom_id":"a","resp', 'upstream went away', '', '\u0000', '[1]', '"a"', 'null', '7'])('a line of %j is a result too, of no request', (text) => {
  expect(readResultLine(text)).toMatchObject({ status: 'rejected', customId: undefined, error: { kind: 'protocol' } });
});

test('an entry of inline outputs is read as a line is', () => {
  expect(readResult({ custom_id: 'a', response: { status_code: 200, body } })).toEqual({ status: 'fulfilled', customId: 'a', body });
  expect(readResult(undefined)).toMatchObject({ status: 'rejected', error: { kind: 'protocol' } });
});
