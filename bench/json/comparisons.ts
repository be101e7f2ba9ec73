import { type ContenderEntry, jsonriver, partialJson, reparsing, streamparser, whole } from './contenders/index.js';

/** Parsers that read the same answers, in several lengths. */
export interface Comparison {
  readonly title: string;
  /** In characters, rising; the last is twice the one before. */
  readonly lengths: readonly number[];
  /** In the order of the table. */
  readonly contenders: readonly ContenderEntry[];
  /** The one that the others are compared with, at the last length. */
  readonly rival: ContenderEntry;
}

export const comparisons: readonly Comparison[] = [
  {
    title: 'Incremental parsers',
    lengths: [100_000, 500_000, 1_000_000],
    contenders: [whole, partialJson, jsonriver, streamparser],
    rival: jsonriver,
  },
  {
    title: 'A parser that begins anew with each piece',
    // The lengths above would take it hours.
    lengths: [10_000, 20_000, 40_000],
    contenders: [partialJson, reparsing],
    rival: partialJson,
  },
];

/** In characters: about one token, and several that came together. */
export const pieceSizes: readonly number[] = [4, 64];
