import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import { concat, concatMap, defer, from, ignoreElements, mergeMap, type Observable, type ObservableInput, of } from 'rxjs';
import { expectFunction, expectObject, fail } from '../errors/expect.js';
import type { BatchBodies, BatchEndpoint } from '../events/BatchBodies.js';
import type { BatchResult } from '../events/BatchEvent.js';
import { expectStandardSchema, type StandardSchemaV1 } from '../events/StandardSchemaV1.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { batchJobsGetOperation } from '../transport/operations/batchJobsGet.js';
import { batchRetry } from './batch/batchRetry.js';
import { readResult, readResultLine } from './batch/resultLine.js';
import { type ResultFile, resultLines } from './batch/resultLines.js';
import { validateResult } from './batch/validateResult.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectId } from './expectRequest.js';

/** The body of a result, by the endpoint of the job: wire JSON; anything where the endpoint is not told. */
export type BatchBody<Endpoint extends BatchEndpoint | undefined> = Endpoint extends BatchEndpoint
  ? BatchBodies[Endpoint]
  : Readonly<Record<string, unknown>>;

/** How results are read. Timeouts and retries are those of each download; `maxEventBytes` bounds a line. */
export interface BatchResultsOptions<Endpoint extends BatchEndpoint | undefined = undefined, Body = BatchBody<Endpoint>>
  extends CallOptions {
  /** The endpoint of the job: gives the bodies their type. A job of another one is a `TypeError`. */
  readonly endpoint?: Endpoint;
  /**
   * Checks, and may transform, each body: any Standard Schema (zod, valibot, arktype, …). A body that does not fit is a
   * rejected result of kind `validation`.
   */
  readonly schema?: StandardSchemaV1<unknown, Body> | undefined;
  /**
   * Called with each result before it is emitted, one at a time; no more of the file is read before what it returns has
   * completed. So a slow database slows the download down, and nothing piles up. Its error ends the reading.
   */
  readonly onResult?: ((result: BatchResult<Body>) => ObservableInput<unknown>) | undefined;
  /**
   * How a failed or cut download is continued; `false` ends at the first failure.
   * @defaultValue 20 retries, after 1 s to 60 s: about ten minutes
   */
  readonly retry?: CallOptions['retry'];
}

/**
 * Reads the results of a batch job: its output file, then its error file, line by line; or its inline `outputs`.
 *
 * ```
 * files:         ---o-o-o-|e-e|      in any order, as the server wrote them
 * batchResults:  ---r-r-r--r-(r|)
 * ```
 *
 * Cold; unsubscribing ends the download, down to the socket. What is held is a piece of the file at a time: a file of
 * 512 MB never sits in memory. rxjs cannot tell a source to wait, so work that is slower than the network belongs into
 * `onResult`, which can.
 *
 * **Values**: a {@link BatchResult} for each line. A status of 400 and above is a rejected result with the error that a
 * live call would have failed with; so is a line that cannot be read: one bad line costs one result. `error` may be a bare
 * string. Lines are neither sorted nor joined: that is what {@link runBatch} does.
 *
 * **A cut download** is noticed (bytes announced, lines the job has counted, a last line that is no JSON) and continued
 * behind the last whole line: no result comes twice.
 *
 * **Completes** behind the last line. **Fails** where a download fails for good: results are kept for a day or so
 * (status 404 from then on), and where a line is longer than `maxEventBytes` (kind `limit`).
 *
 * @param job As {@link watchBatch} or the SDK gave it: a job that has ended, well or badly, may have files.
 * @throws TypeError at once when the client is none, `job` is no job, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { last, mergeMap } from 'rxjs';
 * import { batchResults, watchBatch } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const { id } = await client.batch.jobs.create({
 *   endpoint: '/v1/chat/completions',
 *   model: 'mistral-small-latest',
 *   requests: [{ customId: 'a', body: { messages: [{ role: 'user', content: 'Name three rivers.' }] } }],
 * });
 *
 * watchBatch(client, id, { interval: 1_000 })
 *   .pipe(last(), mergeMap(({ job }) => batchResults(client, job, { endpoint: '/v1/chat/completions' })))
 *   .subscribe({
 *     next: (result) => {
 *       if (result.status === 'fulfilled') console.log(result.customId, result.body.choices[0]?.message.content);
 *       else console.error(result.customId, result.error.message);
 *     },
 *     error: (error: unknown) => console.error(error),
 *   });
 * ```
 */
export function batchResults<Endpoint extends BatchEndpoint | undefined = undefined, Body = BatchBody<Endpoint>>(
  client: MistralClient,
  job: BatchJob,
  options: BatchResultsOptions<Endpoint, Body> = {},
): Observable<BatchResult<Body>> {
  const transport = transportOf(client);
  expectJob(job);
  expectCallOptions(options);
  const { endpoint, schema, onResult } = options;
  if (endpoint !== undefined && endpoint !== job.endpoint) fail('endpoint', `that of the job, ${job.endpoint}`, endpoint);
  expectStandardSchema('schema', schema);
  expectFunction('onResult', onResult);
  const callOptions: CallOptions = { ...options, retry: options.retry ?? batchRetry };

  const deliver = (results: readonly BatchResult[]): ObservableInput<BatchResult<Body>> => {
    // Without a schema, a body is taken for what the type of its endpoint says.
    const typed = results as readonly BatchResult<Body>[];
    if (schema === undefined && onResult === undefined) return typed;
    const checked = schema === undefined ? from(typed) : from(results).pipe(concatMap((result) => validateResult(result, schema)));
    if (onResult === undefined) return checked;
    return checked.pipe(
      concatMap((result) => concat(defer(() => from(onResult(result))).pipe(ignoreElements()), of(result))),
    );
  };
  const readFile = (file: ResultFile): Observable<BatchResult<Body>> =>
    resultLines(transport, file, callOptions, (lines) => deliver(lines.map(readResultLine)));
  const readOutputs = (outputs: BatchJob['outputs']): Observable<BatchResult<Body>> =>
    from(deliver((outputs ?? []).map(readResult)));

  if (job.outputs && job.outputs.length > 0) return defer(() => readOutputs(job.outputs));
  const { outputFile, errorFile } = job;
  if (!outputFile && !errorFile) {
    // The results of inline requests are given to those who ask for them.
    return callOnce(transport, batchJobsGetOperation, { jobId: job.id, inline: true }, callOptions).pipe(
      mergeMap(({ outputs }) => readOutputs(outputs)),
    );
  }
  const files: ResultFile[] = [];
  if (outputFile) files.push({ fileId: outputFile, lines: job.succeededRequests });
  if (errorFile) files.push({ fileId: errorFile, lines: job.failedRequests });
  return concat(...files.map(readFile));
}

function expectJob(job: unknown): asserts job is BatchJob {
  expectObject('job', job);
  if (job === undefined) fail('job', 'a batch job', job);
  expectId('job.id', (job as BatchJob).id);
  const { outputFile, errorFile } = job as BatchJob;
  if (outputFile) expectId('job.outputFile', outputFile);
  if (errorFile) expectId('job.errorFile', errorFile);
}
