import type { Observable, ObservedValueOf } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import type { ChatEvent, ErrorEvent } from '../../src/events/ChatEvent.js';
import type { DeepPartial } from '../../src/events/DeepPartial.js';
import type { PartialToolCall } from '../../src/events/PartialToolCall.js';
import type { SchemaInput, SchemaOutput, StandardSchemaV1 } from '../../src/events/StandardSchemaV1.js';
import { errorAsEvent } from '../../src/operators/errorAsEvent.js';
import { partialJson, type PartialJsonOptions, type PartialToolCallOptions } from '../../src/operators/partialJson.js';
import { text } from '../../src/operators/text.js';

declare const chat: Observable<ChatEvent>;
declare const mixed: Observable<string | ChatEvent>;
declare const numbers: Observable<number>;
declare const withMore: Observable<ChatEvent | ErrorEvent | { readonly type: 'handoff'; readonly agentId: string }>;

const Recipe = z.object({
  title: z.string(),
  level: z.enum(['easy', 'hard']),
  steps: z.array(z.object({ text: z.string(), minutes: z.number().optional() })),
  added: z.string().transform((date) => new Date(date)),
});
type PartialRecipe = {
  readonly title?: string;
  readonly level?: string;
  readonly steps?: readonly { readonly text?: string; readonly minutes?: number | undefined }[];
  readonly added?: string;
};
type WholeRecipe = z.output<typeof Recipe>;

declare const byHand: StandardSchemaV1<{ readonly a: string }, Map<string, number>>;

describe('partialJson', () => {
  it('emits what the schema takes, cut, and what it makes', () => {
    expectTypeOf(chat.pipe(partialJson(Recipe))).toEqualTypeOf<Observable<PartialRecipe | WholeRecipe>>();
    expectTypeOf(chat.pipe(partialJson(byHand))).toEqualTypeOf<Observable<{ readonly a?: string } | Map<string, number>>>();
  });

  it('takes text, and any union of events', () => {
    expectTypeOf(chat.pipe(text(), partialJson(Recipe))).toEqualTypeOf<Observable<PartialRecipe | WholeRecipe>>();
    expectTypeOf(chat.pipe(errorAsEvent(), partialJson(Recipe))).toEqualTypeOf<Observable<PartialRecipe | WholeRecipe>>();
    expectTypeOf(withMore.pipe(partialJson(Recipe))).toEqualTypeOf<Observable<PartialRecipe | WholeRecipe>>();
    expectTypeOf(mixed.pipe(partialJson(Recipe))).toEqualTypeOf<Observable<PartialRecipe | WholeRecipe>>();
    // @ts-expect-error numbers are no text
    void numbers.pipe(partialJson(Recipe));
  });

  it('knows nothing without a schema', () => {
    expectTypeOf(chat.pipe(partialJson())).toEqualTypeOf<Observable<unknown>>();
    expectTypeOf(chat.pipe(partialJson(undefined, { maxDepth: 3 }))).toEqualTypeOf<Observable<unknown>>();
    expectTypeOf(chat.pipe(partialJson(undefined, { from: 'tool-call' }))).toEqualTypeOf<Observable<PartialToolCall>>();
  });

  it('tells the calls of tools apart, and those that are whole', () => {
    const calls = chat.pipe(partialJson(Recipe, { from: 'tool-call', name: 'save' }));

    expectTypeOf(calls).toEqualTypeOf<Observable<PartialToolCall<z.input<typeof Recipe>, WholeRecipe>>>();
    type Call = ObservedValueOf<typeof calls>;
    expectTypeOf<Call['toolCallId']>().toEqualTypeOf<string>();
    expectTypeOf<Extract<Call, { done: true }>['value']>().toEqualTypeOf<WholeRecipe>();
    expectTypeOf<Extract<Call, { done: false }>['value']>().toEqualTypeOf<PartialRecipe>();
  });

  it('takes schemas and options only', () => {
    // @ts-expect-error not a schema
    partialJson({});
    // @ts-expect-error no such place
    partialJson(Recipe, { from: 'thinking' });
    // @ts-expect-error a name is for tools
    partialJson(Recipe, { name: 'save' });
    // @ts-expect-error strings are of no call
    void chat.pipe(text(), partialJson(Recipe, { from: 'tool-call' }));
    // @ts-expect-error no such option
    partialJson(Recipe, { depth: 3 });
  });

  it('has options that may be left out field by field, with undefined too', () => {
    expectTypeOf<Record<keyof PartialJsonOptions, undefined>>().toExtend<PartialJsonOptions>();
    expectTypeOf<PartialJsonOptions>().toEqualTypeOf<Readonly<Partial<PartialJsonOptions>>>();
    expectTypeOf<{ from: 'tool-call'; name: undefined; maxDepth: undefined; maxLength: undefined }>().toExtend<PartialToolCallOptions>();
  });
});

describe('DeepPartial', () => {
  it('leaves out what may be missing, at any depth', () => {
    expectTypeOf<DeepPartial<{ a: { b: number[] }; c?: boolean | null }>>().toEqualTypeOf<{
      readonly a?: { readonly b?: readonly number[] };
      readonly c?: boolean | null;
    }>();
    expectTypeOf<DeepPartial<[string, { a: 1 }]>>().toEqualTypeOf<readonly [string?, { readonly a?: 1 }?]>();
    expectTypeOf<DeepPartial<Record<string, { a: 1 }>>>().toEqualTypeOf<Readonly<Partial<Record<string, { readonly a?: 1 }>>>>();
  });

  it('widens what may be cut, and nothing else', () => {
    expectTypeOf<DeepPartial<'yes' | 'no'>>().toEqualTypeOf<string>();
    expectTypeOf<DeepPartial<1 | 2 | true | null>>().toEqualTypeOf<1 | 2 | true | null>();
    expectTypeOf<DeepPartial<unknown>>().toEqualTypeOf<unknown>();
  });

  it('takes types that hold themselves', () => {
    interface Comment {
      readonly text: string;
      readonly replies: readonly Comment[];
    }
    type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

    expectTypeOf<NonNullable<DeepPartial<Comment>['replies']>[number]>().toEqualTypeOf<DeepPartial<Comment>>();
    expectTypeOf<Json>().toExtend<DeepPartial<Json>>();
    expectTypeOf<string[]>().toExtend<DeepPartial<Json>>();
  });

  it('is what the whole value is too', () => {
    expectTypeOf<z.input<typeof Recipe>>().toExtend<DeepPartial<z.input<typeof Recipe>>>();
  });
});

describe('StandardSchemaV1', () => {
  it('is what zod makes', () => {
    expectTypeOf(Recipe).toExtend<StandardSchemaV1>();
    expectTypeOf<SchemaInput<typeof Recipe>>().toEqualTypeOf<z.input<typeof Recipe>>();
    expectTypeOf<SchemaOutput<typeof Recipe>>().toEqualTypeOf<WholeRecipe>();
  });
});
