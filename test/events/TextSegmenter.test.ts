import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SegmentUnit, TextSegmenter } from '../../src/events/TextSegmenter.js';

function segments(unit: SegmentUnit, pieces: readonly string[]): string[] {
  const segmenter = new TextSegmenter(unit, 'en');
  return [...pieces.flatMap((piece) => segmenter.push(piece)), ...segmenter.end()];
}

describe('TextSegmenter', () => {
  const cases: readonly (readonly [SegmentUnit, readonly string[], readonly string[]])[] = [
    ['word', ['Hello, wor', 'ld! How'], ['Hello, ', 'world! ', 'How']],
    ['word', ['He', 'llo', ' ', ' ', 'you'], ['Hello  ', 'you']],
    ['word', ['can', "'", 't stop'], ["can't ", 'stop']],
    ['word', ['3', '.', '14 and'], ['3.14 ', 'and']],
    ['word', ['  "Hi', '" he'], ['  "Hi" ', 'he']],
    ['word', ['line\r', '\nnext'], ['line\r\n', 'next']],
    ['word', ['', 'a', ''], ['a']],
    ['word', ['...', '!'], ['...!']],
    ['grapheme', ['e', '\u0301a'], ['e\u0301', 'a']],
    ['grapheme', ['\uD83D', '\uDE00x'], ['😀', 'x']],
    ['grapheme', ['👩', '\u200D', '👧'], ['👩\u200D👧']],
    ['grapheme', ['🇫', '🇷🇩', '🇪'], ['🇫🇷', '🇩🇪']],
    ['grapheme', ['\r', '\n'], ['\r\n']],
    ['sentence', ['It rains. It', ' pours! Yes'], ['It rains. ', 'It pours! ', 'Yes']],
  ];
  for (const [unit, pieces, expected] of cases) {
    test(`cuts ${JSON.stringify(pieces)} into ${unit}s`, () => {
      expect(segments(unit, pieces)).toEqual(expected);
    });
  }

  test('cuts a language without spaces into words', () => {
    const segmenter = new TextSegmenter('word', 'ja');
    expect([...segmenter.push('吾輩は猫である'), ...segmenter.end()].length).toBeGreaterThan(2);
  });

  test('holds no more than 1,024 characters back, and never half a character', () => {
    const segmenter = new TextSegmenter('word', 'en');
    const word = `x${'𝒳'.repeat(2_000)}`;
    const pieces = segmenter.push(word);
    expect(pieces.map(({ length }) => length)).toEqual([1_023, 1_024, 1_024]);
    expect(pieces.some((piece) => /[\uD800-\uDBFF]$/.test(piece))).toBe(false);
    expect([...pieces, ...segmenter.end()].join('')).toBe(word);
  });

  test('loses nothing, whatever the text and the pieces; graphemes are those of the whole', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    console.log(`TextSegmenter: SEED=${seed}`);
    const odd = fc.constantFrom('é', 'e\u0301', '👩‍👧‍👦', '🇫🇷', '\r\n', '\r', '\n', ' ', '.', "'", '日本', 'ก็', '\u200D', '\uFEFF', 'ab', 'Zoë');
    const text = fc.array(fc.oneof(odd, fc.string({ unit: 'grapheme' })), { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(80), { maxLength: 10 }), (whole, cuts) => {
        const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
        const pieces = places.slice(1).map((place, index) => whole.slice(places[index], place));
        for (const unit of ['word', 'grapheme', 'sentence'] as const) expect(segments(unit, pieces).join('')).toBe(whole);
        const graphemes = [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(whole)].map(({ segment }) => segment);
        expect(segments('grapheme', pieces)).toEqual(graphemes);
      }),
      { seed, numRuns: 2_000 },
    );
  });
});
