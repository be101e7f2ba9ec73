import { classifiersClassify } from '@mistralai/mistralai/funcs/classifiersClassify.js';
import { classifiersModerate } from '@mistralai/mistralai/funcs/classifiersModerate.js';
import { classifiersModerateChat } from '@mistralai/mistralai/funcs/classifiersModerateChat.js';
import { describe, expect, test } from 'vitest';

import { accepted, core, request } from './standaloneSdk.js';
import { withSimulator } from './rawClient.js';

const model = 'mistral-moderation-latest';
const texts = Array.from({ length: 40 }, (_, i) => `Text number ${i}`);

describe('moderation', () => {
  test('gives each text a score and a verdict for each category, some of them bad', async () => {
    await withSimulator({}, async (simulator) => {
      const { results } = await accepted(classifiersModerate(core(simulator), { model, inputs: texts }));
      expect(results).toHaveLength(texts.length);
      for (const { categories, categoryScores } of results) {
        expect(Object.keys(categories!)).toContain('hate_and_discrimination');
        expect(Object.keys(categories!)).toEqual(Object.keys(categoryScores!));
        for (const [category, score] of Object.entries(categoryScores!)) expect(categories![category]).toBe(score > 0.5);
      }
      expect(results.some(({ categories }) => Object.values(categories!).includes(true))).toBe(true);
      expect(results.some(({ categories }) => !Object.values(categories!).includes(true))).toBe(true);
      const alone = await accepted(classifiersModerate(core(simulator), { model, inputs: texts[3]! }));
      expect(alone.results).toEqual([results[3]]);
    });
  });

  test('judges a conversation, or several', async () => {
    await withSimulator({}, async (simulator) => {
      const conversations = ['Hello', 'Goodbye'].map((content) => [{ role: 'user' as const, content }, { role: 'assistant' as const, content: 'Hi' }]);
      const { results } = await accepted(classifiersModerateChat(core(simulator), { model, inputs: conversations }));
      expect(results).toHaveLength(2);
      expect((await accepted(classifiersModerateChat(core(simulator), { model, inputs: conversations[1]! }))).results).toEqual([results[1]]);
    });
  });

  test.each<[string, string, object, readonly (string | number)[]]>([
    ['a text that is none', '/v1/moderations', { model, input: ['a', null] }, ['body', 'input', 1]],
    ['no model', '/v1/moderations', { input: 'a' }, ['body', 'model']],
    ['a conversation that is a text', '/v1/chat/moderations', { model, input: 'Hello' }, ['body', 'input']],
    ['no messages', '/v1/chat/moderations', { model, input: [] }, ['body', 'input']],
    ['a message without a role', '/v1/chat/moderations', { model, input: [[{ content: 'Hello' }]] }, ['body', 'input', 0, 0, 'role']],
  ])('is refused with a 422 for %s', async (_what, path, body, loc) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, path, body);
      expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc }] }]);
    });
  });
});

describe('classification', () => {
  test('gives each text the scores of each target\'s labels, which add up to 1', async () => {
    await withSimulator({}, async (simulator) => {
      const { results } = await accepted(classifiersClassify(core(simulator), { model: 'ft:classifier', inputs: texts }));
      expect(results).toHaveLength(texts.length);
      for (const result of results) {
        expect(Object.keys(result)).toEqual(['topic', 'sentiment']);
        for (const { scores } of Object.values(result)) expect(Object.values(scores).reduce((sum, score) => sum + score, 0)).toBeCloseTo(1);
      }
      const alone = await accepted(classifiersClassify(core(simulator), { model: 'ft:classifier', inputs: texts[5]! }));
      expect(alone.results).toEqual([results[5]]);
    });
  });
});
