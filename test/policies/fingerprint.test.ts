import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../src/policies/fingerprint.js';

describe('fingerprint', () => {
  // The text of an agent's metadata is compared with that of an earlier version of the library.
  it.each([
    [{}, '08f44b07b5901a25'],
    [{ name: 'a', tools: [1, null] }, 'ba0df7e0739b9e84'],
  ])('of %j stays what it is', (data, expected) => {
    expect(fingerprint(data)).toBe(expected);
  });

  it('is the same in another order of fields, and where a field is undefined', () => {
    expect(fingerprint({ a: 1, b: { c: [{ d: 2, e: 3 }], f: undefined } })).toBe(fingerprint({ b: { c: [{ e: 3, d: 2 }] }, a: 1 }));
  });

  it.each([
    ['order of a list', [1, 2], [2, 1]],
    ['null', { a: null }, {}],
    ['text and number', { a: 1 }, { a: '1' }],
    ['a name that is a prototype’s', JSON.parse('{"__proto__":1}'), {}],
    ['lists and objects', ['a'], { 0: 'a' }],
  ])('tells apart: %s', (_, left: unknown, right: unknown) => {
    expect(fingerprint(left)).not.toBe(fingerprint(right));
  });

  it('is that of the JSON, whatever the data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
        const isSame = fingerprint(left) === fingerprint(right);
        // Fields in another order are the same data; fast-check's own equality does not mind the order either.
        expect(isSame).toBe(equal(left, right));
        expect(fingerprint(left)).toBe(fingerprint(JSON.parse(JSON.stringify(left))));
      }),
    );
  });
});

function equal(left: unknown, right: unknown): boolean {
  try {
    expect(JSON.parse(JSON.stringify(left))).toStrictEqual(JSON.parse(JSON.stringify(right)));
    return true;
  } catch {
    return false;
  }
}
