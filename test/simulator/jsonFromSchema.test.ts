import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { jsonFromSchema } from '../../src/simulator/jsonFromSchema.js';
import { randomFrom } from '../../src/simulator/random.js';

const seed = process.env['SEED'] ?? String(Date.now());
const rounds = 60;

interface Tree {
  readonly name: string;
  readonly children: readonly Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(tree) }));

// Zod writes the schema and judges the value: it knows nothing of our generator.
const shapes = {
  'an object': z.strictObject({ name: z.string(), age: z.int().min(0).max(120), nickname: z.string().optional(), active: z.boolean() }),
  'lengths and ranges': z.object({
    short: z.string().max(3),
    long: z.string().min(50).max(60),
    exact: z.string().length(12),
    positive: z.number().positive(),
    between: z.number().gt(0).lt(1),
    narrow: z.number().min(0.31).max(0.32),
    even: z.int().multipleOf(2).min(11).max(20),
    tenths: z.number().multipleOf(0.1).min(0.3).max(0.7),
    negative: z.int().max(-5),
  }),
  arrays: z.object({
    few: z.array(z.int()).min(2).max(4),
    exact: z.array(z.string()).length(5),
    none: z.array(z.string()).max(0),
    pair: z.tuple([z.string(), z.number()]),
    nested: z.array(z.array(z.boolean())).min(1),
  }),
  'choices of values': z.object({ unit: z.enum(['celsius', 'fahrenheit']), kind: z.literal('weather'), mixed: z.union([z.literal(1), z.literal('one')]) }),
  unions: z.object({
    either: z.union([z.string(), z.number(), z.object({ deep: z.boolean() })]),
    tagged: z.discriminatedUnion('type', [z.object({ type: z.literal('a'), a: z.string() }), z.object({ type: z.literal('b'), b: z.int() })]),
    maybe: z.string().nullable(),
  }),
  formats: z.object({
    email: z.email(),
    url: z.url(),
    uuid: z.uuid(),
    date: z.iso.date(),
    moment: z.iso.datetime(),
    time: z.iso.time(),
    address: z.ipv4(),
    bytes: z.base64(),
  }),
  patterns: z.object({ code: z.string().regex(/^[A-Z]{3}$/), zip: z.string().regex(/^\d{5}$/), slug: z.string().regex(/^[a-z]+-\d+$/) }),
  'an intersection': z.intersection(z.object({ a: z.string() }), z.object({ b: z.int() })),
  'a record': z.record(z.string(), z.int()),
  'a tree that refers to itself': tree,
};

describe(`a value fits its schema (SEED=${seed})`, () => {
  test.each(Object.entries(shapes))('%s', (_name, shape) => {
    const schema = z.toJSONSchema(shape);
    for (let round = 0; round < rounds; round += 1) {
      const value = jsonFromSchema(schema, randomFrom(seed, round));
      const result = shape.safeParse(value);
      expect(result.error?.issues, `round ${round}: ${JSON.stringify(value)}`).toBeUndefined();
    }
  });

  test('whose properties have the names of an object\'s own', () => {
    const schema = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"integer"},"constructor":{"const":1}},"required":["__proto__","constructor"]}') as unknown;
    const value = jsonFromSchema(schema, randomFrom(seed));
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
  });

  test('with nullable, a list of types, allOf and references beside other keys', () => {
    const schema = {
      $defs: { base: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] } },
      allOf: [{ $ref: '#/$defs/base' }, { properties: { name: { type: ['string', 'null'] } }, required: ['name'] }],
    };
    for (let round = 0; round < rounds; round += 1) {
      const value = jsonFromSchema(schema, randomFrom(seed, round));
      expect(z.object({ id: z.int(), name: z.string().nullable() }).safeParse(value).success).toBe(true);
    }
    expect(new Set(Array.from({ length: rounds }, (_, i) => jsonFromSchema({ type: 'boolean', nullable: true }, randomFrom(seed, i))))).toEqual(new Set([true, false, null]));
  });
});

describe('a schema that cannot be met', () => {
  test.each([
    ['demands itself without end', { $defs: { a: { type: 'object', properties: { l: { $ref: '#/$defs/a' }, r: { $ref: '#/$defs/a' } }, required: ['l', 'r'] } }, $ref: '#/$defs/a' }],
    ['refers to itself', { $defs: { a: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }],
    ['merges itself', { $defs: { a: { allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }],
    ['demands a billion items', { type: 'array', items: { type: 'integer' }, minItems: 1e9 }],
    ['demands different items of one', { type: 'array', items: { const: 1 }, minItems: 3, uniqueItems: true }],
    ['demands an endless string', { type: 'string', minLength: 1e12 }],
    ['has a broken pattern', { type: 'string', pattern: '(' }],
    ['refers to nothing', { $ref: '#/nowhere' }],
    ['is not one', 'nonsense'],
  ])('and %s still ends in a value', (_name, schema) => {
    expect(jsonFromSchema(schema, randomFrom(seed))).toBeDefined();
  });
});
