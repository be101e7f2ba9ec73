import { setTimeout as sleep } from 'node:timers/promises';
import { concatMap, firstValueFrom, map, range, Subject, timer } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enqueueJob } from '../../src/bullmq/index.js';
import { type OwnRedis, startRedis, withServer } from '../redis/fixtures/startRedis.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';
import { TestQueue } from './queues.js';

const patience = 30_000;

describe.skipIf(!withServer)('queues where Redis is away (needs redis-server)', { timeout: 240_000 }, () => {
  let server: OwnRedis;
  let test: TestQueue;
  beforeEach(async () => {
    server = await startRedis();
    test = new TestQueue(server.url);
  });
  afterEach(async () => {
    await test.close();
    await server.remove();
  });
  const add = async (): Promise<string> => (await firstValueFrom(enqueueJob(test.queue, {}))).jobId;

  it('lose no job and no event of it, and repeat none, for workers and watchers', async () => {
    for (let count = 0; count < 2; count += 1) {
      test.work(() => range(0, 50).pipe(concatMap((value) => timer(20).pipe(map(() => value)))), { concurrency: 3 });
    }
    const jobIds = await Promise.all(Array.from({ length: 8 }, add));
    const watching = Promise.all(jobIds.map((jobId) => test.allEvents<number>(jobId)));
    await eventually(() => test.events().some(({ type }) => type === 'job-value'), 'some run', patience);
    await server.kill();
    await sleep(1_000);
    await server.restart();
    for (const events of await watching) {
      expect(events.flatMap((event) => (event.type === 'job-value' ? [event.value] : []))).toEqual(Array.from({ length: 50 }, (_, index) => index));
      expect(events.at(-1)).toMatchObject({ type: 'job-complete', attempt: 1 });
    }
  });

  it.each<[string, 'drain' | 'abort', string]>([
    ['has nothing to do', 'drain', 'nothing'],
    ['drains', 'drain', 'completed'],
    ['aborts', 'abort', 'waiting'],
  ])('close a worker that %s, when Redis is there again', async (_, onUnsubscribe, state) => {
    const values = new Subject<number>();
    const worker = test.work(() => values, { onUnsubscribe });
    const jobId = await add();
    await eventually(() => values.observed, 'it runs', patience);
    if (state === 'nothing') {
      values.complete();
      await test.allEvents(jobId);
    }
    await server.kill();
    // Between two attempts to connect.
    await sleep(500);
    worker.subscription.unsubscribe();
    values.complete();
    await sleep(500);
    await server.restart();
    await worker.closed;
    if (state !== 'nothing') expect(await test.queue.getJobState(jobId)).toBe(state);
  });
});
