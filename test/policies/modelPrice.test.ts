import { describe, expect, it } from 'vitest';
import { costOf } from '../../src/policies/modelPrice.js';

const price = { input: 2, output: 6, cachedInput: 0.5 };

describe('costOf', () => {
  it.each([
    ['nothing', { inputTokens: 0, outputTokens: 0 }, 0],
    ['1,000,000 tokens of input', { inputTokens: 1_000_000, outputTokens: 0 }, 2],
    ['1,000,000 tokens of output', { inputTokens: 0, outputTokens: 1_000_000 }, 6],
    ['input that is all cached', { inputTokens: 1_000_000, outputTokens: 0, cachedTokens: 1_000_000 }, 0.5],
    ['input of which a part is cached', { inputTokens: 1_000_000, outputTokens: 0, cachedTokens: 600_000 }, 1.1],
    ['one token of each', { inputTokens: 1, outputTokens: 1 }, 0.000_008],
  ])('is the price for %s', (_name, tokens, cost) => {
    expect(costOf(price, tokens)).toBeCloseTo(cost, 12);
  });

  it('prices cached input as input where it has no price of its own', () => {
    expect(costOf({ input: 2, output: 6 }, { inputTokens: 10, outputTokens: 0, cachedTokens: 10 })).toBe(0.000_02);
  });

  it('has no error of rounding with whole prices', () => {
    expect(costOf({ input: 3, output: 7 }, { inputTokens: 333_333, outputTokens: 333_333 })).toBe(3.333_33);
  });
});
