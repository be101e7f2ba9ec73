import { concat, defer, EMPTY, ignoreElements, type Observable, tap } from 'rxjs';
import { RxMistralError } from '../../errors/RxMistralError.js';
import type { BatchJournal, JournalRecord } from '../../events/BatchJournal.js';
import type { PartLines } from './PartWriter.js';
import { eventually } from '../eventually.js';

/** What a run knows of what was done, by itself or by one before it whose journal it goes on with. */
export class RunJournal {
  readonly #journal: BatchJournal | undefined;
  readonly #endpoint: string;
  readonly #parts = new Map<number, { readonly requests: number; readonly bytes: number; readonly fingerprint: string }>();
  readonly #files = new Map<string, string>();
  readonly #creating = new Set<string>();
  readonly #jobs = new Map<string, string>();
  #runId: string | undefined;
  #isComplete = false;
  // Parts run side by side, but a journal takes one record at a time.
  #last: PromiseLike<void> | undefined;

  constructor(journal: BatchJournal | undefined, endpoint: string) {
    this.#journal = journal;
    this.#endpoint = endpoint;
  }

  /** Whether the run before this one had come to its end. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Reads what there is; a run that goes on with nothing begins under `runId`. */
  open(runId: string): Observable<never> {
    const journal = this.#journal;
    const records = journal === undefined ? EMPTY : defer(() => eventually(journal.read()));
    return concat(
      records.pipe(
        tap((known) => {
          for (const record of known) this.#take(record);
        }),
        ignoreElements(),
      ),
      defer(() =>
        this.#runId === undefined ? this.write({ type: 'run', version: 1, runId, endpoint: this.#endpoint }) : EMPTY,
      ),
    );
  }

  /** Notes a part, which has to be the one that the run before this one had, if it had one. */
  notePart({ part, bytes, fingerprint, pending }: PartLines): Observable<never> {
    const requests = pending.size;
    const known = this.#parts.get(part);
    if (known === undefined) return this.write({ type: 'part', part, requests, bytes, fingerprint });
    if (known.requests === requests && known.bytes === bytes && known.fingerprint === fingerprint) return EMPTY;
    throw mismatch(`part ${part} of the requests is another one`);
  }

  /** Throws where the run before this one had more parts. */
  expectParts(parts: number): void {
    if (this.#parts.size > parts) throw mismatch(`it has ${this.#parts.size} parts, and the requests make ${parts}`);
  }

  /** The key of a job: the same in every run that goes on with this one. */
  key(part: number, round: number): string {
    return `${this.#runId ?? ''}:${part}:${round}`;
  }

  fileOf(key: string): string | undefined {
    return this.#files.get(key);
  }

  jobOf(key: string): string | undefined {
    return this.#jobs.get(key);
  }

  /** Whether a run that goes on with this journal would make a job of the file. */
  needsFile(fileId: string): boolean {
    return this.#journal !== undefined && [...this.#files].some(([key, id]) => id === fileId && !this.#jobs.has(key));
  }

  /** Whether a job was about to be created under `key`. */
  mayHaveCreated(key: string): boolean {
    return this.#creating.has(key);
  }

  /** Writes a record down; completes when it would survive a crash. */
  write(record: JournalRecord): Observable<never> {
    return defer(() => {
      this.#take(record);
      const journal = this.#journal;
      if (journal === undefined) return EMPTY;
      const before = this.#last;
      const written = before === undefined ? journal.append(record) : before.then(() => journal.append(record));
      if (written === undefined) return EMPTY;
      this.#last = written;
      return written;
    }).pipe(ignoreElements());
  }

  #take(record: JournalRecord): void {
    switch (record.type) {
      case 'run':
        if ((record.version as number) !== 1) throw mismatch('it was written by another version of the library');
        if (record.endpoint !== this.#endpoint) throw mismatch(`it is of the endpoint ${record.endpoint}`);
        this.#runId = record.runId;
        break;
      case 'part':
        this.#parts.set(record.part, record);
        break;
      case 'uploaded':
        this.#files.set(record.key, record.fileId);
        break;
      case 'creating':
        this.#creating.add(record.key);
        break;
      case 'created':
        this.#jobs.set(record.key, record.jobId);
        break;
      case 'complete':
        this.#isComplete = true;
    }
  }
}

function mismatch(what: string): RxMistralError {
  return new RxMistralError({ kind: 'validation', message: `The journal does not belong to this run: ${what}` });
}
