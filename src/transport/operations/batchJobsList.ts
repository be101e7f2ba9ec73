import { batchJobsList } from '@mistralai/mistralai/funcs/batchJobsList.js';
import type { ListBatchJobsResponse } from '@mistralai/mistralai/models/components/listbatchjobsresponse.js';
import type { JobsApiRoutesBatchGetBatchJobsRequest } from '@mistralai/mistralai/models/operations/jobsapiroutesbatchgetbatchjobs.js';
import { decodeBatchJobs } from '../decodeBatchJob.js';
import type { UnaryOperation } from '../MistralTransport.js';

/**
 * `GET /v1/batch/jobs`. The SDK sends each entry of `metadata` as a query parameter of its own name, so a server may leave it
 * unread: who looks for a job by its metadata looks at the metadata of what comes.
 */
export const batchJobsListOperation: UnaryOperation<
  'batch.jobs.list',
  JobsApiRoutesBatchGetBatchJobsRequest | undefined,
  ListBatchJobsResponse
> = {
  name: 'batch.jobs.list',
  kind: 'unary',
  send: batchJobsList,
  decode: decodeBatchJobs,
};
