import { catchError, defer, map, type Observable, type ObservableInput, throwError } from 'rxjs';
import {
  expectBoolean,
  expectFunction,
  expectInteger,
  expectMethods,
  expectObject,
  expectOneOf,
  expectText,
  fail,
} from '../errors/expect.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import type { BatchBodies, BatchEndpoint } from '../events/BatchBodies.js';
import type { BatchEvent, BatchRequest, BatchResult, MissingBatchResult, RejectedBatchResult } from '../events/BatchEvent.js';
import type { BatchJournal } from '../events/BatchJournal.js';
import type { BatchSpool } from '../events/BatchSpool.js';
import { expectStandardSchema, type StandardSchemaV1 } from '../events/StandardSchemaV1.js';
import { validateWith } from '../events/validateWith.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import type { MistralTransport } from '../transport/MistralTransport.js';
import { batchRetry } from './batch/batchRetry.js';
import { BatchRun } from './batch/BatchRun.js';
import { jobKeyName } from './batch/createJob.js';
import { memorySpool } from './batch/memorySpool.js';
import { invalid } from './batch/PartWriter.js';
import type { BatchPlan } from './batch/RunContext.js';
import { RunJournal } from './batch/RunJournal.js';
import type { CallOptions } from './CallOptions.js';
import { expectId, expectRequests } from './expectRequest.js';
import { expectWatchOptions, type WatchBatchOptions } from './watchBatch.js';

/** What is sent again of what a job has left without a result. */
export interface ResubmitOptions {
  /**
   * How often, at most: an integer of at least 0.
   * @defaultValue 2
   */
  readonly rounds?: number | undefined;
  /**
   * Whether a request is worth another try.
   * @defaultValue where its error, or the way in which it is missing, is `retryable`
   */
  readonly when?: ((result: RejectedBatchResult | MissingBatchResult) => boolean) | undefined;
}

/**
 * How a batch is run. `interval`, `stuckAfter`, `onStuck` and `deadline` are those of {@link watchBatch}, for each job:
 * a job that is cancelled because it is stuck is sent again as far as it was not done. `timeouts`, `limiter` and `retry` are those
 * of each call, upload and download; for an upload, `firstEvent` is how long the socket takes no further piece of it.
 */
export interface BatchOptions<Endpoint extends BatchEndpoint = '/v1/chat/completions', Body = BatchBodies[Endpoint]>
  extends WatchBatchOptions {
  /**
   * The endpoint that the requests are for.
   * @defaultValue `'/v1/chat/completions'`
   */
  readonly endpoint?: Endpoint | undefined;
  /** The model of the jobs. @defaultValue the `model` of the bodies, which has to be one and the same */
  readonly model?: string | undefined;
  /** The agent of the jobs, in place of a model. */
  readonly agentId?: string | undefined;
  /**
   * Sends the requests within the job instead of as a file; then a job has at most 10,000.
   * @defaultValue false
   */
  readonly inline?: boolean | undefined;
  /**
   * The most requests of one job: an integer of at least 1. (Mistral's pages disagree on 100,000 or 1,000,000.)
   * @defaultValue 100,000; 10,000 where `inline`
   */
  readonly maxRequestsPerJob?: number | undefined;
  /**
   * The most bytes of one file: an integer of at least 1.
   * @defaultValue 512,000,000
   */
  readonly maxFileBytes?: number | undefined;
  /** How long a job may take: an integer of hours from 1 to 168. @defaultValue the server's: 24 */
  readonly timeoutHours?: number | undefined;
  /** Stored with each job: keys of at most 32 characters, values of at most 512. `rxmistral` is the key of our own. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /**
   * How many jobs are under way at once: an integer of at least 1.
   * @defaultValue 4
   */
  readonly concurrency?: number | undefined;
  /** What is sent again. */
  readonly resubmit?: ResubmitOptions | undefined;
  /**
   * What becomes of the jobs on the server when nobody listens any more, or the run fails: `detach` leaves them running
   * (`attach` or a journal goes on with them), `cancel` cancels them.
   * @defaultValue `'detach'`
   */
  readonly onUnsubscribe?: 'detach' | 'cancel' | undefined;
  /**
   * Jobs that are there already, made from these same requests: they are followed first, and what they leave is sent
   * again as `resubmit` says. Without any requests, their results are emitted as they are.
   */
  readonly attach?: readonly string[] | undefined;
  /**
   * Which files on the server are deleted at the end of the run: none, the ones that were uploaded, or the results too.
   * @defaultValue `'none'`
   */
  readonly cleanup?: 'none' | 'input' | 'all' | undefined;
  /** Checks each body before anything is sent, and may transform it: any Standard Schema. */
  readonly schema?: StandardSchemaV1<unknown, Readonly<Record<string, unknown>>> | undefined;
  /** Checks, and may transform, the body of each result: see {@link BatchResultsOptions}. */
  readonly resultSchema?: StandardSchemaV1<unknown, Body> | undefined;
  /** Holds the download back, as in {@link BatchResultsOptions}. Its error ends the run. */
  readonly onResult?: ((result: BatchResult<Body>) => ObservableInput<unknown>) | undefined;
  /**
   * Where the requests are kept until they are answered.
   * @defaultValue memory, for at most 128 MiB: more is an error of kind `limit` before anything is sent
   */
  readonly spool?: BatchSpool | undefined;
  /** What lets a run go on after a crash. @defaultValue none */
  readonly journal?: BatchJournal | undefined;
}

/**
 * Runs requests as batch jobs, at half the price of live calls and outside their limits: from the requests to the
 * results, each joined to its request by `customId`.
 *
 * ```
 * requests:  (abc|)
 * runBatch:  p---u---j---g---g---a-c-R---j---g---b-(S|)
 *
 * p: file-prepared  u: file-uploaded  j: job-created  g: job-progress  R: resubmitted (b failed in a way that may pass)
 * a, b, c: result   S: complete
 * ```
 *
 * Cold; a subscription is a run. First all requests are checked and written into the `spool`, as JSON lines, in parts of
 * at most `maxRequestsPerJob` and `maxFileBytes`; nothing is sent before all are known to be good. Then each part is
 * uploaded (as a stream: a file of 512 MB never sits in memory) or sent inline, and a job is created, watched and its
 * result files read. What failed in a way that may pass, or is in none of the files, is sent again as a job of its own.
 *
 * **Every request ends as exactly one `result`**: `fulfilled` with the body, `rejected` with the error, or `missing` with
 * the reason. The `complete` event has the sums; no requests are no job, and sums of 0.
 *
 * **A job that fails** (`FAILED`, `TIMEOUT_EXCEEDED`, `CANCELLED`) has its results read as far as there are any; the rest
 * is sent again, or missing. So is a job that is not done within the `deadline`, which is not sent again: it may be at
 * work still.
 *
 * **Fails** where a request cannot be sent (kind `validation`, the message names it by its place), the spool is full
 * (kind `limit`), where the first upload or job of a part is refused for good (a wrong key is wrong for all), and with
 * what `onResult` or `resubmit.when` fails with.
 *
 * **Unsubscribing** ends the calls, down to the sockets, and takes the spool's files away; `onUnsubscribe` says what
 * becomes of the jobs.
 *
 * **A lost answer** to the creation of a job makes no second job: each carries a key in its metadata, and is looked for
 * before it is created again. **After a crash**, a run that is given the same requests and the `journal` goes on with the
 * jobs that are there. It emits every result, those too that the run before it had emitted: who stores them, stores them
 * by `customId`. A run that was complete is told again as it was, as long as the server keeps its results.
 *
 * What is held in memory is about 200 bytes a request, its `customId` included, and the spool.
 *
 * @throws TypeError at once when the client is none, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { runBatch } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const rivers = ['Loire', 'Rhine', 'Danube'].map((river) => ({
 *   customId: river,
 *   body: { messages: [{ role: 'user', content: `Where does the ${river} end?` }] },
 * }));
 *
 * runBatch(client, rivers, { model: 'mistral-small-latest', interval: 1_000 }).subscribe({
 *   next: (event) => {
 *     if (event.type === 'job-progress') console.log(`${event.done} of ${event.total}`);
 *     else if (event.type === 'result' && event.status === 'fulfilled') {
 *       console.log(event.customId, event.body.choices[0]?.message.content);
 *     } else if (event.type === 'complete') console.log(event.fulfilled, event.rejected, event.missing);
 *   },
 *   error: (error: unknown) => console.error(error),
 * });
 * ```
 *
 * @see {@link watchBatch} and {@link batchResults}, of which it is made
 * @see {@link completeMany} for the same results live or as a batch
 */
export function runBatch<Endpoint extends BatchEndpoint = '/v1/chat/completions', Body = BatchBodies[Endpoint]>(
  client: MistralClient,
  requests: ObservableInput<BatchRequest>,
  options: BatchOptions<Endpoint, Body> = {},
): Observable<BatchEvent<Body>> {
  const transport = transportOf(client);
  expectRequests(requests);
  expectBatchOptions(options);

  return batchRun(transport, requests, options);
}

/**
 * A run by options that were checked: what {@link runBatch} and {@link completeMany} have in common.
 *
 * @param make Makes the request that is sent of each that is given, in place of `schema`; where it emits none, none is.
 */
export function batchRun<Endpoint extends BatchEndpoint = '/v1/chat/completions', Body = BatchBodies[Endpoint]>(
  transport: MistralTransport,
  requests: ObservableInput<unknown>,
  options: BatchOptions<Endpoint, Body>,
  make?: (request: unknown) => Observable<BatchRequest>,
): Observable<BatchEvent<Body>> {
  return defer(() => {
    const plan = planOf(options);
    const journal = new RunJournal(options.journal, plan.job.endpoint);
    const runId = transport.createRequestId?.() ?? crypto.randomUUID();
    const run = new BatchRun(transport, { ...plan, check: make ?? plan.check }, journal);
    // Without a schema, a body is taken for what the type of its endpoint says.
    return run.events(requests, runId) as Observable<BatchEvent<Body>>;
  });
}

const maxInlineRequests = 10_000;

function planOf<Endpoint extends BatchEndpoint, Body>(options: BatchOptions<Endpoint, Body>): BatchPlan {
  const { endpoint = '/v1/chat/completions', agentId, metadata, timeoutHours, model, schema, inline = false } = options;
  const { headers, timeouts = defaultTimeouts, limiter, retry = batchRetry, maxEventBytes, scheduler } = options;
  const { interval, stuckAfter, onStuck, deadline, random } = options;
  const call: CallOptions = { headers, timeouts, limiter, retry, maxEventBytes, scheduler };
  const maxRequests = options.maxRequestsPerJob ?? 100_000;
  return {
    job: { endpoint, agentId, metadata, timeoutHours },
    limits: {
      maxRequests: inline ? Math.min(maxRequests, maxInlineRequests) : maxRequests,
      maxBytes: options.maxFileBytes ?? 512_000_000,
      model,
    },
    inline,
    concurrency: options.concurrency ?? 4,
    rounds: options.resubmit?.rounds ?? 2,
    when: options.resubmit?.when ?? isRetryable,
    attach: [...new Set(options.attach)],
    cancels: options.onUnsubscribe === 'cancel',
    cleanup: options.cleanup ?? 'none',
    check: schema && ((request, place) => checkBody(request, place, schema)),
    spool: options.spool ?? memorySpool(),
    call,
    watch: { ...call, interval, stuckAfter, onStuck, deadline, random },
    results: {
      ...call,
      schema: options.resultSchema,
      // What the schema makes is what the user's own function takes.
      onResult: options.onResult as BatchPlan['results']['onResult'],
    },
  };
}

// A run lasts for hours with nobody looking on: a server that is silent is asked again.
const defaultTimeouts = { firstEvent: 300_000, idle: 120_000 };

function isRetryable(result: RejectedBatchResult | MissingBatchResult): boolean {
  return result.status === 'missing' ? result.retryable : result.error.retryable;
}

function checkBody(request: unknown, place: number, schema: StandardSchemaV1<unknown, unknown>): Observable<unknown> {
  const body: unknown = typeof request === 'object' && request !== null && 'body' in request ? request.body : undefined;
  return validateWith(schema, body).pipe(
    map((checked) => ({ ...(request as BatchRequest), body: checked })),
    catchError((error: unknown) => throwError(() => invalid(place, `has a \`body\` that was refused: ${toRxMistralError(error).message}`))),
  );
}

const endpoints: Readonly<Record<BatchEndpoint, true>> = {
  '/v1/chat/completions': true,
  '/v1/fim/completions': true,
  '/v1/embeddings': true,
  '/v1/moderations': true,
  '/v1/chat/moderations': true,
  '/v1/ocr': true,
  '/v1/classifications': true,
  '/v1/chat/classifications': true,
  '/v1/conversations': true,
  '/v1/audio/transcriptions': true,
};

/** Throws a `TypeError` that names the option which is out of range. */
export function expectBatchOptions<Endpoint extends BatchEndpoint, Body>(options: BatchOptions<Endpoint, Body>): void {
  expectWatchOptions(options);
  expectOneOf('endpoint', options.endpoint, Object.keys(endpoints));
  expectText('model', options.model);
  if (options.agentId !== undefined) expectId('agentId', options.agentId);
  expectInteger('maxRequestsPerJob', options.maxRequestsPerJob, 1);
  expectInteger('maxFileBytes', options.maxFileBytes, 1);
  expectInteger('concurrency', options.concurrency, 1);
  const { timeoutHours, inline } = options;
  if (timeoutHours !== undefined && !(Number.isInteger(timeoutHours) && timeoutHours >= 1 && timeoutHours <= 168)) {
    fail('timeoutHours', 'an integer from 1 to 168', timeoutHours);
  }
  expectBoolean('inline', inline);
  expectMetadata(options.metadata);
  expectObject('resubmit', options.resubmit);
  expectInteger('resubmit.rounds', options.resubmit?.rounds, 0);
  expectFunction('resubmit.when', options.resubmit?.when);
  expectOneOf('onUnsubscribe', options.onUnsubscribe, ['detach', 'cancel']);
  expectOneOf('cleanup', options.cleanup, ['none', 'input', 'all']);
  const attach: unknown = options.attach;
  if (attach !== undefined && !Array.isArray(attach)) fail('attach', 'an array of job ids', attach);
  for (const [index, jobId] of (options.attach ?? []).entries()) expectId(`attach[${index}]`, jobId);
  expectStandardSchema('schema', options.schema);
  expectStandardSchema('resultSchema', options.resultSchema);
  expectFunction('onResult', options.onResult);
  expectMethods('spool', options.spool, 'a BatchSpool', ['create']);
  expectMethods('journal', options.journal, 'a BatchJournal', ['read', 'append']);
}

function expectMetadata(metadata: Readonly<Record<string, unknown>> | undefined): void {
  expectObject('metadata', metadata);
  for (const [key, value] of Object.entries(metadata ?? {})) {
    if (key === jobKeyName) fail('metadata', `without the key \`${jobKeyName}\`, which is the library's own`, metadata);
    if (key.length > 32) fail('metadata', 'with keys of at most 32 characters', metadata);
    if (typeof value !== 'string' || value.length > 512) {
      fail(`metadata.${key}`, 'text of at most 512 characters', typeof value === 'string' ? value.length : value);
    }
  }
}
