import { describe, expect, it } from 'vitest';
import { randomBetween } from '../../src/policies/randomBetween.js';

describe('randomBetween', () => {
  it.each([
    [0, 10],
    [0.25, 12.5],
    [1, 20],
    [-1, 10],
    [2, 20],
    [NaN, 10],
    [Infinity, 20],
  ])('is from 10 to 20 at chance %d: %d', (chance, expected) => {
    expect(randomBetween(10, 20, () => chance)).toBe(expected);
  });
});
