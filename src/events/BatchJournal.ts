/** What a run writes down before and after each step that must not happen twice. Plain JSON. */
export type JournalRecord =
  | { readonly type: 'run'; readonly version: 1; readonly runId: string; readonly endpoint: string }
  /** A part of the requests, told by a fingerprint of its bytes. */
  | { readonly type: 'part'; readonly part: number; readonly requests: number; readonly bytes: number; readonly fingerprint: string }
  | { readonly type: 'uploaded'; readonly key: string; readonly fileId: string }
  /** A job is about to be created; if no `created` follows, it has to be looked for. */
  | { readonly type: 'creating'; readonly key: string }
  | { readonly type: 'created'; readonly key: string; readonly jobId: string }
  | { readonly type: 'complete' };

/**
 * The memory of a run that outlives its process: `fileJournal` of `rxmistral/node`, or one of your own. A run that is
 * given the journal of one that was broken off goes on with its jobs.
 */
export interface BatchJournal {
  /** All records so far, in order. Called once, when the run begins. */
  read(): Iterable<JournalRecord> | PromiseLike<Iterable<JournalRecord>>;
  /** Adds a record; done when it would survive a crash. The next call comes only then. */
  append(record: JournalRecord): void | PromiseLike<void>;
}
