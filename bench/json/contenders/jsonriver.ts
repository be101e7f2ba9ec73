import { parse } from 'jsonriver';
import type { Contender } from '../Contender.js';

/** As its README shows it; the pieces come from an async generator, as they would from a stream. */
export const prepare: Contender = (pieces) => async () => {
  let values = 0;
  let last: unknown;
  for await (const value of parse(streamOf(pieces))) {
    values += 1;
    last = value;
  }
  return { values, last };
};

// eslint-disable-next-line @typescript-eslint/require-await -- it takes an AsyncIterable, and these pieces are there already
async function* streamOf(pieces: readonly string[]): AsyncGenerator<string> {
  for (const piece of pieces) yield piece;
}
