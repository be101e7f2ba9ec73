import { CompletionChunk$inboundSchema } from '@mistralai/mistralai/models/components/completionchunk.js';
import { describe, expect, it } from 'vitest';
import { decodeCompletionChunk } from '../../src/transport/decodeCompletionChunk.js';
import { seed, seededRandom } from '../wire/fixtures/outcomeOf.js';

const decode = (json: unknown): unknown => decodeCompletionChunk(structuredClone(json));
const choiceOf = (choice: unknown): unknown => decodeCompletionChunk({ choices: [choice] })?.choices[0];
const deltaOf = (delta: unknown): unknown => decodeCompletionChunk({ choices: [{ delta }] })?.choices[0]?.delta;

describe('decodeCompletionChunk', () => {
  it.each([null, undefined, 1, 'text', true, []])('is undefined for %j, which is no chunk', (json) => {
    expect(decodeCompletionChunk(json)).toBeUndefined();
  });

  it('fills in what is missing', () => {
    expect(decode({})).toEqual({ id: '', model: '', choices: [] });
    expect(decode({ id: null, model: null, choices: null, usage: null })).toEqual({ id: '', model: '', choices: [] });
    expect(decode({ choices: [{}, null, 1] })).toMatchObject({
      choices: [
        { index: 0, delta: {}, finishReason: null },
        { index: 1, delta: {}, finishReason: null },
        { index: 2, delta: {}, finishReason: null },
      ],
    });
    expect(decode({ usage: {} })).toMatchObject({ usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0 } });
    expect(decode({ usage: { prompt_tokens: null, total_tokens: 3 } })).toMatchObject({
      usage: { promptTokens: 0, completionTokens: 0, totalTokens: 3 },
    });
  });

  it('keeps unknown fields', () => {
    expect(decode({ p: 'abc', usage: { prompt_tokens_details: { cached_tokens: 1 } } })).toMatchObject({
      p: 'abc',
      usage: { prompt_tokens_details: { cached_tokens: 1 } },
    });
    expect(deltaOf({ content: 'a', reasoning: 'b' })).toEqual({ content: 'a', reasoning: 'b' });
  });

  it('keeps unknown values', () => {
    expect(choiceOf({ index: 1, delta: {}, finish_reason: 'content_filter' })).toEqual({
      index: 1,
      delta: {},
      finishReason: 'content_filter',
    });
    expect(deltaOf({ content: [{ type: 'hologram', size: 3 }] })).toEqual({ content: [{ type: 'hologram', size: 3 }] });
  });

  it('leaves a tool call without id and index as it came', () => {
    const call = { function: { name: 'f', arguments: '{}' } };
    expect(deltaOf({ tool_calls: [{ ...call }] })).toEqual({ toolCalls: [call] });
    expect(deltaOf({ tool_calls: null, tool_call_id: null })).toEqual({ toolCalls: null, toolCallId: null });
  });

  it('renames the fields of content chunks, in thinking too', () => {
    expect(
      deltaOf({
        content: [
          { type: 'reference', reference_ids: [1] },
          { type: 'thinking', thinking: [{ type: 'reference', reference_ids: ['a'] }] },
          { type: 'image_url', image_url: { url: 'u' } },
          { type: 'document_url', document_url: 'u', document_name: 'n' },
          { type: 'file', file_id: 'f' },
          { type: 'input_audio', input_audio: 'b' },
        ],
      }),
    ).toEqual({
      content: [
        { type: 'reference', referenceIds: [1] },
        { type: 'thinking', thinking: [{ type: 'reference', referenceIds: ['a'] }] },
        { type: 'image_url', imageUrl: { url: 'u' } },
        { type: 'document_url', documentUrl: 'u', documentName: 'n' },
        { type: 'file', fileId: 'f' },
        { type: 'input_audio', inputAudio: 'b' },
      ],
    });
  });

  it('changes no prototype', () => {
    const json = JSON.parse(
      '{"__proto__":{"polluted":1},"choices":[{"__proto__":{"polluted":1},"delta":{"__proto__":{"polluted":1},"tool_calls":[],"content":[{"__proto__":{"polluted":1},"type":"__proto__"}]}}],"usage":{"__proto__":{"polluted":1}}}',
    ) as unknown;
    const chunk = decodeCompletionChunk(json)!;
    const objects: unknown[] = [chunk, chunk.usage, chunk.choices[0], chunk.choices[0]!.delta, chunk.choices[0]!.delta.content?.[0]];
    for (const value of objects) {
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect((value as { polluted?: unknown }).polluted).toBeUndefined();
    }
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

// The SDK's own reader is the measure. Where the two differ on purpose: the SDK drops unknown fields (all but the
// usage's) and keys named `__proto__`, and fills in a tool call's missing `id` ("null"), `index` (0) and `type` ("function").
describe('decodeCompletionChunk and the SDK', () => {
  const random = seededRandom(seed);
  const chance = (share: number): boolean => random() < share;
  const oneOf = <T>(...values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const some = <T>(make: () => T, most: number): T[] => Array.from({ length: Math.floor(random() * (most + 1)) }, make);
  const integer = (): number => Math.floor(random() * 1_000);
  const text = (): string => oneOf('', 'a', 'Zażółć', '漢字', '👩‍👩‍👧🏽', '"\\\n\u2028', '__proto__', 'null');
  const optional = (fields: Readonly<Record<string, () => unknown>>): object =>
    Object.fromEntries(Object.entries(fields).flatMap(([name, make]) => (chance(0.5) ? [[name, make()]] : [])));

  const reference = (): object => ({ type: 'reference', reference_ids: some(() => (chance(0.5) ? integer() : text()), 3) });
  const textChunk = (): object => ({ type: 'text', text: text() });
  const thinking = (): object => ({
    type: 'thinking',
    thinking: some(() => (chance(0.7) ? textChunk() : reference()), 3),
    ...optional({ signature: () => oneOf(null, text()), closed: () => chance(0.5) }),
  });
  const contentChunk = (): object =>
    oneOf(
      textChunk,
      textChunk,
      thinking,
      reference,
      () => ({ type: 'image_url', image_url: chance(0.5) ? 'https://a.example/b' : { url: 'https://a.example/b', detail: 'high' } }),
      () => ({ type: 'document_url', document_url: 'https://a.example/b', ...optional({ document_name: () => oneOf(null, text()) }) }),
      () => ({ type: 'file', file_id: '00000000-0000-4000-8000-000000000000' }),
      () => ({ type: 'input_audio', input_audio: 'YQ==' }),
    )();
  const toolCall = (): object => ({
    function: { name: text(), arguments: chance(0.5) ? text() : { [`a_${text()}`]: integer() } },
    ...optional({ id: text, index: integer, type: () => oneOf('function', 'newer') }),
  });
  const delta = (): object =>
    optional({
      role: () => oneOf(null, 'assistant'),
      content: () => oneOf<() => unknown>(() => null, text, () => some(contentChunk, 4))(),
      tool_calls: () => (chance(0.2) ? null : some(toolCall, 3)),
      tool_call_id: () => oneOf(null, text()),
      index: () => oneOf(null, 1),
      metadata: () => oneOf(null, { a_b: [1] }),
    });
  const usage = (): object => ({
    ...optional({
      prompt_tokens: integer,
      completion_tokens: integer,
      total_tokens: integer,
      prompt_audio_seconds: () => oneOf(null, 1),
      service_tier: () => oneOf(null, 'flex'),
      num_cached_tokens: integer,
      prompt_tokens_details: () => ({ cached_tokens: integer() }),
    }),
  });
  const chunk = (): object => ({
    id: text(),
    model: text(),
    choices: some(
      () => ({ index: integer(), delta: delta(), finish_reason: oneOf(null, 'stop', 'length', 'error', 'tool_calls', 'model_length', 'newer') }),
      3,
    ),
    ...optional({ object: () => 'chat.completion.chunk', created: integer, usage }),
  });

  /** Fills in what the SDK fills in. */
  function asTheSdk(decoded: ReturnType<typeof decodeCompletionChunk>): unknown {
    for (const { delta } of decoded?.choices ?? []) {
      if (!delta.toolCalls) continue;
      delta.toolCalls = delta.toolCalls.map((call) => ({ id: 'null', index: 0, type: 'function', ...call }));
    }
    return decoded;
  }

  it(`read 1,000 chunks alike (seed ${seed})`, () => {
    for (let i = 0; i < 1_000; i++) {
      const json = JSON.stringify(chunk());
      const bySdk: unknown = CompletionChunk$inboundSchema.parse(JSON.parse(json));
      expect(asTheSdk(decodeCompletionChunk(JSON.parse(json))), json).toEqual(bySdk);
    }
  });
});
