/** What came of one answer: how often a value was shown, and the last of them. */
export interface Reading {
  readonly values: number;
  readonly last: unknown;
}

/** A parser: is handed the pieces of an answer, and returns what reads them, as often as it is called. */
export type Contender = (pieces: readonly string[]) => () => Reading | Promise<Reading>;
