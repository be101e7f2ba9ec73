import { expect, test } from 'vitest';
import { usage } from '../../src/testing/index.js';

test.each([
  [undefined, { promptTokens: 0, completionTokens: 0, totalTokens: 0 }],
  [{ promptTokens: 12, completionTokens: 3 }, { promptTokens: 12, completionTokens: 3, totalTokens: 15 }],
  [{ promptTokens: 12, totalTokens: 20 }, { promptTokens: 12, completionTokens: 0, totalTokens: 20 }],
  [{ num_cached_tokens: 4 }, { promptTokens: 0, completionTokens: 0, totalTokens: 0, num_cached_tokens: 4 }],
])('usage(%o)', (fields, expected) => {
  expect(usage(fields)).toStrictEqual(expected);
});
