import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import { expectObject, expectOneOf, fail } from '../errors/expect.js';
import { chunk } from './chunk.js';
import type { FinishReason } from './completionDefaults.js';
import { usage as makeUsage } from './usage.js';

/** How {@link answer} writes the answer. */
export interface AnswerOptions {
  /**
   * Where the text is cut. `word`: before each word, so that its space leads it, as the models' tokens do.
   * `grapheme`: into what a reader sees as one character. `whole`: not at all.
   * @defaultValue `'word'`
   */
  readonly by?: 'word' | 'grapheme' | 'whole' | undefined;
  /** Sent before the text, cut alike. @defaultValue none */
  readonly thinking?: string | undefined;
  /** @defaultValue `'stop'` */
  readonly finishReason?: FinishReason | undefined;
  /** @defaultValue 10 prompt tokens, and one completion token for each piece */
  readonly usage?: UsageInfo | undefined;
  /** @defaultValue `'completion-1'` */
  readonly id?: string | undefined;
  /** @defaultValue `'mistral-small-latest'` */
  readonly model?: string | undefined;
}

/**
 * A whole streamed answer as the API sends it: a start, the text in pieces, an end with usage.
 *
 * ```
 * answer('Hello world')   start  'Hello'  ' world'  finish('stop', usage)
 * ```
 *
 * Made for a list or a function of a script, where an array is one call's events:
 *
 * ```ts
 * fakeMistral({ 'chat.stream': [answer('Hello world'), answer('Bye')] }); // the first call, the second
 * fakeMistral({ 'chat.stream': () => answer('Hello world') }); // every call
 * ```
 *
 * The pieces joined are `text`, to the character. In a marble test, `zip` with a cold Observable gives them times.
 *
 * @throws TypeError for a `text` that is no string and a `by` that is none of the three.
 */
export function answer(text: string, options: AnswerOptions = {}): CompletionChunk[] {
  if (typeof text !== 'string') fail('text', 'a string', text);
  expectObject('options', options);
  const { by = 'word', thinking = '', finishReason, id, model } = options;
  expectOneOf('by', by, ['word', 'grapheme', 'whole']);
  const fields = { id, model };
  const thoughts = cut(thinking, by);
  const pieces = cut(text, by);
  const usage = options.usage ?? makeUsage({ promptTokens: 10, completionTokens: thoughts.length + pieces.length });
  return [
    chunk.start(model, { id }),
    ...thoughts.map((piece) => chunk.thinking(piece, fields)),
    ...pieces.map((piece) => chunk.text(piece, fields)),
    chunk.finish(finishReason, usage, fields),
  ];
}

function cut(text: string, by: NonNullable<AnswerOptions['by']>): string[] {
  if (text === '') return [];
  switch (by) {
    case 'word':
      // A word with the space before it; space at the very end is a piece of its own.
      return text.match(/\s*\S+|\s+$/gu) ?? [];
    case 'grapheme':
      return Array.from(new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text), ({ segment }) => segment);
    case 'whole':
      return [text];
  }
}
