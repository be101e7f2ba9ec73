import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bounded, describeCause } from '../../src/errors/describeCause.js';

describe('describeCause', () => {
  it('copies name, message, code and stack, and nothing else', () => {
    const error = Object.assign(new RangeError('m'), { code: 'E_X', request: 'secret', headers: { key: 'secret' }, status: 500 });
    expect(describeCause(error)).toEqual({ name: 'RangeError', message: 'm', code: 'E_X', stack: error.stack });
    expect(inspect(describeCause(error), { showHidden: true, depth: Infinity })).not.toContain('secret');
  });

  it.each<[unknown, object]>([
    ['a string', { name: 'Error', message: 'a string' }],
    [undefined, { name: 'Error', message: 'thrown: undefined' }],
    [null, { name: 'Error', message: 'thrown: object' }],
    [7, { name: 'Error', message: 'thrown: number' }],
    [Symbol('s'), { name: 'Error', message: 'thrown: symbol' }],
    [1n, { name: 'Error', message: 'thrown: bigint' }],
    [() => 'secret', { name: 'Error', message: 'thrown: function' }],
    [{}, { name: 'Error', message: '' }],
    [{ name: 1, message: 2, code: {}, stack: 3, cause: null }, { name: 'Error', message: '' }],
    [{ code: 7 }, { name: 'Error', message: '', code: '7' }],
    [Object.create(null), { name: 'Error', message: '' }],
  ])('describes what was thrown: %#', (thrown, expected) => {
    expect(describeCause(thrown)).toEqual(expected);
  });

  it('goes four errors deep, also where they go in a circle', () => {
    const error = new Error('m') as Error & { cause: unknown };
    error.cause = error;
    let depth = 0;
    for (let cause = describeCause(error) as { cause?: unknown } | undefined; cause !== undefined; cause = cause.cause as typeof cause) depth++;
    expect(depth).toBe(4);
  });

  it('bounds what it copies', () => {
    const long = 'x'.repeat(100_000);
    const error = Object.assign(new Error(long), { code: long, name: long, stack: long });
    const { name, message, code, stack } = describeCause(error);
    expect([name.length, message.length, code?.length, stack?.length]).toEqual([100, 500, 100, 4_000]);
    expect(describeCause(long).message).toHaveLength(500);
  });

  it('describes an error whose fields throw', () => {
    const hostile = Object.defineProperty(new Error('m'), 'stack', {
      get: () => {
        throw new Error('hostile');
      },
    });
    expect(describeCause(hostile)).toMatchObject({ name: 'Error' });
  });

  it('describes its own description as it is', () => {
    const description = describeCause(new TypeError('a', { cause: new Error('b') }));
    expect(describeCause(description)).toEqual(description);
  });
});

describe('bounded', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['', 1, ''],
    ['ab', 1, '…'],
  ])('cuts %j at %i characters', (text, length, expected) => {
    expect(bounded(text, length)).toBe(expected);
  });

  it('cuts no character in two', () => {
    // A lone half becomes U+FFFD in UTF-8.
    expect(Buffer.from(bounded('a🚀bc', 3)).toString()).not.toContain('\uFFFD');
  });
});
