import { parse } from 'partial-json';
import type { Contender } from '../Contender.js';

/** As it is used with streams: with each piece, all that has come is parsed again. */
export const prepare: Contender = (pieces) => () => {
  let text = '';
  let values = 0;
  let last: unknown;
  for (const piece of pieces) {
    text += piece;
    last = parse(text);
    values += 1;
  }
  return { values, last };
};
