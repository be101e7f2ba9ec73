import { describe, expect, it } from 'vitest';
import { readUsage } from '../../src/events/readUsage.js';

const plain = { promptTokens: 10, completionTokens: 3, totalTokens: 13 };
const counts = { inputTokens: 10, cachedTokens: 0, outputTokens: 3 };

describe('readUsage', () => {
  it('reads the counts of the SDK', () => {
    expect(readUsage(plain)).toEqual(counts);
    expect(readUsage({ promptTokens: 0, completionTokens: 0, totalTokens: 0 })).toEqual({ ...counts, inputTokens: 0, outputTokens: 0 });
  });

  it.each([
    ['numCachedTokens', { numCachedTokens: 4 }],
    ['num_cached_tokens', { num_cached_tokens: 4 }],
    ['promptTokensDetails', { promptTokensDetails: { cachedTokens: 4, audioTokens: 0 } }],
    ['promptTokenDetails', { promptTokenDetails: { cachedTokens: 4 } }],
    ['prompt_tokens_details', { prompt_tokens_details: { cached_tokens: 4 } }],
    ['prompt_token_details', { prompt_token_details: { cached_tokens: 4 } }],
    ['two places, once', { num_cached_tokens: 4, prompt_tokens_details: { cached_tokens: 4 } }],
    ['the second place, where the first is null', { numCachedTokens: null, promptTokensDetails: null, prompt_tokens_details: { cached_tokens: 4 } }],
  ])('reads cached tokens in %s', (_name, fields) => {
    expect(readUsage({ ...plain, ...fields })).toEqual({ ...counts, cachedTokens: 4 });
  });

  it('has never more cached tokens than there were', () => {
    expect(readUsage({ ...plain, num_cached_tokens: 99 })).toEqual({ ...counts, cachedTokens: 10 });
    expect(readUsage({ completionTokens: 3, num_cached_tokens: 99 })).toEqual({ ...counts, inputTokens: 0 });
  });

  it.each([
    ['a usage without output, as that of embeddings', { promptTokens: 10, totalTokens: 10 }, { ...counts, outputTokens: 0 }],
    ['null', { promptTokens: 10, completionTokens: null }, { ...counts, outputTokens: 0 }],
    ['no count at all', { pagesProcessed: 3 }, undefined],
    ['an empty usage', {}, undefined],
    ['no usage', undefined, undefined],
    ['null for the usage', null, undefined],
    ['a string', 'much', undefined],
  ])('takes %s', (_name, usage, expected) => {
    expect(readUsage(usage)).toEqual(expected);
  });

  it.each([-1, 0.5, NaN, Infinity, 1e300, 2 ** 32 + 1, '10', {}])('takes %s for no count', (count) => {
    expect(readUsage({ promptTokens: count, completionTokens: 3, num_cached_tokens: count })).toEqual({ ...counts, inputTokens: 0 });
    expect(readUsage({ promptTokens: count, completionTokens: count })).toBeUndefined();
  });
});
