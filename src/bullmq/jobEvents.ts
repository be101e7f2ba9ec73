import type { Job, Queue } from 'bullmq';
import { asyncScheduler, concatMap, defer, EMPTY, expand, from, map, type Observable, of, race, type SchedulerLike, switchMap, takeWhile, throwError, timer } from 'rxjs';
import { expectDuration, expectObject, expectScheduler, expectText, fail } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { ReplayPage } from '../events/ReplayStore.js';
import type { EventLog } from '../redis/EventLog.js';
import { errorOfReason } from './failedReason.js';
import { expectQueue, findJob, isFinal, unknownJobError } from './findJob.js';
import type { JobEvent } from './JobEvent.js';
import { expectJobLogOptions, jobLogOf, type JobLogOptions, toJobEvent } from './JobLog.js';
import { findLogKey, logKeyOf } from './logKey.js';
import { redisOf } from './redisOf.js';

/** Options of {@link jobEvents}. */
export interface JobEventsReadOptions {
  /**
   * Behind which event it goes on: its `id`, or a request's `Last-Event-ID` as it came.
   * @defaultValue none: from the first event
   */
  readonly since?: string | null | undefined;
  /** What the workers of the queue were given as `events`. @defaultValue their default */
  readonly events?: JobLogOptions | undefined;
  /**
   * How often BullMQ is asked whether the job has ended, in milliseconds, for ends that no worker could write: of a job that
   * has lost its worker too often, or was removed.
   * @defaultValue 5,000
   */
  readonly pollInterval?: number | undefined;
  /** The timers. @defaultValue asyncScheduler */
  readonly scheduler?: SchedulerLike | undefined;
}

// What is taken of the log at once.
const pageSize = 256;
// In which what was written before the end is read, in milliseconds.
const lastLook = 1_000;

/** What is read next, and what it has brought. */
interface Step<E> {
  readonly events: readonly JobEvent<E>[];
  readonly after: number;
  readonly isOver: boolean;
}

/**
 * What becomes of a job, from any machine and from any point on: what was before `since` is left out, what is there already
 * is replayed, and the rest comes as it happens, in order, without a gap or a repeat.
 *
 * ```
 * log          s-x-y-z-C|
 * jobEvents    s-x-y-!                 the connection to the browser is lost
 * jobEvents           (z)C|            { since: id of y }, at another server
 * ```
 *
 * **Completes** behind the end of the job: `job-complete` or `job-failed`. A job that has failed is no error of the
 * Observable. Where the log is gone but BullMQ still knows the job, its end comes alone, with an empty `id`. A job that
 * is retried by hand has its next events behind that end as soon as a worker has taken it; until then its log has ended.
 *
 * **Fails** with an error of kind `validation` where there is no such job (any more); of kind `limit` where events behind `since`
 * are no longer kept, or `since` was never an event of this job; of kind `connection` where Redis does not answer.
 *
 * All who watch jobs over one `Queue` share its connection, and one more to listen on.
 *
 * @param queue Of BullMQ, on a client of `ioredis`.
 * @throws TypeError at once when an argument is malformed.
 *
 * @example
 * ```ts
 * import { Queue } from 'bullmq';
 * import { Redis } from 'ioredis';
 * import { catchError, EMPTY, finalize } from 'rxjs';
 * import { jobEvents } from 'rxmistral/bullmq';
 * import { toServerSentEvents } from 'rxmistral/sse';
 *
 * const connection = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
 * const queue = new Queue('chats', { connection });
 *
 * // In a handler: a browser that comes back to this or another server goes on where it was.
 * const respond = (jobId: string, lastEventId: string | null) =>
 *   new Response(toServerSentEvents(jobEvents(queue, jobId, { since: lastEventId }), { id: (event) => event.id }), {
 *     headers: { 'content-type': 'text/event-stream' },
 *   });
 * console.log(respond('job-1', null).status);
 *
 * jobEvents(queue, 'no-such-job')
 *   .pipe(
 *     catchError((error: unknown) => {
 *       console.log((error as Error).message);
 *       return EMPTY;
 *     }),
 *     finalize(() => connection.disconnect()),
 *   )
 *   .subscribe();
 * ```
 *
 * @see {@link processQueue}
 */
export function jobEvents<E = unknown>(queue: Queue, jobId: string, options: JobEventsReadOptions = {}): Observable<JobEvent<E>> {
  expectQueue(queue);
  if ((jobId as unknown) === undefined) fail('jobId', 'a string that is not empty', jobId);
  expectText('jobId', jobId);
  expectObject('options', options);
  const { events, pollInterval = 5_000, scheduler = asyncScheduler } = options;
  const since: unknown = options.since ?? '';
  if (typeof since !== 'string') fail('since', 'a string', since);
  expectObject('events', events);
  expectJobLogOptions(events);
  expectDuration('pollInterval', pollInterval, 1);
  expectScheduler('scheduler', scheduler);

  return defer(() => redisOf(queue)).pipe(
    switchMap((redis) => {
      // An id that this library has never given is behind no event.
      if (!/^\d{0,15}$/.test(since)) return throwError(() => goneError());
      const log = jobLogOf(redis, queue.qualifiedName, events, scheduler);
      return from(findLogKey(redis, queue.qualifiedName, jobId)).pipe(
        switchMap((key) => (key === undefined ? throwError(() => unknownJobError()) : readEvents<E>(log, key, Number(since)))),
      );
    }),
  );

  function readEvents<T>(log: EventLog, key: string, start: number): Observable<JobEvent<T>> {
    // A job that was added later with the same id is another one.
    const find = async (): Promise<Awaited<ReturnType<typeof findJob>>> => {
      const found = await findJob(queue, jobId);
      if (logKeyOf(jobId, found.job.timestamp) !== key) throw unknownJobError();
      return found;
    };

    const read = (after: number, patience: number): Observable<ReplayPage | undefined> =>
      race(log.read(key, after, pageSize), timer(patience, scheduler).pipe(map(() => undefined)));

    const next = (after: number): Observable<Step<T>> =>
      read(after, pollInterval).pipe(switchMap((page) => (page === undefined ? look(after) : follow(page, after))));

    const follow = (page: ReplayPage, after: number): Observable<Step<T>> => {
      switch (page.place) {
        case 'open':
          return of({ events: page.events.map((event) => toJobEvent<T>(jobId, event)), after: page.events.at(-1)?.id ?? after, isOver: false });
        case 'ended':
          return of({ events: [], after, isOver: true });
        case 'expired':
          return throwError(() => goneError());
        case 'unknown':
          return defer(find).pipe(
            switchMap(({ job, state }) => {
              if (isFinal(state)) return endFrom(job, state, after);
              if (after > 0) return throwError(() => goneError());
              // The worker that takes the job will find it there.
              return from(log.open(key)).pipe(map(() => nothing<T>(after)));
            }),
          );
      }
    };

    // By what BullMQ knows, where there is no log: a job may have been run as a whole since that was looked for.
    const endFrom = (job: Job, state: string, after: number): Observable<Step<T>> =>
      log
        .read(key, after, pageSize)
        .pipe(switchMap((page) => (page.place === 'unknown' ? of(endOf<T>(job, state, after)) : follow(page, after))));

    // Nothing has come for a while: what BullMQ knows of the job.
    const look = (after: number): Observable<Step<T>> =>
      defer(find).pipe(
        switchMap(({ job, state }) => {
          if (!isFinal(state)) return of(nothing<T>(after));
          return read(after, lastLook).pipe(switchMap((page) => (page === undefined ? of(endOf<T>(job, state, after)) : follow(page, after))));
        }),
      );

    return next(start).pipe(
      expand((step) => (step.isOver ? EMPTY : next(step.after))),
      concatMap((step) => step.events),
      // Its worker may have been killed before it closed the log.
      takeWhile(({ type }) => type !== 'job-complete', true),
    );
  }
}

function nothing<E>(after: number): Step<E> {
  return { events: [], after, isOver: false };
}

function endOf<E>(job: Job, state: string, after: number): Step<E> {
  const place = { jobId: job.id ?? '', id: '', attempt: Math.max(1, job.attemptsMade) };
  const event: JobEvent<E> =
    state === 'completed'
      ? { type: 'job-complete', ...place, result: (job.returnvalue as unknown) ?? null }
      : { type: 'job-failed', ...place, error: errorOfReason(job.failedReason) };
  return { events: [event], after, isOver: true };
}

function goneError(): RxMistralError {
  return new RxMistralError({ kind: 'limit', message: 'What came behind this event of the job is not kept any more' });
}
