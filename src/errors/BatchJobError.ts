import type { FailedBatchJob } from './FailedBatchJob.js';
import { RxMistralError, type RxMistralErrorInit } from './RxMistralError.js';

/** A batch job did not come to its end: `job` says which, how far it had come, and the server's reasons. */
export class BatchJobError extends RxMistralError {
  declare readonly job: FailedBatchJob;

  constructor(init: Omit<RxMistralErrorInit, 'kind'> & { readonly job: FailedBatchJob }) {
    super({ ...init, kind: 'batch-job' });
  }
}
