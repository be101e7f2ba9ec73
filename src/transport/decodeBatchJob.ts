import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { ListBatchJobsResponse } from '@mistralai/mistralai/models/components/listbatchjobsresponse.js';
import { isObject, type Json, renameFields } from './json.js';

const names = [
  'input_files',
  'agent_id',
  'output_file',
  'error_file',
  'created_at',
  'total_requests',
  'completed_requests',
  'succeeded_requests',
  'failed_requests',
  'started_at',
  'completed_at',
];
const counts = ['createdAt', 'totalRequests', 'completedRequests', 'succeededRequests', 'failedRequests'];

/**
 * The SDK's `BatchJob` from JSON that the SDK's own check refused, in place. What is null or missing becomes the least that the
 * type allows: no errors and no files, a count of 0, an empty text. The status stays as it came.
 */
export function decodeBatchJob(json: unknown): BatchJob | undefined {
  if (!isObject(json) || typeof json['id'] !== 'string') return undefined;
  renameFields(json, names);
  json['object'] ??= 'batch';
  json['endpoint'] ??= '';
  json['status'] ??= '';
  json['inputFiles'] = Array.isArray(json['inputFiles']) ? json['inputFiles'] : [];
  json['errors'] = Array.isArray(json['errors']) ? json['errors'].map(decodeError) : [];
  for (const name of counts) json[name] = typeof json[name] === 'number' ? json[name] : 0;
  return json as unknown as BatchJob;
}

/** The SDK's `ListBatchJobsResponse` likewise; what is no job is left out. */
export function decodeBatchJobs(json: unknown): ListBatchJobsResponse | undefined {
  if (!isObject(json) || !Array.isArray(json['data'])) return undefined;
  const data = json['data'].map(decodeBatchJob).filter((job) => job !== undefined);
  return { object: 'list', data, total: typeof json['total'] === 'number' ? json['total'] : data.length };
}

function decodeError(error: unknown): Json {
  if (!isObject(error)) return { message: typeof error === 'string' ? error : '', count: 1 };
  return { ...error, message: typeof error['message'] === 'string' ? error['message'] : '', count: typeof error['count'] === 'number' ? error['count'] : 1 };
}
