import { embeddingsCreate } from '@mistralai/mistralai/funcs/embeddingsCreate.js';
import { describe, expect, test } from 'vitest';

import { accepted, core, request } from './standaloneSdk.js';
import { withSimulator } from './rawClient.js';

const model = 'mistral-embed';

function lengthOf(vector: readonly number[]): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

function float32(text: string): readonly number[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}

describe('embeddings', () => {
  test('are vectors of 1024 numbers and of length 1, each at the index of its text', async () => {
    await withSimulator({}, async (simulator) => {
      const response = await accepted(embeddingsCreate(core(simulator), { model, inputs: ['one', 'two', 'one'] }));
      const [one, two, again] = response.data.map(({ embedding }) => embedding!);
      expect(response.data.map(({ index }) => index)).toEqual([0, 1, 2]);
      expect(one).toHaveLength(1_024);
      expect(lengthOf(one!)).toBeCloseTo(1, 5);
      expect(again).toEqual(one);
      expect(two).not.toEqual(one);
      expect(response).toMatchObject({ model, object: 'list', usage: { promptTokens: 3, totalTokens: 3 } });
    });
  });

  test('depend on the seed and the text, not on what it came with', async () => {
    const embed = (seed: number, inputs: string[] | string): Promise<readonly number[]> =>
      withSimulator({ seed }, async (simulator) => (await accepted(embeddingsCreate(core(simulator), { model, inputs }))).data.at(-1)!.embedding!);
    const alone = await embed(1, 'a text');
    expect(await embed(1, ['another', 'a text'])).toEqual(alone);
    expect(await embed(2, 'a text')).not.toEqual(alone);
  });

  test('have the dimension and the type that are asked for', async () => {
    await withSimulator({}, async (simulator) => {
      const embed = async (options: object): Promise<readonly number[]> =>
        (await accepted(embeddingsCreate(core(simulator), { model, inputs: 'text', outputDimension: 256, ...options }))).data[0]!.embedding!;
      const floats = await embed({});
      expect(floats).toHaveLength(256);
      expect(lengthOf(floats)).toBeCloseTo(1, 5);
      expect(await embed({ outputDtype: 'int8' })).toEqual(floats.map((value) => Math.round(value * 127) + 0));
      expect((await embed({ outputDtype: 'uint8' })).every((value) => value >= 0 && value <= 255)).toBe(true);
      const bits = await embed({ outputDtype: 'ubinary' });
      expect(bits).toHaveLength(32);
      expect(bits.map((byte) => byte.toString(2).padStart(8, '0')).join('')).toBe(floats.map((value) => (value > 0 ? '1' : '0')).join(''));
      expect(await embed({ outputDtype: 'binary' })).toEqual(bits.map((byte) => byte - 128));
    });
  });

  test('are written in base64 where they are asked for so, which the SDK\'s own check of the response refuses', async () => {
    await withSimulator({}, async (simulator) => {
      const [plain, encoded] = await Promise.all(
        ['float', 'base64'].map(async (encoding_format) => {
          const response = await request(simulator, '/v1/embeddings', { model, input: 'text', encoding_format });
          return ((await response.json()) as { data: [{ embedding: never }] }).data[0].embedding;
        }),
      );
      expect(float32(encoded!)).toEqual(Array.from(new Float32Array(plain!)));
      await expect(accepted(embeddingsCreate(core(simulator), { model, inputs: 'text', encodingFormat: 'base64' }))).rejects.toThrow('Response validation failed');
    });
  });

  test.each<[string, readonly string[], string]>([
    ['more than 512 inputs', Array<string>(513).fill('a'), 'Too many inputs in request, split into more batches.'],
    ['more than 16,384 tokens', Array<string>(128).fill('word '.repeat(129)), 'Too many tokens overall, split into more batches.'],
  ])('are refused with a 400 for %s', async (_what, input, message) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/embeddings', { model, input });
      expect([response.status, await response.json()]).toEqual([400, { object: 'error', message, type: 'invalid_request_prompt', param: null, code: '3210' }]);
    });
  });

  test('are given for exactly as many as are allowed', async () => {
    await withSimulator({}, async (simulator) => {
      const inputs = Array.from({ length: 512 }, (_, i) => `text ${i}`);
      const response = await accepted(embeddingsCreate(core(simulator), { model, inputs, outputDimension: 8 }));
      expect(response.data.map(({ index }) => index)).toEqual(inputs.map((_, i) => i));
      expect((await request(simulator, '/v1/embeddings', { model, input: 'w '.repeat(16_383), output_dimension: 1 })).status).toBe(200);
    });
  });

  test.each<[string, object, readonly (string | number)[]]>([
    ['no input', { model }, ['body', 'input']],
    ['an empty list', { model, input: [] }, ['body', 'input']],
    ['an input that is a number', { model, input: ['a', 1] }, ['body', 'input', 1]],
    ['a dimension of 0', { model, input: 'a', output_dimension: 0 }, ['body', 'output_dimension']],
  ])('are refused with a 422 for %s', async (_what, body, loc) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/embeddings', body);
      expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc }] }]);
    });
  });
});
