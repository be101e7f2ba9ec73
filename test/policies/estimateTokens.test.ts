import { describe, expect, test } from 'vitest';
import { estimateRequestTokens, estimateTokens } from '../../src/policies/estimateTokens.js';

describe('estimateTokens', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['abc', 1],
    ['abcd', 2],
    ['a b c d', 4],
    ['€', 1],
    ['日本語', 3],
  ];
  for (const [text, tokens] of cases) {
    test(`of ${text} is ${tokens}`, () => {
      expect(estimateTokens(text)).toBe(tokens);
    });
  }
});

describe('estimateRequestTokens', () => {
  const cases: readonly (readonly [string, unknown, number])[] = [
    ['nothing', undefined, 0],
    ['no texts', { model: 'a-model-with-a-long-name' }, 0],
    ['messages', { messages: [{ role: 'user', content: 'abcdef' }, { role: 'assistant', content: 'abc' }] }, 3],
    ['parts of a message', { messages: [{ content: [{ type: 'text', text: 'abcdef' }] }] }, 2],
    ['an image, which counts nothing', { messages: [{ content: [{ type: 'image_url', imageUrl: 'x'.repeat(9_000) }] }] }, 0],
    ['the answer that is allowed', { prompt: 'abc', maxTokens: 100 }, 101],
    ['inputs', { inputs: ['abc', 'abcdef'] }, 3],
    ['an empty message', { messages: [{ content: '' }] }, 0],
  ];
  for (const [name, request, tokens] of cases) {
    test(`of ${name} is ${tokens}`, () => {
      expect(estimateRequestTokens(request)).toBe(tokens);
    });
  }

  test('of a request that contains itself ends', () => {
    const request: { messages: unknown[] } = { messages: [] };
    request.messages.push(request, 'abc');
    expect(estimateRequestTokens(request)).toBeGreaterThan(0);
  });
});
