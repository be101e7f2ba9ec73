/** What a parser's process is told to do. */
export interface Task {
  readonly contender: string;
  readonly document: string;
  readonly length: number;
  readonly pieceSize: number;
}

/** What a parser's process has measured, over all its readings after the warm-up. */
export interface Measurement {
  /** Milliseconds of CPU that one answer takes: user and system, of all threads of the process. */
  readonly cpu: number;
  /** How often one answer was shown. */
  readonly values: number;
  /** In how many pieces it came. */
  readonly pieces: number;
}
