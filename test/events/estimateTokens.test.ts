import { describe, expect, it } from 'vitest';
import { estimateTokens } from '../../src/events/estimateTokens.js';

describe('estimateTokens', () => {
  it.each([
    [0, 0, 0],
    [1, 1, 1],
    [4, 1, 1],
    [5, 1, 2],
    [400, 1, 100],
    [400, 99, 100],
    [400, 101, 101],
    [0, 3, 3],
  ])('is for %i characters in %i pieces: %i', (characters, pieces, tokens) => {
    expect(estimateTokens(characters, pieces)).toBe(tokens);
  });
});
