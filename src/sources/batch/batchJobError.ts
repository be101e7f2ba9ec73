import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import { BatchJobError } from '../../errors/BatchJobError.js';
import { bounded } from '../../errors/describeCause.js';

const maxErrors = 20;
const maxMessageLength = 200;

/** The error of a job that did not come to its end. */
export function batchJobError(job: BatchJob, reason: string): BatchJobError {
  const errors = job.errors.slice(0, maxErrors).map(({ message, count }) => ({ message: bounded(message, maxMessageLength), count }));
  const [first] = errors;
  const details = first === undefined ? '' : ` (${first.count} × ${first.message})`;
  const { id, status, endpoint, model, inputFiles, outputFile, errorFile } = job;
  const { totalRequests, completedRequests, succeededRequests, failedRequests } = job;
  return new BatchJobError({
    message: `The batch job ${id} ${reason}, with ${completedRequests} of ${totalRequests} requests done${details}`,
    job: {
      id,
      status,
      endpoint,
      model,
      inputFiles,
      outputFile,
      errorFile,
      errors,
      totalRequests,
      completedRequests,
      succeededRequests,
      failedRequests,
    },
  });
}
