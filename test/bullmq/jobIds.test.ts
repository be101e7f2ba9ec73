import type { Job } from 'bullmq';
import { firstValueFrom, of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelJob, jobEvents } from '../../src/bullmq/index.js';
import { redisServer } from '../fixtures/servers.js';
import { eventuallyAsync } from './eventuallyAsync.js';
import { TestQueue } from './queues.js';

const { url, missing } = await redisServer();

describe.skipIf(missing)(`an id that is given again ${missing ?? ''}`, { timeout: 180_000 }, () => {
  let test: TestQueue;
  beforeEach(() => {
    test = new TestQueue(url);
  });
  afterEach(async () => {
    await test.close();
  });
  const add: TestQueue['add'] = (...given) => test.add(...given);
  const resultOf = async (jobId: string): Promise<unknown> => (await test.allEvents(jobId)).at(-1);
  const isGone = (jobId: string): Promise<void> => eventuallyAsync(async () => (await test.queue.getJob(jobId)) === undefined);

  it('behind the removal of its job is that of a new one, which runs', async () => {
    const options = { jobId: () => 'report', jobOptions: { removeOnComplete: true } };
    test.work(({ data }) => of(data));
    await add('monday', options);
    expect(await resultOf('report')).toMatchObject({ type: 'job-complete', result: 'monday' });
    await isGone('report');
    await add('tuesday', options);
    expect(await resultOf('report')).toMatchObject({ type: 'job-complete', result: 'tuesday' });
  });

  it('by a queue that counts from 1 again is that of a new one', async () => {
    test.work(({ data }) => of(data));
    const first = await add('before');
    await resultOf(first);
    await eventuallyAsync(async () => (await test.queue.getJobState(first)) === 'completed');
    await test.queue.obliterate({ force: true });
    const second = await add('after');
    expect(second).toBe(first);
    expect(await resultOf(second)).toMatchObject({ result: 'after' });
    await eventuallyAsync(async () => (await test.queue.getJobState(second)) === 'completed');
    expect((await test.queue.getJob(second))?.returnvalue).toBe('after');
  });

  it('has the events of its last job, also when BullMQ knows that no more', async () => {
    const options = { jobId: () => 'report', jobOptions: { removeOnComplete: true } };
    test.work(({ data }) => of(data));
    for (const day of ['monday', 'tuesday']) {
      await add(day, options);
      await resultOf('report');
      await isGone('report');
    }
    const events = await test.allEvents('report');
    expect(events.map((event) => ('value' in event ? event.value : event.type))).toEqual(['job-start', 'tuesday', 'job-complete']);
    expect(await test.allEvents('report', '2')).toEqual(events.slice(2));
  });

  it('ends what watched the job before', async () => {
    const jobId = await add('first', { jobId: () => 'report' });
    const watching = firstValueFrom(jobEvents(test.queue, jobId, { pollInterval: 50 }));
    watching.catch(() => undefined);
    await eventuallyAsync(async () => (await test.redis.keys(`*rxmistral:jobs*${test.name}*`)).length > 0);
    await (await test.queue.getJob(jobId))?.remove();
    await add('second', { jobId: () => 'report' });
    await expect(watching).rejects.toMatchObject({ code: 'unknown-job' });
  });

  it('can be given again where its job was cancelled while it was removed', async () => {
    const jobId = await add('first', { jobId: () => 'report' });
    const getJob = test.queue.getJob.bind(test.queue);
    test.queue.getJob = async (...given) => {
      const job = (await getJob(...given)) as Job | undefined;
      await test.redis.del(`${test.queue.qualifiedName}:${jobId}`);
      return job;
    };
    expect(await firstValueFrom(cancelJob(test.queue, jobId))).toBe(false);
    test.queue.getJob = getJob;
    expect(await test.redis.exists(`${test.queue.qualifiedName}:${jobId}`)).toBe(0);
  });

  it('of a delayed job whose turn comes while it is cancelled is that of a cancelled one', async () => {
    const jobId = await add('late', { delay: 3_600_000 });
    const getJobState = test.queue.getJobState.bind(test.queue);
    test.queue.getJobState = async (id) => {
      const state = await getJobState(id);
      await (await test.queue.getJob(id))?.promote();
      return state;
    };
    expect(await firstValueFrom(cancelJob(test.queue, jobId))).toBe(true);
    test.queue.getJobState = getJobState;
    test.work(() => of('done'));
    expect(await resultOf(jobId)).toMatchObject({ type: 'job-failed', error: { code: 'cancelled' } });
  });

  it('where Redis does not answer is no unknown job', async () => {
    const jobId = await add('first');
    const connection = test.connect();
    const queue = test.openOn(connection);
    await queue.waitUntilReady();
    connection.disconnect();
    await expect(firstValueFrom(jobEvents(queue, jobId))).rejects.toMatchObject({ kind: 'connection', retryable: true });
    await expect(firstValueFrom(cancelJob(queue, jobId))).rejects.toMatchObject({ kind: 'connection' });
  });
});
