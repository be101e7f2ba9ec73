import { describe, expect, it } from 'vitest';
import {
  expectDuration,
  expectFunction,
  expectInteger,
  expectNumber,
  expectObject,
  expectOneOf,
  expectText,
  fail,
} from '../../src/errors/expect.js';

const messageOf = (check: () => void): string | undefined => {
  try {
    check();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message;
  }
};

describe('the checks of options', () => {
  it.each<[string, () => void]>([
    ['an integer', () => { expectInteger('x', undefined, 0); }],
    ['a number', () => { expectNumber('x', undefined, 0); }],
    ['a duration', () => { expectDuration('x', undefined); }],
    ['a choice', () => { expectOneOf('x', undefined, ['a']); }],
    ['a function', () => { expectFunction('x', undefined); }],
    ['a text', () => { expectText('x', undefined); }],
    ['an object', () => { expectObject('x', undefined); }],
  ])('let an absent option pass: %s', (_, check) => {
    expect(messageOf(check)).toBeUndefined();
  });

  it.each<[unknown, string | undefined]>([
    [1, undefined],
    [2 ** 53 - 1, undefined],
    [Infinity, 'Expected `x` to be an integer >= 1, got Infinity'],
    [0, 'Expected `x` to be an integer >= 1, got 0'],
    [-1, 'Expected `x` to be an integer >= 1, got -1'],
    [1.5, 'Expected `x` to be an integer >= 1, got 1.5'],
    [Number.NaN, 'Expected `x` to be an integer >= 1, got NaN'],
    ['1', 'Expected `x` to be an integer >= 1, got "1"'],
    [null, 'Expected `x` to be an integer >= 1, got null'],
    [2 ** 53, 'Expected `x` to be an integer >= 1, got 9007199254740992'],
    [1n, 'Expected `x` to be an integer >= 1, got a bigint'],
  ])('an integer: %s', (value, expected) => {
    expect(messageOf(() => { expectInteger('x', value, 1); })).toBe(expected);
  });

  it('an integer, or Infinity where that is allowed', () => {
    expect(messageOf(() => { expectInteger('x', Infinity, 0, true); })).toBeUndefined();
    expect(messageOf(() => { expectInteger('x', -Infinity, 0, true); })).toBe('Expected `x` to be an integer >= 0 or Infinity, got -Infinity');
  });

  it.each<[unknown, string | undefined]>([
    [0, undefined],
    [0.5, undefined],
    [-0.1, 'Expected `x` to be a number >= 0, got -0.1'],
    [Infinity, 'Expected `x` to be a number >= 0, got Infinity'],
    [Number.NaN, 'Expected `x` to be a number >= 0, got NaN'],
    [true, 'Expected `x` to be a number >= 0, got true'],
  ])('a number: %s', (value, expected) => {
    expect(messageOf(() => { expectNumber('x', value, 0); })).toBe(expected);
  });

  it('a number between two bounds', () => {
    expect(messageOf(() => { expectNumber('x', 2, 0, 1); })).toBe('Expected `x` to be a number from 0 to 1, got 2');
    expect(messageOf(() => { expectNumber('x', 1, 0, 1); })).toBeUndefined();
  });

  it.each<[unknown, string | undefined]>([
    [0, undefined],
    [2_147_483_647, undefined],
    [2_147_483_648, 'Expected `x` to be milliseconds from 0 to 2147483647, got 2147483648'],
    [-1, 'Expected `x` to be milliseconds from 0 to 2147483647, got -1'],
    [Number.NaN, 'Expected `x` to be milliseconds from 0 to 2147483647, got NaN'],
    ['5s', 'Expected `x` to be milliseconds from 0 to 2147483647, got "5s"'],
  ])('a duration: %s', (value, expected) => {
    expect(messageOf(() => { expectDuration('x', value); })).toBe(expected);
  });

  it.each<[unknown, string | undefined]>([
    ['a', undefined],
    ['c', "Expected `x` to be 'a' or 'b', got \"c\""],
    ['', "Expected `x` to be 'a' or 'b', got \"\""],
    [0, "Expected `x` to be 'a' or 'b', got 0"],
    [['a'], "Expected `x` to be 'a' or 'b', got an array"],
  ])('a choice: %j', (value, expected) => {
    expect(messageOf(() => { expectOneOf('x', value, ['a', 'b']); })).toBe(expected);
  });

  it.each<[unknown, string | undefined]>([
    [() => undefined, undefined],
    [Map, undefined],
    [{}, 'Expected `x` to be a function, got an object'],
    [null, 'Expected `x` to be a function, got null'],
  ])('a function: %s', (value, expected) => {
    expect(messageOf(() => { expectFunction('x', value); })).toBe(expected);
  });

  it.each<[unknown, string | undefined]>([
    ['a', undefined],
    ['', 'Expected `x` to be a string that is not empty, got ""'],
    [7, 'Expected `x` to be a string that is not empty, got 7'],
  ])('a text: %j', (value, expected) => {
    expect(messageOf(() => { expectText('x', value); })).toBe(expected);
  });

  it.each<[unknown, string | undefined]>([
    [{}, undefined],
    [new Map(), undefined],
    [[], 'Expected `x` to be an object, got an empty array'],
    [null, 'Expected `x` to be an object, got null'],
    ['a', 'Expected `x` to be an object, got "a"'],
    [() => undefined, 'Expected `x` to be an object, got a function'],
  ])('an object: %j', (value, expected) => {
    expect(messageOf(() => { expectObject('x', value); })).toBe(expected);
  });
});

describe('fail', () => {
  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [-0, '-0'],
    [[], 'an empty array'],
    [[1], 'an array'],
    [{ secret: 1 }, 'an object'],
    [Symbol('secret'), 'a symbol'],
    [() => 'secret', 'a function'],
    ['x'.repeat(24), `"${'x'.repeat(24)}"`],
  ])('names what it got: %#', (value, expected) => {
    expect(messageOf(() => fail('a.b', 'something', value))).toBe(`Expected \`a.b\` to be something, got ${expected}`);
  });

  it('shows no long string, which may be a prompt or a key', () => {
    expect(messageOf(() => fail('x', 'y', 'k'.repeat(32)))).toBe('Expected `x` to be y, got a string');
  });
});
