import { sentences } from './prose.js';
import type { Random } from './random.js';
import { tokenise } from './tokens.js';

/** The tokens of an answer in whole sentences, and about `length` of them; every few sentences begin a paragraph. */
export function proseTokens(random: Random, length: number): readonly string[] {
  const tokens: string[] = [];
  for (const sentence of sentences(random)) {
    const gap = tokens.length === 0 ? '' : random.chance(0.2) ? '\n\n' : ' ';
    for (const token of tokenise(gap + sentence)) tokens.push(token);
    if (tokens.length >= length) return tokens;
  }
  return tokens;
}

/** An answer that goes on from a prefix. */
export interface Continuation {
  /** What is repeated of the prefix before it goes on. */
  readonly echo: readonly string[];
  /** What is new, the whitespace that the echo lacks included. */
  readonly rest: readonly string[];
}

/**
 * Continues `prefix` as `answer`, the answer that the request would have got without it, does; where the prefix is not
 * the beginning of that answer, `otherwise` makes up how it goes on.
 */
export function continuationOf(
  answer: string,
  prefix: string,
  echo: 'trimmed' | 'exact' | 'none',
  otherwise: () => string,
): Continuation {
  const trimmed = prefix.trimEnd();
  const whitespace = prefix.slice(trimmed.length);
  const echoed = echo === 'none' ? '' : echo === 'exact' ? prefix : trimmed;
  // The prefix may have been trimmed, or padded, on its way back here: the answer knows better which whitespace follows.
  const known = answer.startsWith(prefix) ? prefix : answer.startsWith(trimmed) ? trimmed : undefined;
  const unsent = known === undefined ? otherwise() : answer.slice(known.length);
  const regenerated = echo === 'trimmed' && known !== trimmed ? whitespace : '';
  return { echo: tokenise(echoed), rest: tokenise(regenerated + unsent) };
}
