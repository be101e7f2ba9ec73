import { type Job, Worker } from 'bullmq';
import type { JobEvent, JobLogOptions } from '../../src/bullmq/index.js';
import { jobLogOf, toReplayEvent } from '../../src/bullmq/JobLog.js';
import { logKeyOf } from '../../src/bullmq/logKey.js';
import type { Appended } from '../../src/redis/EventLog.js';
import { eventuallyAsync } from './eventuallyAsync.js';
import type { TestQueue } from './queues.js';

type News = JobEvent extends infer E ? (E extends JobEvent ? Omit<E, 'jobId' | 'id' | 'attempt'> : never) : never;

/** What is left of a worker that took a job, wrote to its log, and was killed: its lock ends within `lockDuration`. */
export interface DeadWorker {
  readonly job: Job;
  /** Writes on, as one does that only believed to be dead. */
  append(news: News): Promise<Appended>;
}

/** Takes the next job of the queue, and writes `news` to its log. */
export async function deadWorker(test: TestQueue, news: readonly News[], events: JobLogOptions = {}, lockDuration = 150): Promise<DeadWorker> {
  const redis = test.connect();
  // Without a processor it does nothing by itself: no lock is renewed.
  const worker = new Worker(test.name, null, { connection: redis, autorun: false, lockDuration });
  let job: Job | undefined;
  await eventuallyAsync(async () => {
    job = (await worker.getNextJob('dead', { block: false })) as Job | undefined;
    return job !== undefined;
  });
  if (job?.id === undefined) throw new Error('There is no job');
  const { id, attemptsMade, timestamp } = job;
  const key = logKeyOf(id, timestamp);
  const log = jobLogOf(redis, worker.qualifiedName, events);
  const writer = crypto.randomUUID();
  let last = (await log.take(key, writer)) ?? 0;
  const append = (more: News): Promise<Appended> => {
    last += 1;
    return log.append(key, writer, [toReplayEvent(last, attemptsMade + 1, more)]);
  };
  for (const more of news) await append(more);
  await worker.close();
  return { job, append };
}
