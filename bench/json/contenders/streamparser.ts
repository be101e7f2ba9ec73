import { JSONParser } from '@streamparser/json';
import type { Contender } from '../Contender.js';

/**
 * With the options that make it tell of what is not whole. It tells of each value in a piece by itself: what counts is the
 * outermost value behind the piece, which is found on the stack. A string that has not ended is not in there: it is told
 * of, and where it belongs.
 */
export const prepare: Contender = (pieces) => () => {
  let told = 0;
  let values = 0;
  let last: unknown;
  const parser = new JSONParser({ emitPartialTokens: true, emitPartialValues: true });
  parser.onValue = ({ value, parent, stack }) => {
    told += 1;
    // The first of the stack is what surrounds the outermost value: nothing.
    last = stack[1]?.value ?? parent ?? value;
  };
  for (const piece of pieces) {
    const before = told;
    parser.write(piece);
    if (told > before) values += 1;
  }
  return { values, last };
};
