import type { Job, Queue } from 'bullmq';
import { defer, type Observable } from 'rxjs';
import { expectText, fail } from '../errors/expect.js';
import { isRxMistralError } from '../errors/RxMistralError.js';
import { redisError } from '../redis/redisError.js';
import { askToCancel } from './cancellations.js';
import { expectQueue, findJob, isFinal } from './findJob.js';
import { jobKeyOf } from './jobKey.js';
import { redisOf } from './redisOf.js';

/**
 * Ends a job, wherever it is: the attempt that runs is stopped, with its call to Mistral; one that waits ends when its turn comes,
 * and one that is delayed has its turn now. It fails with an error of kind `truncated` and the code `cancelled`.
 *
 * ```
 * cancelJob    -(t|)      asked for
 * jobEvents    -x-y-F|    F: job-failed
 * ```
 *
 * **Cold**: emits whether the job was still to be ended, and completes; `false` where it is unknown, or has ended. That the
 * attempt has ended is told by `jobEvents`. **Fails** with an error of kind `connection` where Redis does not answer.
 *
 * @param queue Of BullMQ, on a client of `ioredis`.
 * @throws TypeError at once when an argument is malformed.
 *
 * @example
 * ```ts
 * import { Queue } from 'bullmq';
 * import { Redis } from 'ioredis';
 * import { cancelJob } from 'rxmistral/bullmq';
 *
 * const connection = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
 * const queue = new Queue('chats', { connection });
 *
 * cancelJob(queue, 'job-1').subscribe((isAsked) => {
 *   console.log(isAsked); // false: there is no such job
 *   connection.disconnect();
 * });
 * ```
 *
 * @see {@link processQueue}
 */
export function cancelJob(queue: Queue, jobId: string): Observable<boolean> {
  expectQueue(queue);
  if ((jobId as unknown) === undefined) fail('jobId', 'a string that is not empty', jobId);
  expectText('jobId', jobId);
  return defer(() => cancel(queue, jobId));
}

async function cancel(queue: Queue, jobId: string): Promise<boolean> {
  try {
    const { job, state } = await findJob(queue, jobId);
    if (isFinal(state)) return false;
    if (!(await askToCancel(await redisOf(queue), queue.qualifiedName, jobKeyOf(queue.qualifiedName, jobId), jobId))) return false;
    // Not before: an attempt that has ended meanwhile may have left it delayed.
    if (await job.isDelayed()) await promote(job);
    return true;
  } catch (error) {
    if (isRxMistralError(error) && error.code === 'unknown-job') return false;
    throw error instanceof TypeError ? error : redisError(error);
  }
}

async function promote(job: Job): Promise<void> {
  try {
    await job.promote();
  } catch (error) {
    // Its time has come.
    if (await job.isDelayed()) throw error;
  }
}
