/**
 * Where requests wait before they are sent, and until they are known to be answered. Memory by default; `fileSpool` of
 * `rxmistral/node` for more than fits.
 */
export interface BatchSpool {
  /** Makes an empty file. */
  create(): SpoolFile | PromiseLike<SpoolFile>;
}

/** A file of a spool. */
export interface SpoolFile {
  /** Adds to the end; the next call comes only when this one is done. */
  append(bytes: Uint8Array): void | PromiseLike<void>;
  /** The bytes from `start` up to `end`, in pieces. Several readers may be at work at once. */
  read(start: number, end: number): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Takes the file away, whatever is being read. Never fails. */
  remove(): void | PromiseLike<void>;
}
