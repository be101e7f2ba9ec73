import { batchJobsCancel } from '@mistralai/mistralai/funcs/batchJobsCancel.js';
import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { JobsApiRoutesBatchCancelBatchJobRequest } from '@mistralai/mistralai/models/operations/jobsapiroutesbatchcancelbatchjob.js';
import { decodeBatchJob } from '../decodeBatchJob.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/batch/jobs/{id}/cancel`. */
export const batchJobsCancelOperation: UnaryOperation<'batch.jobs.cancel', JobsApiRoutesBatchCancelBatchJobRequest, BatchJob> = {
  name: 'batch.jobs.cancel',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('jobId', request.jobId);
    return batchJobsCancel(client, request, options);
  },
  decode: decodeBatchJob,
};
