import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { BatchProgress } from './BatchProgress.js';

const endings: readonly string[] = ['SUCCESS', 'FAILED', 'TIMEOUT_EXCEEDED', 'CANCELLED'];

/** How the job has ended, in upper case; `undefined` where it has not, or has a status that nobody knows. */
export function endingOf(job: BatchJob): string | undefined {
  const status = job.status.toUpperCase();
  return endings.includes(status) ? status : undefined;
}

/** Makes progress of what each poll found: what has changed, how fast, and whether the job is stuck. Pure; the caller brings the time. */
export class BatchWatch {
  readonly #stuckAfter: number;
  #first: { readonly done: number; readonly at: number } | undefined;
  #counts = '';
  #shown = '';
  #changedAt = 0;

  /** @param stuckAfter The milliseconds without progress after which a job is stuck. */
  constructor(stuckAfter: number) {
    this.#stuckAfter = stuckAfter;
  }

  /** The progress at `now`, or `undefined` where nothing has changed since the poll before. */
  take(job: BatchJob, now: number): BatchProgress | undefined {
    const done = job.completedRequests;
    const total = job.totalRequests;
    this.#first ??= { done, at: now };

    const counts = [job.status, total, done, job.succeededRequests, job.failedRequests].join();
    if (counts !== this.#counts) {
      this.#counts = counts;
      this.#changedAt = now;
    }
    const stuck = endingOf(job) === undefined && now - this.#changedAt >= this.#stuckAfter;

    const shown = [counts, stuck, job.outputFile, job.errorFile, job.errors.length, job.outputs?.length].join();
    if (shown === this.#shown) return undefined;
    this.#shown = shown;
    return { job, done, total, remainingMs: this.#remainingMs(this.#first, done, total, now), stuck };
  }

  /** When the job will be stuck if nothing changes until then. */
  get stuckAt(): number {
    return this.#changedAt + this.#stuckAfter;
  }

  // The clocks of server and client are not compared: only what was seen here counts.
  #remainingMs(first: { readonly done: number; readonly at: number }, done: number, total: number, now: number): number | undefined {
    if (total > 0 && done >= total) return 0;
    const progress = done - first.done;
    return progress > 0 ? Math.round(((now - first.at) / progress) * (total - done)) : undefined;
  }
}
