import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';

/** How far a batch job has come. */
export interface BatchProgress {
  /** The job, as the last poll found it; a status that this library does not know is passed on as it is. */
  readonly job: BatchJob;
  /** The requests that are done, well or badly. */
  readonly done: number;
  /** All its requests; 0 while the server has not counted them. */
  readonly total: number;
  /**
   * An estimate of the time that the rest takes, in milliseconds, from the pace since the watch began. `undefined`
   * until there was progress to measure it by.
   */
  readonly remainingMs?: number | undefined;
  /** Whether there was no progress for `stuckAfter`. */
  readonly stuck: boolean;
}
