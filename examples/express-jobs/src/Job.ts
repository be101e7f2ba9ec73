import { randomUUID } from 'node:crypto';
import { accumulate, type ChatEvent, isRxMistralError, RxMistralError } from 'rxmistral';
import type { ReplayStore } from 'rxmistral/sse';
import { catchError, defer, EMPTY, last, map, type Observable, of, Subject, takeUntil, tap } from 'rxjs';
import type { JobEnd, JobEvent, JobResult, JobStatus } from './JobEvent.js';

/** What somebody wants to have done. */
export interface JobRequest {
  readonly prompt: string;
  /** Where the end of the job is posted. */
  readonly callbackUrl?: string | undefined;
}

/** A job as its owner may see it. */
export interface JobView {
  readonly jobId: string;
  readonly status: JobStatus;
  /** How many calls to the model it took so far. */
  readonly attempts: number;
  readonly result?: JobResult | undefined;
  readonly error?: RxMistralError | undefined;
}

/** A job: its state, and all that it tells, which stands in its stream of the store for whoever comes. */
export class Job {
  readonly id = randomUUID();
  readonly request: JobRequest;
  readonly #replay: ReplayStore;
  readonly #cancelled = new Subject<void>();
  #status: JobStatus = 'queued';
  #attempts = 0;
  #told = 0;
  #end: JobEnd | undefined;

  /** @throws RxMistralError of kind `limit` where the store has no place. */
  constructor(request: JobRequest, replay: ReplayStore) {
    this.request = request;
    this.#replay = replay;
    // The store in memory answers at once; one that answers by promises has to be waited for, here and below.
    void replay.create(this.id);
    this.#tell({ type: 'job-queued', jobId: this.id });
  }

  get status(): JobStatus {
    return this.#status;
  }

  get view(): JobView {
    const end = this.#end;
    return {
      jobId: this.id,
      status: this.#status,
      attempts: this.#attempts,
      ...(end?.type === 'job-completed' && { result: end.result }),
      ...(end?.type === 'job-failed' && { error: end.error }),
    };
  }

  /** Does the job, unless it was cancelled: emits it when it has come to its own end, and never fails. */
  run(answer: Observable<ChatEvent>): Observable<Job> {
    return defer(() => {
      if (this.#status !== 'queued') return EMPTY;
      this.#status = 'running';
      this.#attempts = 1;
      this.#tell({ type: 'job-started', jobId: this.id });
      return answer.pipe(
        tap((event) => {
          if (event.type === 'retry') this.#attempts += 1;
          this.#tell(event);
        }),
        accumulate(),
        last(),
        map(({ text, finishReason, usage }): JobEnd => ({ type: 'job-completed', jobId: this.id, result: { text, finishReason, usage } })),
        catchError((error: unknown) => of<JobEnd>({ type: 'job-failed', jobId: this.id, error: errorOf(error) })),
        map((end) => {
          this.#finish(end);
          return this;
        }),
        takeUntil(this.#cancelled),
      );
    });
  }

  /** Ends the job, whether it waits or runs; the call to the model with it. Returns whether there was something to end. */
  cancel(): boolean {
    if (this.#status !== 'queued' && this.#status !== 'running') return false;
    this.#finish({ type: 'job-cancelled', jobId: this.id });
    this.#cancelled.next();
    return true;
  }

  #finish(end: JobEnd): void {
    this.#end = end;
    this.#status = statusOf[end.type];
    this.#tell(end);
    void this.#replay.end(this.id);
  }

  #tell(event: JobEvent): void {
    this.#told += 1;
    void this.#replay.append(this.id, [{ id: this.#told, event: '', data: JSON.stringify(event) }]);
  }
}

// What the model's call fails with is one already.
function errorOf(error: unknown): RxMistralError {
  return isRxMistralError(error) ? error : new RxMistralError({ kind: 'validation', message: 'The job could not be done', cause: error });
}

const statusOf = { 'job-completed': 'completed', 'job-failed': 'failed', 'job-cancelled': 'cancelled' } as const;
