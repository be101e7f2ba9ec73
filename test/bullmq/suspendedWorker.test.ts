import { firstValueFrom, NEVER, of, Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enqueueJob } from '../../src/bullmq/index.js';
import { RxMistralError } from '../../src/index.js';
import { redisServer } from '../fixtures/servers.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';
import { TestQueue } from './queues.js';

const { url, missing } = await redisServer();

// As a process that was suspended, and wakes when another has done its job.
describe.skipIf(missing)(`a worker whose job was taken over ${missing ?? ''}`, { timeout: 180_000 }, () => {
  let test: TestQueue;
  beforeEach(() => {
    test = new TestQueue(url);
  });
  afterEach(async () => {
    await test.close();
  });

  it.each([
    ['completes', (late: Subject<string>) => { late.complete(); }, 'job-complete'],
    ['fails', (late: Subject<string>) => { late.error(new RxMistralError({ kind: 'validation', message: 'Too late' })); }, 'job-failed'],
  ] as const)('and that %s late, has its end told neither here nor by a webhook', async (_what, end, type) => {
    const webhooks = test.open(`${test.name}-webhooks`);
    const late = new Subject<string>();
    const options = { webhook: { queue: webhooks } };
    // It would not look for its lock for half a minute.
    const sleeper = test.work(() => late, { ...options, lockDuration: 60_000, stalledInterval: 100 });
    const { jobId } = await firstValueFrom(enqueueJob(test.queue, {}, { callbackUrl: 'https://example.com/hook' }));
    await eventually(() => late.observed, 'the first worker has it', 20_000);

    await test.redis.del(`bull:${test.name}:${jobId}:lock`);
    const other = test.work(() => of('in time'), { ...options, stalledInterval: 100 });
    await eventually(() => other.events.some((event) => event.type === 'job-complete'), 'the second worker has done it', 20_000);
    const log = await test.allEvents(jobId);
    other.subscription.unsubscribe();
    await other.closed;
    late.next('too late');
    end(late);
    // When it has come to its next job, it is done with that one.
    const next = await firstValueFrom(enqueueJob(test.queue, {}));
    await test.allEvents(next.jobId);

    expect(sleeper.events.filter((event) => event.jobId === jobId).map((event) => event.type)).not.toContain(type);
    expect(await test.allEvents(jobId)).toEqual(log);
    expect((await test.queue.getJob(jobId))?.returnvalue).toBe('in time');
    const told = await webhooks.getJobs();
    expect(told.map(({ data }) => (data as { payload: unknown }).payload)).toMatchObject([{ type: 'job.completed', data: { jobId, result: 'in time' } }]);
  });

  it('and that is stopped then, puts back nothing that is not its own', async () => {
    const sleeper = test.work(() => NEVER, { lockDuration: 60_000, stalledInterval: 100, onUnsubscribe: 'abort' });
    const { jobId } = await firstValueFrom(enqueueJob(test.queue, {}));
    await eventually(() => sleeper.events.length === 1, 'the first worker has it', 20_000);
    await test.redis.del(`bull:${test.name}:${jobId}:lock`);
    test.work(() => of('in time'), { stalledInterval: 100 });
    const log = await test.allEvents(jobId);
    sleeper.subscription.unsubscribe();
    await sleeper.closed;

    expect(sleeper.events.map((event) => event.type)).toEqual(['job-start']);
    expect(await test.allEvents(jobId)).toEqual(log);
    await test.stateBecomes(jobId, 'completed');
  });
});
