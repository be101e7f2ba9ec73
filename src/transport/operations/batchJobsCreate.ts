import { batchJobsCreate } from '@mistralai/mistralai/funcs/batchJobsCreate.js';
import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { CreateBatchJobRequest } from '@mistralai/mistralai/models/components/createbatchjobrequest.js';
import { decodeBatchJob } from '../decodeBatchJob.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/batch/jobs`. Never to be repeated blindly: a create whose answer got lost has made its job all the same. */
export const batchJobsCreateOperation: UnaryOperation<'batch.jobs.create', CreateBatchJobRequest, BatchJob> = {
  name: 'batch.jobs.create',
  kind: 'unary',
  send: batchJobsCreate,
  decode: decodeBatchJob,
};
