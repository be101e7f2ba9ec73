import { describe, expect, test } from 'vitest';
import { showValue } from '../../src/testing/showValue.js';

const circular: Record<string, unknown> = { a: 1 };
circular['self'] = circular;

describe('a value is shown as a person reads it', () => {
  const rows: readonly (readonly [unknown, string])[] = [
    ['a "b"', '"a \\"b\\""'],
    [-0, '-0'],
    [10n, '10n'],
    [undefined, 'undefined'],
    [Symbol('s'), 'Symbol(s)'],
    [(): undefined => undefined, '[function anonymous]'],
    [[1, { a: null }], '[1, { a: null }]'],
    [{ 'a-b': 1, c: [] }, '{ "a-b": 1, c: [] }'],
    [new Date(0), 'Date(1970-01-01T00:00:00.000Z)'],
    [new Date(NaN), 'Date(invalid)'],
    [new Map([['a', { b: 1 }]]), 'Map { "a" => { b: 1 } }'],
    [new Set(['a']), 'Set { "a" }'],
    [/a/u, '/a/u'],
    [Object.create(null), '{}'],
    [new TypeError('x'), 'TypeError: x'],
    [Object.assign(new Error('x'), { code: 1 }), 'Error: x { code: 1 }'],
    [circular, '{ a: 1, self: [circular] }'],
    [{ a: { b: { c: { d: { e: 1 } } } } }, '{ a: { b: { c: { d: {…} } } } }'],
    [[[[[[]]]]], '[[[[[…]]]]]'],
    [Array.from({ length: 1_000 }, () => 1), `[${'1, '.repeat(20)}…]`],
  ];
  test.each(rows)('%#', (value, expected) => {
    expect(showValue(value)).toBe(expected);
  });
});

test('a long value is cut', () => {
  expect(showValue('x'.repeat(1_000), 10)).toBe('"xxxxxxxx…');
});
