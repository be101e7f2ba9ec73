import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { CreateBatchJobRequest } from '@mistralai/mistralai/models/components/createbatchjobrequest.js';
import { catchError, defer, EMPTY, expand, find, map, mergeMap, type Observable, of, take, tap, throwError } from 'rxjs';
import { isRxMistralError } from '../../errors/RxMistralError.js';
import { retryWithBackoff } from '../../operators/retryWithBackoff.js';
import type { MistralTransport } from '../../transport/MistralTransport.js';
import { batchJobsCreateOperation } from '../../transport/operations/batchJobsCreate.js';
import { batchJobsListOperation } from '../../transport/operations/batchJobsList.js';
import { type CallOptions, retryConfigOf } from '../CallOptions.js';
import { callOnce } from '../callOnce.js';

/** The name, in the metadata of a job, of the key by which a job is found again. */
export const jobKeyName = 'rxmistral';

/** A job, and whether it was there before. */
export interface CreatedJob {
  readonly job: BatchJob;
  readonly found: boolean;
}

/**
 * Creates a job under a key of our own in its metadata. Creating is no idempotent call: where the answer is lost, the job
 * may be there. So after any failure, or where `mayExist` says that there was an attempt before, the job is looked for
 * first, and only what is not found is created. An answer that cannot be read is a lost one.
 */
export function createJob(
  transport: MistralTransport,
  request: CreateBatchJobRequest,
  key: string,
  options: CallOptions,
  mayExist: boolean,
): Observable<CreatedJob> {
  const once: CallOptions = { ...options, retry: false };
  const retry = retryConfigOf(options);
  const keyed = { ...request, metadata: { ...request.metadata, [jobKeyName]: key } };

  return defer(() => {
    let isUncertain = mayExist;
    const attempt = defer(() => (isUncertain ? findJob(transport, key, options) : of(undefined))).pipe(
      mergeMap((job) =>
        job === undefined
          ? callOnce(transport, batchJobsCreateOperation, keyed, once).pipe(
              map((created) => ({ job: created, found: false })),
              catchError((error: unknown) => throwError(() => repeatable(error))),
            )
          : of({ job, found: true }),
      ),
      tap({
        error: () => {
          isUncertain = true;
        },
      }),
    );
    return retry === undefined ? attempt : attempt.pipe(retryWithBackoff(retry));
  });
}

function repeatable(error: unknown): unknown {
  return isRxMistralError(error) && error.kind === 'protocol' ? error.with({ retryable: true }) : error;
}

const pageSize = 100;
const maxPages = 100;

interface Page {
  readonly number: number;
  readonly jobs: readonly BatchJob[];
  /** With those of the pages before. */
  readonly seen: number;
  readonly total: number;
}

/** The job that was created under `key`, if there is one among the 10,000 latest. */
export function findJob(transport: MistralTransport, key: string, options: CallOptions): Observable<BatchJob | undefined> {
  const page = (number: number, before: number): Observable<Page> =>
    callOnce(
      transport,
      batchJobsListOperation,
      { page: number, pageSize, orderBy: '-created' },
      options,
    ).pipe(map(({ data, total }) => ({ number, jobs: data ?? [], seen: before + (data ?? []).length, total })));

  return page(0, 0).pipe(
    // By the total, not by the size of the page: a server may give fewer than it was asked for.
    expand(({ number, jobs, seen, total }) => (jobs.length === 0 || seen >= total || number + 1 >= maxPages ? EMPTY : page(number + 1, seen))),
    // Looked at here: the SDK writes the API's filter by metadata as parameters of the query that no server knows.
    mergeMap(({ jobs }) => jobs),
    find((job) => job.metadata?.[jobKeyName] === key),
    take(1),
  );
}
