import { type Job, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { firstValueFrom, lastValueFrom, type Observable, of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelJob, jobEvents } from '../../src/bullmq/index.js';
import { redisServer } from '../fixtures/servers.js';
import { TestQueue } from './queues.js';

const { url, missing } = await redisServer();

describe.skipIf(missing)(`cancelJob ${missing ?? ''}`, { timeout: 180_000 }, () => {
  let test: TestQueue;
  beforeEach(() => {
    test = new TestQueue(url);
  });
  afterEach(async () => {
    await test.close();
  });
  const add = (options?: Parameters<TestQueue['add']>[1]): Promise<string> => test.add({}, options);
  const keyOf = (jobId: string): string => `bull:${test.name}:${jobId}`;

  it('ends one that waits when its turn comes, and one that is delayed now', async () => {
    const jobIds = [await add(), await add({ delay: 3_600_000 })];
    for (const jobId of jobIds) expect(await firstValueFrom(cancelJob(test.queue, jobId))).toBe(true);
    const worker = test.work(() => of('done'));
    for (const jobId of jobIds) expect((await test.allEvents(jobId)).at(-1)).toMatchObject({ type: 'job-failed', error: { code: 'cancelled' } });
    expect(worker.events.filter(({ type }) => type === 'job-value')).toEqual([]);
  });

  it('leaves nothing of a job that is removed meanwhile', async () => {
    const jobId = await add();
    const asked = await cancelAfter(jobId, async () => {
      await test.queue.remove(jobId);
    });
    expect(asked).toBe(false);
    expect(await test.redis.exists(keyOf(jobId))).toBe(0);
  });

  it('ends one at once that is delayed only meanwhile', async () => {
    const jobId = await add();
    const asked = await cancelAfter(jobId, async () => {
      // As an attempt that fails and has a long time to wait.
      await test.redis.multi().lrem(`bull:${test.name}:wait`, 0, jobId).zadd(`bull:${test.name}:delayed`, (Date.now() + 3_600_000) * 0x1000, jobId).exec();
    });
    expect(asked).toBe(true);
    test.work(() => of('done'));
    expect((await test.allEvents(jobId)).at(-1)).toMatchObject({ type: 'job-failed', error: { code: 'cancelled' } });
  });

  it('fails with an error of the family where Redis is gone, as jobEvents does', async () => {
    const gone = new Redis(url, { maxRetriesPerRequest: null });
    const queue = new Queue(test.name, { connection: gone });
    queue.on('error', () => undefined);
    const jobId = await add();
    expect(await firstValueFrom(cancelJob(queue, 'none'))).toBe(false);
    gone.disconnect();
    const never = new Queue(test.name, { connection: new Redis({ port: 1, retryStrategy: () => null, maxRetriesPerRequest: null }).on('error', () => undefined) });
    never.on('error', () => undefined);
    for (const bull of [queue, never]) {
      for (const asked of [cancelJob(bull, jobId), jobEvents(bull, jobId)] as readonly Observable<unknown>[]) {
        await expect(lastValueFrom(asked)).rejects.toMatchObject({ name: 'RxMistralError', kind: 'connection' });
      }
    }
  });

  // What happens between the look for the job and the request to end it.
  async function cancelAfter(jobId: string, happens: () => Promise<void>): Promise<boolean> {
    const queue = test.open(test.name);
    const { getJob } = queue;
    queue.getJob = async (id) => {
      const job = (await getJob.call(queue, id)) as Job | undefined;
      queue.getJob = getJob;
      await happens();
      return job;
    };
    return firstValueFrom(cancelJob(queue, jobId));
  }
});
