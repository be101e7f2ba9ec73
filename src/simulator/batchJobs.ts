import { jsonAnswer, type Answer, type JsonAnswer } from './answer.js';
import { batchAnswers, batchEndpoints } from './batchEndpoints.js';
import type { BatchStatus } from './batchFaults.js';
import type { BatchInput, BatchJob } from './batchJob.js';
import { errorBody, invalidRequest, validationFailed, type ValidationDetail } from './errorBodies.js';
import { complaint, complaints, digits, fieldComplaints, integerFrom, isFields, list, object, oneOf, string, tooShort, type Check, type Fields } from './fieldChecks.js';
import { fileNotFound } from './files.js';
import type { StoredFile } from './fileRegistry.js';
import { LineIndex } from './lineIndex.js';
import type { Route, RouteRequest } from './route.js';
import type { Simulation } from './simulation.js';
import { Spool } from './spool.js';

/**
 * `POST` and `GET /v1/batch/jobs`; `GET` and `DELETE /v1/batch/jobs/:id`, and its cancel. Neither this nor the requests of the jobs
 * count against the rate limit.
 */
export const batchJobRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/batch/jobs', handle: createJob },
  { method: 'GET', path: '/v1/batch/jobs', handle: listJobs },
  {
    method: 'GET',
    path: '/v1/batch/jobs/:id',
    handle: (request, simulation) =>
      withJob(request, simulation, (job) => jsonAnswer(200, jobBody(job, request.query.get('inline') === 'true' ? outputsOf(job, simulation) : null))),
  },
  {
    method: 'POST',
    path: '/v1/batch/jobs/:id/cancel',
    handle: (request, simulation) =>
      withJob(request, simulation, (job) => {
        job.cancel();
        return jsonAnswer(200, jobBody(job, null));
      }),
  },
  {
    method: 'DELETE',
    path: '/v1/batch/jobs/:id',
    handle: (request, simulation) =>
      withJob(request, simulation, ({ info: { id } }) => {
        simulation.batch.remove(id);
        return jsonAnswer(200, { id, object: 'batch', deleted: true });
      }),
  },
];

function withJob({ parameters }: RouteRequest, { batch }: Simulation, answer: (job: BatchJob) => JsonAnswer): JsonAnswer {
  const id = parameters['id'] ?? '';
  const job = batch.get(id);
  return job ? answer(job) : jsonAnswer(404, errorBody(`Batch job not found: ${id}`, 'not_found', null));
}

/** Requests in the body of a job, and results in that of an answer. */
const mostInline = 10_000;
const longestKey = 32;
const longestValue = 512;

interface CreateBody {
  readonly endpoint: string;
  readonly input_files?: readonly string[] | null;
  readonly requests?: readonly Fields[] | null;
  readonly model?: string | null;
  readonly agent_id?: string | null;
  readonly metadata?: Readonly<Record<string, string>> | null;
  readonly timeout_hours?: number | null;
}

function createJob({ body, record }: RouteRequest, simulation: Simulation): Answer {
  const { settings, batch, files } = simulation;
  const wrong = createComplaints(body);
  if (wrong.length > 0) return validationFailed(wrong, settings.validationErrors);

  const { endpoint, input_files, requests, model = null, agent_id = null, metadata = null, timeout_hours } = body as CreateBody;
  const inputs: BatchInput[] = [];
  for (const id of input_files ?? []) {
    const file = files.get(id);
    if (file === undefined) return fileNotFound(id);
    if (file.lines === undefined) return invalidRequest(`The purpose of file ${id} is not 'batch'`, 'invalid_file');
    inputs.push({ content: file.content, lines: file.lines });
  }
  const total = inputs.reduce((sum, { lines }) => sum + lines.count, requests?.length ?? 0);
  if (total === 0) return invalidRequest('The input files hold no requests', 'invalid_file');
  if (total > batch.settings.maxRequests) return invalidRequest(`A batch job has at most ${batch.settings.maxRequests} requests`);

  const target = { endpoint, model, agentId: agent_id };
  const job = batch.create({
    ...target,
    metadata,
    inputFiles: input_files ?? [],
    timeoutHours: timeout_hours ?? 24,
    inputs: requests ? [inlineInput(requests)] : inputs,
    isInline: Boolean(requests),
    answer: batchAnswers(target, record, simulation),
  });
  return jsonAnswer(200, jobBody(job, null));
}

function inlineInput(requests: readonly Fields[]): BatchInput {
  const input = { content: new Spool(), lines: new LineIndex() };
  for (const request of requests) {
    const line = Buffer.from(`${JSON.stringify(request)}\n`);
    input.content.append(line);
    input.lines.push(line);
  }
  return input;
}

function createComplaints(body: unknown): readonly ValidationDetail[] {
  const found = fieldComplaints(body, {
    required: { endpoint: oneOf(...batchEndpoints) },
    optional: { input_files: list, requests: list, model: string, agent_id: string, metadata: object, timeout_hours: integerFrom(1, 168) },
  });
  if (found.length > 0 || !isFields(body)) return found;
  const { input_files: files, requests, metadata } = body;
  return [...inputComplaints(files, requests), ...(isFields(metadata) ? metadataComplaints(metadata) : [])];
}

function inputComplaints(files: unknown, requests: unknown): readonly ValidationDetail[] {
  if (Array.isArray(files) === Array.isArray(requests)) {
    return [complaint(['body'], null, { type: 'value_error', msg: 'Value error, exactly one of input_files and requests must be given' })];
  }
  const [name, items, check] = Array.isArray(files) ? (['input_files', files, string] as const) : (['requests', requests as readonly unknown[], requestCheck] as const);
  const place = ['body', name];
  if (items.length === 0) return [complaint(place, items, tooShort)];
  if (name === 'requests' && items.length > mostInline) {
    return [complaint(place, null, { type: 'too_long', msg: `List should have at most ${mostInline} items after validation, not ${items.length}` })];
  }
  return items.flatMap((item: unknown, i) => complaints([...place, i], item, check));
}

const requestCheck: Check = (request) => {
  const wrong = object(request);
  if (wrong !== undefined || !isFields(request)) return wrong;
  const { custom_id = null, body } = request;
  return object(body) ?? (custom_id === null ? undefined : string(custom_id));
};

function metadataComplaints(metadata: Fields): readonly ValidationDetail[] {
  return Object.entries(metadata).flatMap(([key, value]) => {
    const place = ['body', 'metadata', key];
    if (key.length > longestKey) return [complaint(place, key, { type: 'string_too_long', msg: `String should have at most ${longestKey} characters` })];
    if (typeof value === 'string' && value.length > longestValue) {
      return [complaint(place, value, { type: 'string_too_long', msg: `String should have at most ${longestValue} characters` })];
    }
    return complaints(place, value, string);
  });
}

/** As the API writes it, and as the job's faults want it. */
function jobBody(job: BatchJob, outputs: readonly unknown[] | null): object {
  const { info, definition, faults, succeeded, failed } = job;
  const bare = faults.findLast((fault) => fault.kind === 'bare-job');
  const namesNoOutput = faults.some((fault) => fault.kind === 'no-output-file');
  const shown = {
    id: info.id,
    status: statusText(job),
    output_file: namesNoOutput ? null : idOf(job.outputFile),
    error_file: idOf(job.errorFile),
    outputs,
  };
  const others = {
    object: 'batch',
    input_files: definition.inputFiles,
    metadata: info.metadata,
    endpoint: info.endpoint,
    model: info.model,
    agent_id: info.agentId,
    errors: job.errors,
    created_at: seconds(job.createdAt),
    total_requests: info.totalRequests,
    completed_requests: succeeded + failed,
    succeeded_requests: succeeded,
    failed_requests: failed,
    started_at: job.startedAt === undefined ? null : seconds(job.startedAt),
    completed_at: job.completedAt === undefined ? null : seconds(job.completedAt),
  };
  if (bare === undefined) return { ...shown, ...others };
  return bare.as === 'missing' ? shown : { ...shown, ...Object.fromEntries(Object.keys(others).map((name) => [name, null])) };
}

function statusText({ status, faults }: BatchJob): string {
  const fault = faults.findLast((each) => each.kind === 'status-text' && (each.of ?? status) === status);
  if (fault?.kind !== 'status-text') return status;
  return fault.text ?? status.toLowerCase();
}

function idOf(file: StoredFile | undefined): string | null {
  return file?.id ?? null;
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}

/** The lines of both files, of those that can be read as JSON; of jobs with at most 10,000 requests. */
function outputsOf(job: BatchJob, { files }: Simulation): readonly unknown[] | null {
  if (!job.isOver || job.info.totalRequests > mostInline) return null;
  const stored = [job.outputFile, job.errorFile].flatMap((file) => (file ? [files.get(file.id)] : []));
  if (stored.includes(undefined)) return null;
  return stored.flatMap((file) => file?.content.read(0, file.content.size).toString().split('\n').flatMap(parsedObject) ?? []);
}

function parsedObject(line: string): readonly Fields[] {
  try {
    const json: unknown = JSON.parse(line);
    return isFields(json) ? [json] : [];
  } catch {
    return [];
  }
}

const knownParameters = ['page', 'page_size', 'model', 'agent_id', 'metadata', 'created_after', 'created_by_me', 'status', 'order_by'];
const date: Check = (value) => (Number.isNaN(Date.parse(String(value))) ? { type: 'datetime_parsing', msg: 'Input should be a valid datetime' } : undefined);

function listJobs({ query }: RouteRequest, { settings, batch }: Simulation): Answer {
  const wrong = fieldComplaints(
    Object.fromEntries(query),
    { optional: { page: digits, page_size: digits, created_after: date, order_by: oneOf('created', '-created') } },
    'query',
  );
  if (wrong.length > 0) return validationFailed(wrong, settings.validationErrors);

  const metadata = batch.settings.metadataFilter ? metadataIn(query) : [];
  const sought = batch.all.filter((job) => isSought(job, query) && metadata.every(([key, value]) => job.info.metadata?.[key] === value));
  const ordered = query.get('order_by') === 'created' ? sought : sought.toReversed();
  const pageSize = Number(query.get('page_size') ?? 100);
  const start = Number(query.get('page') ?? 0) * pageSize;
  const data = ordered.slice(start, start + pageSize).map((job) => jobBody(job, null));
  return jsonAnswer(200, { object: 'list', data, total: sought.length });
}

function isSought(job: BatchJob, query: URLSearchParams): boolean {
  const statuses = query.getAll('status');
  const after = query.get('created_after');
  return (
    (query.get('model') ?? job.info.model) === job.info.model &&
    (query.get('agent_id') ?? job.info.agentId) === job.info.agentId &&
    (statuses.length === 0 || statuses.includes(job.status satisfies BatchStatus)) &&
    (after === null || job.createdAt > Date.parse(after))
  );
}

/** The SDK writes an entry of the filter as a parameter of its own, under its own name; `metadata={…}` is understood too. */
function metadataIn(query: URLSearchParams): readonly (readonly [key: string, value: unknown])[] {
  const given = parsedObject(query.get('metadata') ?? '').flatMap((entries) => Object.entries(entries));
  return [...given, ...[...query].filter(([name]) => !knownParameters.includes(name))];
}
