import { defer, from, Observable, type ObservableInput, take } from 'rxjs';
import { expectFunction, expectText, fail } from '../errors/expect.js';
import type { JobEvent } from './JobEvent.js';
import { expectProcessQueueOptions, type ProcessQueueOptions } from './ProcessQueueOptions.js';
import type { QueueJob } from './QueueJob.js';
import { QueueWorker } from './QueueWorker.js';

/**
 * Works on the jobs of a BullMQ queue: a subscription is a worker, and each job is an Observable.
 *
 * ```
 * queue          a-----b--------
 * project(a)     -x-y-|                    project(b)    -z-#        a failure worth another try
 * processQueue   sx-y-C-s-z-R---s-z-|      s: job-start   x, y, z: job-value   C: job-complete   R: job-retry
 * ```
 *
 * **Values** are the {@link JobEvent}s of all jobs of this worker. They are kept in the log of their job too, tokens included, where
 * `jobEvents` reads them from any machine. What the Observable emits last is the result of the job; of a chat, whose last event is
 * `complete`, the whole snapshot, as `accumulate()` makes it.
 *
 * **Attempts**: a failure that is `retryable` uses one, and waits for the backoff, or for the server's time where that is longer.
 * A 429 uses none: it pauses the queue, for all workers, for as long as the server said. Any other failure is final, whatever
 * attempts are left. How many there are is the job's own option (`enqueue`: 3; BullMQ: 1).
 *
 * **At least once**: a worker that is killed, or cut off from Redis for longer than `lockDuration`, loses its jobs, and others begin
 * them again; what it may still be doing ends, and reaches neither the log nor the result. What it had streamed is `job.partial` for
 * the next attempt. A job whose end is in the log is not run again.
 *
 * **Stopping a job**: `cancelJob`, `timeout` and a lost lock unsubscribe from its Observable, which closes the socket to Mistral.
 *
 * **Unsubscribing** closes the worker: no new job is taken, and those that run end by themselves (`drain`) or are put back
 * (`abort`). It goes on in the background, until `onClosed`; with `until` the Observable **completes** when it is done. While Redis
 * is away, the worker waits for it: `onError` tells. It **fails** only where BullMQ cannot make a worker of the options.
 *
 * @param name Of the queue.
 * @param project What a job does. Its Observable is unsubscribed from where the job is stopped.
 * @throws TypeError at once when an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { Queue } from 'bullmq';
 * import { Redis } from 'ioredis';
 * import { of } from 'rxjs';
 * import { enqueueJob, processQueue } from 'rxmistral/bullmq';
 *
 * const connection = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379', { maxRetriesPerRequest: null });
 * const name = `greetings-${process.pid}`;
 * const queue = new Queue(name, { connection });
 *
 * const worker = processQueue<{ to: string }, string>(name, ({ data }) => of('Hello', data.to), {
 *   connection,
 *   onClosed: () => void queue.obliterate({ force: true }).then(() => connection.disconnect()),
 * }).subscribe((event) => {
 *   console.log(event.type, event.type === 'job-value' ? event.value : '');
 *   if (event.type === 'job-complete') worker.unsubscribe();
 * });
 * enqueueJob(queue, { to: 'Nantes' }).subscribe(({ jobId, status }) => console.log(jobId, status));
 * ```
 *
 * @see https://docs.bullmq.io/guide/workers
 */
export function processQueue<Data = unknown, E = unknown>(
  name: string,
  project: (job: QueueJob<Data>) => ObservableInput<E>,
  options: ProcessQueueOptions,
): Observable<JobEvent<E>> {
  if ((name as unknown) === undefined) fail('name', 'a string that is not empty', name);
  expectText('name', name);
  if ((project as unknown) === undefined) fail('project', 'a function', project);
  expectFunction('project', project);
  expectProcessQueueOptions(options);
  const { until } = options;

  // Constructed: a worker outlives its subscriber, until its jobs have ended.
  return new Observable<JobEvent<E>>((subscriber) => {
    const worker = new QueueWorker<Data, E>({
      name,
      project,
      options,
      onEvent: (event) => {
        subscriber.next(event);
      },
    });
    subscriber.add(() => void worker.close());
    if (until === undefined) return;
    subscriber.add(
      defer(() => from(until))
        .pipe(take(1))
        .subscribe({
          next: () => {
            void worker.close().then(() => {
              subscriber.complete();
            });
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
        }),
    );
  });
}
