import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Redaction } from '../../src/transport/redaction.js';

const key = 'sk-SECRET/1234567890+abc=';

function redactionOf(headers: Record<string, string> = { authorization: `Bearer ${key}` }): Redaction {
  const redaction = new Redaction();
  redaction.learn(new Headers(headers));
  return redaction;
}

describe('Redaction', () => {
  it.each([
    ['authorization', { authorization: `Bearer ${key}` }],
    ['authorization without a scheme', { authorization: key }],
    ['proxy-authorization', { 'proxy-authorization': `Basic ${key}` }],
    ['x-api-key', { 'x-api-key': key }],
    ['api-key', { 'api-key': key }],
    ['cookie', { cookie: key }],
  ])('takes the secret of the header %s out of a text, wherever it stands', (_, headers) => {
    const clean = redactionOf(headers).text(`a ${key} b"${key}"c${key}${key}`);
    expect(clean).not.toContain('SECRET');
    expect(clean).toContain('[redacted]');
  });

  it('takes the values of single cookies out', () => {
    expect(redactionOf({ cookie: `theme=dark; session=${key}` }).text(`bad session ${key}`)).not.toContain('SECRET');
  });

  it('takes a secret out where it is escaped as in JSON', () => {
    const odd = 'sk-"SECRET"\\1234567890';
    const redaction = redactionOf({ authorization: `Bearer ${odd}` });
    expect(redaction.text(JSON.stringify({ message: `your key ${odd}` }))).not.toContain('SECRET');
  });

  it('takes bearer tokens out that it has not learned', () => {
    expect(new Redaction().text('Authorization: Bearer abcdefghij, basic QWxhZGRpbg==')).toBe(
      'Authorization: Bearer [redacted], basic [redacted]',
    );
  });

  it('leaves a text without secrets as it is', () => {
    const text = 'The bearer of bad news: any key will do';
    expect(redactionOf({ authorization: 'Bearer any' }).text(text)).toBe(text);
  });

  it('sees all requests of a call: each redirect, each hook', () => {
    const redaction = redactionOf({ authorization: 'Bearer first-secret' });
    redaction.learn(new Headers({ authorization: 'Bearer second-secret' }));
    expect(redaction.text('first-secret second-secret')).toBe('[redacted] [redacted]');
  });

  it('cleans a cause in all its fields, at any depth', () => {
    const inner = Object.assign(new Error(`inner ${key}`), { code: `code ${key}` });
    inner.name = `Name ${key}`;
    const outer = new TypeError(`outer ${key}`, { cause: inner });
    const cause = redactionOf().cause(Object.assign(outer, { request: { headers: { authorization: key } } }));
    expect(inspect(cause, { depth: Infinity, showHidden: true })).not.toContain('SECRET');
    expect(cause).toMatchObject({ name: 'TypeError', message: 'outer [redacted]', cause: { message: 'inner [redacted]' } });
  });

  it('cleans a cause whose message is cut in the middle of a secret', () => {
    for (let at = 470; at <= 505; at++) {
      const cause = redactionOf().cause(new Error(`${'x'.repeat(at)}${key}`));
      expect([at, cause.message.includes('sk-SEC')]).toEqual([at, false]);
      expect([at, cause.stack?.includes('sk-SEC')]).toEqual([at, false]);
    }
  });
});

describe("the redaction's logger", () => {
  function logged(write: (logger: ReturnType<Redaction['logger']>) => void): string {
    const lines: unknown[] = [];
    const logger = redactionOf().logger({
      group: (label) => lines.push(['group', label]),
      groupEnd: () => lines.push('end'),
      log: (...values: unknown[]) => lines.push(values),
    });
    write(logger);
    return inspect(lines, { depth: Infinity });
  }

  it('passes on what holds no secret', () => {
    const out = logged((logger) => {
      logger.group('Headers:');
      logger.log('content-type: text/plain', 200, { a: 1 }, undefined, null);
      logger.groupEnd();
    });
    for (const part of ["'group', 'Headers:'", "'end'", 'content-type: text/plain', '200', 'a: 1']) expect(out).toContain(part);
  });

  it.each<[string, unknown]>([
    ['a header line', `authorization: Bearer ${key}`],
    ['a header line of another secret', 'x-api-key: other-SECRET'],
    ['a header line in capitals', 'Set-Cookie: other-SECRET'],
    ['an object', { deep: { list: [`x ${key}`] } }],
    ['an error', new Error(key)],
    ['headers', new Headers({ authorization: `Bearer ${key}` })],
    ['a map', new Map([[key, key]])],
    ['what cannot be written as JSON', { big: 1n, key }],
    ['what holds itself', (() => { const self: Record<string, unknown> = { key }; self['self'] = self; return self; })()],
  ])('takes the secret out of %s', (_, value) => {
    const out = logged((logger) => {
      logger.log(value);
      logger.log('label', value);
      logger.group(`> Request with ${key}`);
    });
    expect(out).not.toContain('SECRET');
  });
});
