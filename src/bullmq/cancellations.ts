import { asyncScheduler, type Observable, type SchedulerLike } from 'rxjs';
import { ChannelWatch } from '../redis/ChannelWatch.js';
import { defineScripts } from '../redis/defineScripts.js';
import type { RedisClient } from '../redis/RedisClient.js';
import type { JobRedis } from './redisOf.js';

// A field of BullMQ's own hash of the job: it goes with the job.
const field = 'rxmistral:cancelled';

// BullMQ's own count of how often the job was found without its worker.
const stalledField = 'stc';

// How often is looked where no message comes, in milliseconds.
const silence = 5_000;

/** Emits the id of each job of the queue that is cancelled, and `anything` where a message may have been missed. */
export function watchCancellations(redis: RedisClient, queue: string, scheduler: SchedulerLike = asyncScheduler): Observable<string> {
  return new ChannelWatch(redis, silence, scheduler).watch(channelOf(queue));
}

// One step: a field of a job that is removed meanwhile would be all that is there of it, for ever.
const lua = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], 1)
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
`;

/** Asks for the end of a job: of the attempt that runs, or of the next one. `false` where there is no such job. */
export async function askToCancel(redis: RedisClient, queue: string, jobKey: string, jobId: string): Promise<boolean> {
  const { cancel } = defineScripts(redis, 'rxmistralQueue', 1, { cancel: lua });
  return (await cancel(jobKey, field, channelOf(queue), jobId)) === 1;
}

/** Whether the end of the job was asked for. */
export async function isCancelled(redis: JobRedis, jobKey: string): Promise<boolean> {
  return (await redis.hexists(jobKey, field)) === 1;
}

/** It has failed: who retries it by hand wants it to run. */
export async function forgetStops(redis: JobRedis, jobKey: string): Promise<void> {
  await redis.hdel(jobKey, field, stalledField);
}

function channelOf(queue: string): string {
  return `rxmistral:jobs:${queue}:cancelled`;
}
