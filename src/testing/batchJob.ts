import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import { defaultCreated, defaultModel } from './completionDefaults.js';

/** What {@link batchJob} takes; all of it may be left out. */
export interface BatchJobFields extends Partial<Omit<BatchJob, 'status'>> {
  /** A known status, or any other. @defaultValue `'QUEUED'` */
  readonly status?: BatchJob['status'] | (string & Record<never, never>) | undefined;
}

/**
 * The SDK's `BatchJob`; whatever is not given is that of a job of 10 requests that has just been created.
 * `completedRequests` is the sum of the succeeded and the failed, unless it is given.
 *
 * ```ts
 * const mistral = fakeMistral({ 'batch.jobs.get': [batchJob({ status: 'RUNNING' }), batchJob({ status: 'SUCCESS' })] });
 * ```
 */
export function batchJob(fields: BatchJobFields = {}): BatchJob {
  const { status = 'QUEUED', succeededRequests = 0, failedRequests = 0 } = fields;
  return {
    id: 'job-1',
    object: 'batch',
    inputFiles: [],
    endpoint: '/v1/chat/completions',
    model: defaultModel,
    errors: [],
    createdAt: defaultCreated,
    totalRequests: 10,
    completedRequests: succeededRequests + failedRequests,
    succeededRequests,
    failedRequests,
    ...fields,
    // The type of the SDK marks what it does not know; the server does not.
    status: status as BatchJob['status'],
  };
}
