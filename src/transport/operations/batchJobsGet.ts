import { batchJobsGet } from '@mistralai/mistralai/funcs/batchJobsGet.js';
import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { JobsApiRoutesBatchGetBatchJobRequest } from '@mistralai/mistralai/models/operations/jobsapiroutesbatchgetbatchjob.js';
import { decodeBatchJob } from '../decodeBatchJob.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/batch/jobs/{id}`. */
export const batchJobsGetOperation: UnaryOperation<'batch.jobs.get', JobsApiRoutesBatchGetBatchJobRequest, BatchJob> = {
  name: 'batch.jobs.get',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('jobId', request.jobId);
    return batchJobsGet(client, request, options);
  },
  decode: decodeBatchJob,
};
