import { describe, expect, test } from 'vitest';
import { findDifference } from '../../src/testing/findDifference.js';
import { RxMistralError } from '../../src/errors/RxMistralError.js';

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}

class Hidden {
  readonly #secret: number;
  constructor(secret: number) {
    this.#secret = secret;
  }
  reveal(): number {
    return this.#secret;
  }
}

function cycle(value: number): unknown {
  const node: { value: number; self?: unknown; list: unknown[] } = { value, list: [] };
  node.self = node;
  node.list.push(node);
  return node;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = { value };
  return value;
}

function withStack(error: Error, stack: string): Error {
  error.stack = stack;
  return error;
}

const shared = (): number => 1;
const symbol = Symbol('key');

describe('equal', () => {
  const rows: readonly (readonly [string, unknown, unknown])[] = [
    ['NaN', { a: NaN }, { a: NaN }],
    ['0 and -0', 0, -0],
    ['an undefined field and none', { a: 1, b: undefined }, { a: 1 }],
    ['none and an undefined field', [{}], [{ b: undefined }]],
    ['fields in another order', { a: 1, b: 2 }, { b: 2, a: 1 }],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), { a: 1 }],
    ['an instance and plain data of the same fields', new Point(1), { x: 1 }],
    ['symbol keys', { [symbol]: 1 }, { [symbol]: 1 }],
    ['the same function', shared, shared],
    ['dates', new Date(5), new Date(5)],
    ['invalid dates', new Date(NaN), new Date(NaN)],
    ['regular expressions', /a/gu, /a/gu],
    ['Maps in another order', new Map<unknown, unknown>([['a', 1], ['b', { c: 2 }]]), new Map<unknown, unknown>([['b', { c: 2 }], ['a', 1]])],
    ['Maps with objects as keys', new Map([[{ id: 1 }, 'x']]), new Map([[{ id: 1 }, 'x']])],
    ['Sets of objects', new Set([{ a: 1 }, { a: 2 }]), new Set([{ a: 2 }, { a: 1 }])],
    ['bytes', new Uint8Array([1, 2]), new Uint8Array([1, 2])],
    ['buffers', new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]).buffer],
    ['Headers', new Headers({ A: '1' }), new Headers({ a: '1' })],
    ['URLs', new URL('https://example.com/a'), new URL('https://example.com/a')],
    ['errors with different stacks', withStack(new Error('x'), '1'), withStack(new Error('x'), '2')],
    ['causes with different stacks',
      new RxMistralError({ kind: 'http', message: 'x', cause: withStack(new Error('y', { cause: withStack(new Error('z'), '1') }), '1') }),
      new RxMistralError({ kind: 'http', message: 'x', cause: withStack(new Error('y', { cause: withStack(new Error('z'), '2') }), '2') })],
    ['cycles', cycle(1), cycle(1)],
    ['a Set that holds itself', selfHolding(), selfHolding()],
    ['a matcher that says so, at any depth', { list: [3] }, { list: [{ asymmetricMatch: (value: unknown) => value === 3 }] }],
  ];

  test.each(rows)('%s', (_name, actual, expected) => {
    expect(findDifference(actual, expected)).toBeUndefined();
  });
});

describe('different', () => {
  const rows: readonly (readonly [string, unknown, unknown, string, string, string])[] = [
    ['primitives', 1, 2, '', '2', '1'],
    ['types', '1', 1, '', '1', '"1"'],
    ['null and undefined', { a: null }, { a: undefined }, '.a', 'undefined', 'null'],
    ['a field too many', { a: 1, b: 2 }, { a: 1 }, '.b', 'undefined', '2'],
    ['a field too few', { a: 1 }, { a: 1, 'b-c': 2 }, '["b-c"]', '2', 'undefined'],
    ['an inherited field', Object.create({ a: 1 }) as unknown, { a: 1 }, '.a', '1', 'undefined'],
    ['lengths', [1], [1, 2], '.length', '2', '1'],
    ['deep in lists', { a: [{ b: [1] }] }, { a: [{ b: [2] }] }, '.a[0].b[0]', '2', '1'],
    ['a list and an object', [], {}, '', '{}', '[]'],
    ['functions', { a: shared }, { a: (): number => 1 }, '.a', '[function a]', '[function shared]'],
    ['Promises', Promise.resolve(1), Promise.resolve(1), '', 'Promise {}', 'Promise {}'],
    ['instances that hide their state', new Hidden(1), new Hidden(1), '', 'Hidden {}', 'Hidden {}'],
    ['dates', new Date(0), new Date(1), '.getTime()', '1', '0'],
    ['URLs', new URL('https://a.example/'), new URL('https://b.example/'), '', '"https://b.example/"', '"https://a.example/"'],
    ['a value of a Map', new Map([['a', 1]]), new Map([['a', 2]]), '.get("a")', '2', '1'],
    ['a key of a Map', new Map(), new Map([['a', 2]]), '.get("a")', '2', 'no entry'],
    ['a key too many', new Map([['a', 2]]), new Map(), '.get("a")', 'no entry', '2'],
    ['Sets', new Set([1]), new Set([2]), '', 'a Set with 2', 'Set { 1 }'],
    ['Sets by size', new Set([1, 2]), new Set([1]), '', 'Set { 1 }', 'Set { 1, 2 }'],
    ['names of errors', new TypeError('x'), new Error('x'), '.name', '"Error"', '"TypeError"'],
    ['messages of errors', new Error('x'), new Error('y'), '.message', '"y"', '"x"'],
    ['fields of errors', Object.assign(new Error('x'), { code: 1 }), new Error('x'), '.code', 'undefined', '1'],
    ['causes', new Error('x', { cause: new Error('y') }), new Error('x', { cause: new Error('z') }), '.cause.message', '"z"', '"y"'],
    ['errors of an AggregateError', new AggregateError([1], 'x'), new AggregateError([2], 'x'), '.errors[0]', '2', '1'],
    ['an error and its fields', new Error('x'), { message: 'x' }, '', '{ message: "x" }', 'Error: x'],
    ['cycles', cycle(1), cycle(2), '.value', '2', '1'],
    ['a cycle and its unrolled form', cycle(1), { value: 1, self: { value: 1, self: null, list: [] }, list: [] }, '.self.self', 'null', ''],
    ['deeper than anything', nested(600), nested(600), '.value'.repeat(500), 'at most 500 levels', 'more'],
  ];

  test.each(rows)('%s', (_name, actual, expected, path, wanted, got) => {
    const difference = findDifference(actual, expected);
    expect(difference).toMatchObject({ path, expected: wanted });
    expect(difference?.actual).toContain(got);
  });
});

function selfHolding(): Set<unknown> {
  const set = new Set<unknown>();
  return set.add(set);
}
