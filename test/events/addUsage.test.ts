import { describe, expect, it } from 'vitest';
import { addUsage } from '../../src/events/addUsage.js';

describe('addUsage', () => {
  it.each([
    ['neither known', undefined, undefined, undefined],
    ['the first known', { promptTokens: 1 }, undefined, { promptTokens: 1 }],
    ['the second known', undefined, { promptTokens: 1 }, { promptTokens: 1 }],
    [
      'numbers are added',
      { promptTokens: 1, completionTokens: 2, totalTokens: 3 },
      { promptTokens: 10, completionTokens: 20, totalTokens: 30 },
      { promptTokens: 11, completionTokens: 22, totalTokens: 33 },
    ],
    [
      'in nested objects too',
      { prompt_tokens_details: { cached_tokens: 4 } },
      { prompt_tokens_details: { cached_tokens: 5, audio_tokens: 1 } },
      { prompt_tokens_details: { cached_tokens: 9, audio_tokens: 1 } },
    ],
    ['of anything else the later stands', { serviceTier: 'standard' }, { serviceTier: 'priority' }, { serviceTier: 'priority' }],
    ['null is not known', { promptAudioSeconds: 3 }, { promptAudioSeconds: null }, { promptAudioSeconds: 3 }],
  ])('%s', (_name, first, second, expected) => {
    expect(addUsage(first, second)).toEqual(expected);
  });

  it('changes neither', () => {
    const first = { promptTokens: 1, details: { cached: 1 } };
    const second = { promptTokens: 2, details: { cached: 2 } };
    addUsage(first, second);
    expect([first, second]).toEqual([
      { promptTokens: 1, details: { cached: 1 } },
      { promptTokens: 2, details: { cached: 2 } },
    ]);
  });
});
