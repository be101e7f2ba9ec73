/** What text is cut into. */
export type SegmentUnit = 'word' | 'grapheme' | 'sentence';

/** The most characters that are held back: a longer word, such as a key or a link, is handed out as far as it has come. */
const maxHeldLength = 1_024;

/**
 * Cuts text that comes in pieces into words, graphemes or sentences, as `Intl.Segmenter` sees them. A word goes with what
 * stands behind it up to the next word: `Hello, ` and `world!`. The last segment is held back, because it may grow: a
 * letter by its accents, a flag by its other half, CR by LF. Only what is held is looked at again, so the cost is linear.
 *
 * Nothing is lost: all segments together are the text.
 *
 * @see https://tc39.es/ecma402/#segmenter-objects and https://www.unicode.org/reports/tr29/
 */
export class TextSegmenter {
  readonly #segmenter: Intl.Segmenter;
  readonly #joins: boolean;
  #held = '';

  constructor(unit: SegmentUnit, locale: string | undefined) {
    this.#segmenter = new Intl.Segmenter(locale, { granularity: unit });
    this.#joins = unit === 'word';
  }

  /** The segments that this piece shows to be whole. */
  push(text: string): string[] {
    const all = this.#held + text;
    // Half a character tells nothing of what it will be.
    const half = /[\uD800-\uDBFF]$/.exec(all)?.[0] ?? '';
    const segments = this.#segments(all.slice(0, all.length - half.length));
    this.#held = (segments.pop() ?? '') + half;
    while (this.#held.length > maxHeldLength) {
      const head = beginning(this.#held, maxHeldLength);
      segments.push(head);
      this.#held = this.#held.slice(head.length);
    }
    return segments;
  }

  /** What was held back. */
  end(): string[] {
    const held = this.#held;
    this.#held = '';
    return held === '' ? [] : this.#segments(held);
  }

  #segments(text: string): string[] {
    const segments: string[] = [];
    let hasWord = false;
    for (const { segment, isWordLike } of this.#segmenter.segment(text)) {
      // What stands before the first word goes with it.
      const last = this.#joins && (isWordLike !== true || !hasWord) ? segments.pop() : undefined;
      hasWord ||= isWordLike === true;
      segments.push(last === undefined ? segment : last + segment);
    }
    return segments;
  }
}

// Not between the two halves of a character.
function beginning(text: string, length: number): string {
  const end = /[\uD800-\uDBFF]/.test(text.charAt(length - 1)) ? length - 1 : length;
  return text.slice(0, end);
}
