import type { Job, Queue } from 'bullmq';
import { expectMethods, fail } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { redisError } from '../redis/redisError.js';

/** @throws TypeError where it is no Queue of BullMQ. */
export function expectQueue(queue: Queue): void {
  if ((queue as unknown) === undefined) fail('queue', 'a Queue of BullMQ', queue);
  expectMethods('queue', queue, 'a Queue of BullMQ', ['add', 'addBulk', 'getJob']);
}

/**
 * The job as BullMQ knows it.
 *
 * @throws RxMistralError of kind `validation` where it knows none, of kind `connection` where Redis does not answer.
 */
export async function findJob(queue: Queue, jobId: string): Promise<{ readonly job: Job; readonly state: string }> {
  try {
    // In this order: a job that ends meanwhile has its end in what is read last.
    const state: string = await queue.getJobState(jobId);
    const job = (await queue.getJob(jobId)) as Job | undefined;
    if (job === undefined) throw unknownJobError();
    return { job, state };
  } catch (error) {
    throw redisError(error);
  }
}

/** What is told of a job that BullMQ does not know. */
export function unknownJobError(): RxMistralError {
  return new RxMistralError({ kind: 'validation', message: 'There is no such job in the queue', code: 'unknown-job' });
}

/** Whether the job will not change any more. */
export function isFinal(state: string): boolean {
  return state === 'completed' || state === 'failed';
}
