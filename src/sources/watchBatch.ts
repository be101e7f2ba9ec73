import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import {
  asyncScheduler,
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  ignoreElements,
  type Observable,
  of,
  repeat,
  takeUntil,
  takeWhile,
  throwError,
  timer,
} from 'rxjs';
import { expectDuration, expectFunction, expectMethods, expectOneOf, fail } from '../errors/expect.js';
import { isRxMistralError, RxMistralError } from '../errors/RxMistralError.js';
import type { BatchProgress } from '../events/BatchProgress.js';
import { BatchWatch, endingOf } from '../events/BatchWatch.js';
import { type Backoff, constantBackoff, exponentialBackoff, nextDelay } from '../policies/backoff.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { batchJobsCancelOperation } from '../transport/operations/batchJobsCancel.js';
import { batchJobsGetOperation } from '../transport/operations/batchJobsGet.js';
import { batchJobError } from './batch/batchJobError.js';
import { batchRetry } from './batch/batchRetry.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectId } from './expectRequest.js';

/** How a batch job is watched. Timeouts and retries are those of each poll. */
export interface WatchBatchOptions extends CallOptions {
  /**
   * The time from one poll's answer to the next poll: milliseconds, or a schedule that grows. A poll is made earlier
   * where the job would be `stuck` before it.
   * @defaultValue `exponentialBackoff({ initial: 2_000, max: 60_000, factor: 1.5, jitter: 'none' })`
   */
  readonly interval?: number | Backoff | undefined;
  /**
   * How a failed poll is repeated. A watch lasts for hours, so, unlike elsewhere, the default is to retry; `false` ends
   * the watch at the first failure. The job itself goes on in any case.
   * @defaultValue `{ maxRetries: 20, backoff: exponentialBackoff({ initial: 1_000, max: 60_000 }) }`, about ten minutes
   */
  readonly retry?: CallOptions['retry'];
  /**
   * After so long without progress the job is stuck, in milliseconds.
   * @defaultValue never
   */
  readonly stuckAfter?: number | undefined;
  /**
   * What becomes of a job that is stuck, after the event that says so: `wait` goes on, `error` ends the watch with a
   * `BatchJobError`, `cancel` cancels the job and watches it to its end.
   * @defaultValue `'wait'`
   */
  readonly onStuck?: 'wait' | 'error' | 'cancel' | undefined;
  /**
   * The watch ends with a `BatchJobError` when the job is not done within so many milliseconds from the subscription.
   * The job goes on. A status that nobody knows may last for ever, so a program that nobody watches should have one.
   * @defaultValue none
   */
  readonly deadline?: number | undefined;
  /**
   * The source of chance for `interval`: from 0 up to 1.
   * @defaultValue `Math.random`
   */
  readonly random?: (() => number) | undefined;
}

/**
 * Watches a batch job until it has ended.
 *
 * ```
 * polls:       q---q---r---r---s       q: QUEUED   r: RUNNING   s: SUCCESS
 * watchBatch:  q-------r-------(s|)    what has not changed is not emitted again
 * ```
 *
 * Cold: a subscription polls for itself, at once and then after each `interval`, never two polls at a time.
 * Unsubscribing ends the poll that is under way; the job goes on. Several views of one job share one poll by rxjs:
 * `watchBatch(client, jobId).pipe(share())`.
 *
 * **Values**: a {@link BatchProgress} when the status, a count or a file has changed, or when the job has become
 * `stuck` (or is no more). A status that this library does not know is shown and waited for.
 *
 * **Completes** after the progress that says `SUCCESS`. What has failed in the job is in its error file:
 * {@link batchResults} reads both.
 *
 * **Fails** with a `BatchJobError`, which has the job with its errors, after the progress that says `FAILED`,
 * `TIMEOUT_EXCEEDED` or `CANCELLED` (such a job may have results all the same), when it is stuck and `onStuck` says
 * so, and at the `deadline`; with the poll's own error where that fails for good.
 *
 * @throws TypeError at once when the client is none, `jobId` is no id, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { watchBatch } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const job = await client.batch.jobs.create({
 *   endpoint: '/v1/chat/completions',
 *   model: 'mistral-small-latest',
 *   requests: [{ customId: 'a', body: { messages: [{ role: 'user', content: 'Name three rivers.' }] } }],
 * });
 *
 * watchBatch(client, job.id, { interval: 1_000, deadline: 3_600_000 }).subscribe({
 *   next: ({ job: { status }, done, total, remainingMs }) => console.log(status, `${done}/${total}`, remainingMs),
 *   error: (error: unknown) => console.error(error),
 * });
 * ```
 *
 * @see {@link runBatch} for the whole trip
 */
export function watchBatch(client: MistralClient, jobId: string, options: WatchBatchOptions = {}): Observable<BatchProgress> {
  const transport = transportOf(client);
  expectId('jobId', jobId);
  expectWatchOptions(options);
  const { stuckAfter = Infinity, onStuck = 'wait', deadline, scheduler = asyncScheduler } = options;
  const { interval = defaultInterval } = options;
  // eslint-disable-next-line no-restricted-properties -- the door that chance comes in by
  const { random = Math.random } = options;
  const callOptions: CallOptions = { ...options, retry: options.retry ?? batchRetry };

  return defer(() => {
    const watch = new BatchWatch(stuckAfter);
    let schedule = typeof interval === 'number' ? constantBackoff(interval) : interval;
    let latest: BatchJob | undefined;
    let isCancelled = false;

    const cancel = defer(() => {
      if (isCancelled) return EMPTY;
      isCancelled = true;
      return callOnce(transport, batchJobsCancelOperation, { jobId }, callOptions).pipe(
        ignoreElements(),
        // It has ended in the meantime: the next poll says how.
        catchError((error: unknown) => (isRxMistralError(error) && error.status === 409 ? EMPTY : throwError(() => error))),
      );
    });

    const consequence = ({ job, stuck }: BatchProgress): Observable<never> => {
      const ending = endingOf(job);
      if (ending !== undefined && ending !== 'SUCCESS') return throwError(() => batchJobError(job, `has ended as ${ending}`));
      if (!stuck || onStuck === 'wait') return EMPTY;
      return onStuck === 'cancel' ? cancel : throwError(() => batchJobError(job, `has made no progress for ${stuckAfter} ms`));
    };

    const outOfTime = defer(() => (deadline === undefined ? EMPTY : timer(deadline, scheduler))).pipe(
      concatMap(() => throwError(() => late(latest, jobId, deadline))),
    );

    return callOnce(transport, batchJobsGetOperation, { jobId }, callOptions).pipe(
      repeat({
        delay: (poll) => {
          const { delayMs, next } = nextDelay(schedule, { attempt: poll, random });
          schedule = next;
          const untilStuck = watch.stuckAt - scheduler.now();
          return timer(untilStuck > 0 ? Math.min(delayMs, untilStuck) : delayMs, scheduler);
        },
      }),
      concatMap((job) => {
        latest = job;
        const progress = watch.take(job, scheduler.now());
        return progress === undefined ? EMPTY : concat(of(progress), consequence(progress));
      }),
      takeWhile(({ job }) => endingOf(job) !== 'SUCCESS', true),
      takeUntil(outOfTime),
    );
  });
}

const defaultInterval = exponentialBackoff({ initial: 2_000, max: 60_000, factor: 1.5, jitter: 'none' });

/** Throws a `TypeError` that names the option which is out of range. */
export function expectWatchOptions(options: WatchBatchOptions): void {
  expectCallOptions(options);
  const { interval, stuckAfter, onStuck, deadline, random } = options;
  if (typeof interval === 'number') expectDuration('interval', interval, 1);
  else expectMethods('interval', interval, 'milliseconds or a Backoff', ['next']);
  expectDuration('stuckAfter', stuckAfter, 1);
  expectOneOf('onStuck', onStuck, ['wait', 'error', 'cancel']);
  if (onStuck !== undefined && onStuck !== 'wait' && stuckAfter === undefined) fail('stuckAfter', 'given with `onStuck`', stuckAfter);
  expectDuration('deadline', deadline);
  expectFunction('random', random);
}

function late(job: BatchJob | undefined, jobId: string, deadline: number | undefined): RxMistralError {
  const reason = `was not done within its deadline of ${deadline ?? 0} ms`;
  return job === undefined
    ? new RxMistralError({ kind: 'timeout', which: 'total', message: `The batch job ${jobId} ${reason}; no poll was answered` })
    : batchJobError(job, reason);
}
