import type { Queue } from 'bullmq';
import { defer, EMPTY, finalize, map, type Observable, type OperatorFunction } from 'rxjs';
import { mapSettled, type Pullable, pullMap } from '../index.js';
import { BulkAdder } from './BulkAdder.js';
import { type EnqueueOptions, expectEnqueueOptions, jobOf } from './EnqueueOptions.js';
import { expectQueue } from './findJob.js';

/** A job that is in the queue. */
export interface EnqueuedJob {
  readonly jobId: string;
  readonly status: 'queued';
}

const defaultBulkSize = 100;
const defaultPollInterval = 250;

/**
 * Adds each value to a queue of BullMQ, as the data of a job.
 *
 * ```
 * source       -a-b-------(cde)-|
 * enqueue      --A-B--------(CDE)|     A: { jobId, status: 'queued' }
 * ```
 *
 * **Values**: one for each value of the source, in its order, when the job is in Redis. What comes together is added by one command.
 *
 * **Completes** when the source has completed and all is in the queue. **Fails** with the source, behind what had come before; with
 * one of kind `connection` where Redis does not take a job: which of the last ones it has taken is open, and with a `jobId` all of
 * them may be added again; with one of kind `validation` for data that has no JSON; with one of kind `limit` where more than
 * 100,000 values wait, because an Observable cannot be told to wait: what is large is pulled, by {@link enqueueAll}.
 * **Unsubscribing** adds no more.
 *
 * @param queue Of BullMQ.
 * @throws TypeError at once when an argument is malformed.
 *
 * @example
 * ```ts
 * import { Queue } from 'bullmq';
 * import { Redis } from 'ioredis';
 * import { of } from 'rxjs';
 * import { enqueue } from 'rxmistral/bullmq';
 *
 * const connection = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
 * const queue = new Queue(`prompts-${process.pid}`, { connection });
 *
 * of('Loire', 'Rhine', 'Loire')
 *   .pipe(enqueue(queue, { jobId: (river) => `river-${river}`, attempts: 5 }))
 *   .subscribe({
 *     next: ({ jobId }) => console.log(jobId), // the third is the first: it is there once
 *     complete: () => void queue.obliterate().then(() => connection.disconnect()),
 *   });
 * ```
 *
 * @see {@link enqueueJob} for a single one, {@link processQueue} for those who work on them
 */
export function enqueue<T>(queue: Queue, options: EnqueueOptions<T> = {}): OperatorFunction<T, EnqueuedJob> {
  const adding = adderOf(queue, options);
  const concurrency = options.bulkSize ?? defaultBulkSize;
  return (source) =>
    adding((add) =>
      source.pipe(
        mapSettled(add, { concurrency, ordered: true }),
        map((settled) => {
          if (settled.status === 'rejected') throw settled.reason;
          return settled.value;
        }),
      ),
    );
}

/**
 * Adds the values of a source of any size, and asks it for the next ones only when the queue has room.
 *
 * ```
 * source        a b c d …                 an iterable: it is asked
 * queue         ██ ██ ░░                  maxQueueLength
 * enqueueAll    -(AB)------(CD)---        when the workers have made room
 * ```
 *
 * As {@link enqueue}, but of an iterable, async iterable or stream, of which no more than `bulkSize` values are held. **Unsubscribing**
 * closes its iterator.
 *
 * @param queue Of BullMQ.
 * @throws TypeError at once when an argument is malformed.
 *
 * @example
 * ```ts
 * import { Queue } from 'bullmq';
 * import { Redis } from 'ioredis';
 * import { count } from 'rxjs';
 * import { enqueueAll } from 'rxmistral/bullmq';
 *
 * const connection = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
 * const queue = new Queue(`numbers-${process.pid}`, { connection });
 * function* numbers() {
 *   for (let number = 1; number <= 1_000; number += 1) yield number;
 * }
 *
 * enqueueAll(queue, numbers(), { maxQueueLength: 5_000 })
 *   .pipe(count())
 *   .subscribe((added) => {
 *     console.log(added);
 *     void queue.obliterate().then(() => connection.disconnect());
 *   });
 * ```
 */
export function enqueueAll<T>(queue: Queue, source: Pullable<T>, options: EnqueueOptions<T> = {}): Observable<EnqueuedJob> {
  const adding = adderOf(queue, options);
  const concurrency = options.bulkSize ?? defaultBulkSize;
  // What is wrong with the source is said now.
  void pullMap(source, () => EMPTY, { concurrency });
  return adding((add) => pullMap(source, add, { concurrency, ordered: true }));
}

/**
 * Adds one job to a queue of BullMQ.
 *
 * ```
 * enqueueJob    --(A|)     A: { jobId, status: 'queued' }
 * ```
 *
 * **Cold**: a subscription adds the job; with a `jobId`, a second one does nothing while BullMQ knows the first. It fails as
 * {@link enqueue} does.
 *
 * @param queue Of BullMQ.
 * @throws TypeError at once when an argument is malformed.
 *
 * @example
 * ```ts
 * import { Queue } from 'bullmq';
 * import { Redis } from 'ioredis';
 * import { enqueueJob } from 'rxmistral/bullmq';
 *
 * const connection = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
 * const queue = new Queue(`single-${process.pid}`, { connection });
 *
 * enqueueJob(queue, { prompt: 'Name three rivers.' }, { callbackUrl: 'https://example.com/hook' }).subscribe((job) => {
 *   console.log(job); // { jobId: '1', status: 'queued' }
 *   void queue.obliterate().then(() => connection.disconnect());
 * });
 * ```
 */
export function enqueueJob<T>(queue: Queue, data: T, options: EnqueueOptions<T> = {}): Observable<EnqueuedJob> {
  const adding = adderOf(queue, options);
  return adding((add) => add(data));
}

type Add<T> = (data: T) => Observable<EnqueuedJob>;

// One adder for each subscription.
function adderOf<T>(queue: Queue, options: EnqueueOptions<T>): (use: (add: Add<T>) => Observable<EnqueuedJob>) => Observable<EnqueuedJob> {
  expectQueue(queue);
  expectEnqueueOptions(options);
  const { bulkSize = defaultBulkSize, maxQueueLength = Infinity, pollInterval = defaultPollInterval, scheduler } = options;
  return (use) =>
    defer(() => {
      const adder = new BulkAdder(queue, { bulkSize, maxQueueLength, pollInterval, scheduler });
      const add: Add<T> = (data) => defer(() => adder.add(jobOf(data, options))).pipe(map((jobId) => ({ jobId, status: 'queued' })));
      return use(add).pipe(
        finalize(() => {
          adder.close();
        }),
      );
    });
}
