import { redisError } from '../redis/redisError.js';
import { jobKeyOf } from './jobKey.js';
import type { JobRedis } from './redisOf.js';

// The field of BullMQ's own hash of the job.
const timestamp = 'timestamp';

/**
 * The key of the log of a job. An id may be given again when BullMQ has removed its job, or counts from 1 again: what is in the log of
 * the job before is nothing of the new one's, above all not its end. So the key has the time at which it was added, too.
 */
export function logKeyOf(jobId: string, addedAt: number | string): string {
  return `${addedAt}/${jobId}`;
}

/** The key of the log of the job that has the id now, or had it last; `undefined` where there is none (any more). */
export async function findLogKey(redis: JobRedis, queue: string, jobId: string): Promise<string | undefined> {
  try {
    const [known, removed] = await Promise.all([redis.hget(jobKeyOf(queue, jobId), timestamp), redis.get(pointerOf(queue, jobId))]);
    const addedAt = known ?? removed;
    return addedAt === null ? undefined : logKeyOf(jobId, addedAt);
  } catch (error) {
    throw redisError(error);
  }
}

/** Lets the log be found when BullMQ has removed its job: for as long as it is kept. */
export async function keepLogKey(redis: JobRedis, queue: string, jobId: string, addedAt: number, maxAge: number): Promise<void> {
  await redis.set(pointerOf(queue, jobId), addedAt, 'PX', maxAge);
}

function pointerOf(queue: string, jobId: string): string {
  return `rxmistral:jobs:${queue}:${jobId}:added`;
}
