import { concatMap, EMPTY, firstValueFrom, from, NEVER, of, Subject, take, tap, timer, toArray, throwError, concat, lastValueFrom, count } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enqueue, enqueueAll, enqueueJob, type EnqueueOptions } from '../../src/bullmq/index.js';
import { redisServer } from '../fixtures/servers.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';
import { TestQueue } from './queues.js';

const { url, missing } = await redisServer();

describe.skipIf(missing)(`enqueue ${missing ?? ''}`, { timeout: 180_000 }, () => {
  let test: TestQueue;
  beforeEach(() => {
    test = new TestQueue(url);
  });
  afterEach(async () => {
    await test.close();
  });

  it('adds each value, in order, as the data of a job', async () => {
    const added = await firstValueFrom(from(['a', 'b', 'c']).pipe(enqueue(test.queue), toArray()));
    expect(added).toEqual(['1', '2', '3'].map((jobId) => ({ jobId, status: 'queued' })));
    const jobs = await Promise.all(added.map(({ jobId }) => test.queue.getJob(jobId)));
    expect(jobs.map((job) => job?.data as unknown)).toEqual(['a', 'b', 'c']);
    expect(jobs[0]?.opts).toMatchObject({ attempts: 3, removeOnComplete: { age: 86_400 }, removeOnFail: { age: 604_800 } });
  });

  it('adds nothing for a source without values, and is as cold as it is', async () => {
    const adding = of('a').pipe(enqueue(test.queue));
    expect(await firstValueFrom(EMPTY.pipe(enqueue(test.queue), toArray()))).toEqual([]);
    expect(await test.queue.count()).toBe(0);
    await lastValueFrom(adding);
    await lastValueFrom(adding);
    expect(await test.queue.count()).toBe(2);
  });

  it('adds a job that is there already once, also one that has ended', async () => {
    const jobId = (data: string): string => `job-${data}`;
    const add = (data: string): Promise<unknown> => firstValueFrom(enqueueJob(test.queue, data, { jobId }));
    await Promise.all([add('a'), add('a'), add('b')]);
    expect(await test.queue.count()).toBe(2);
    test.work(() => of('done'));
    await test.allEvents('job-a');
    await eventually(() => true, 'a turn');
    expect(await add('a')).toEqual({ jobId: 'job-a', status: 'queued' });
    const events = await test.allEvents('job-a');
    expect(events.filter(({ type }) => type === 'job-start')).toHaveLength(1);
  });

  it('gives each job its priority, delay and attempts', async () => {
    const options: EnqueueOptions<number> = { name: 'n', priority: (data) => data, delay: (data) => data * 1_000, attempts: 7, jobOptions: { lifo: true } };
    const { jobId } = await firstValueFrom(enqueueJob(test.queue, 5, options));
    const job = await test.queue.getJob(jobId);
    expect(job?.name).toBe('n');
    expect(job?.opts).toMatchObject({ priority: 5, delay: 5_000, attempts: 7, lifo: true });
  });

  it('tells the error of the source behind what had come before', async () => {
    const seen: string[] = [];
    const failing = concat(of('a', 'b'), throwError(() => new Error('of the source'))).pipe(enqueue(test.queue));
    await expect(lastValueFrom(failing.pipe(tap(({ jobId }) => seen.push(jobId))))).rejects.toThrow('of the source');
    expect(seen).toEqual(['1', '2']);
  });

  it('adds no more when it is unsubscribed from', async () => {
    const source = new Subject<string>();
    const seen: unknown[] = [];
    const subscription = source.pipe(enqueue(test.queue)).subscribe({ next: (job) => seen.push(job), error: fail });
    source.next('a');
    await eventually(() => seen.length === 1, 'it is added');
    subscription.unsubscribe();
    expect(source.observed).toBe(false);
    expect(await test.queue.count()).toBe(1);
  });

  it.each([
    ['a number', () => '17', '`jobId`'],
    ['a colon', () => 'a:b', '`jobId`'],
    ['nothing', () => '', '`jobId`'],
  ])('refuses an id that is %s', async (_, jobId, message) => {
    await expect(firstValueFrom(enqueueJob(test.queue, 'a', { jobId }))).rejects.toThrow(message);
    expect(await test.queue.count()).toBe(0);
  });

  it('refuses data without JSON', async () => {
    await expect(firstValueFrom(enqueueJob(test.queue, { size: 1n }))).rejects.toMatchObject({ kind: 'validation' });
    await expect(firstValueFrom(enqueueJob(test.queue, undefined))).rejects.toMatchObject({ kind: 'validation' });
  });

  it.each<[string, object, string]>([
    ['name', { name: '' }, '`name`'],
    ['priority', { priority: 0 }, '`priority`'],
    ['delay', { delay: -1 }, '`delay`'],
    ['attempts', { attempts: 0 }, '`attempts`'],
    ['callbackUrl', { callbackUrl: 'nowhere' }, '`callbackUrl`'],
    ['bulkSize', { bulkSize: 0 }, '`bulkSize`'],
    ['maxQueueLength', { maxQueueLength: 0 }, '`maxQueueLength`'],
    ['pollInterval', { pollInterval: 0 }, '`pollInterval`'],
  ])('refuses %s at once', (_, options, message) => {
    expect(() => enqueue(test.queue, options)).toThrow(message);
    expect(() => enqueueAll(test.queue, [], options)).toThrow(message);
    expect(() => enqueueJob(test.queue, 'a', options)).toThrow(message);
    expect(() => enqueue({} as never)).toThrow('`queue`');
  });

  describe('enqueueAll', () => {
    it('refuses at once what is no source', () => {
      expect(() => enqueueAll(test.queue, 5 as never)).toThrow(/Expected `source` to be/);
    });

    it('of 10,000 never has more in the queue than maxQueueLength, and reads no further ahead than a bulk', async () => {
      let read = 0;
      let worked = 0;
      let most = 0;
      let furthest = 0;
      function* numbers(): Generator<number> {
        for (; read < 10_000; ) {
          read += 1;
          furthest = Math.max(furthest, read - worked);
          yield read;
        }
      }
      const watching = timer(0, 10)
        .pipe(concatMap(() => test.queue.count()))
        .subscribe({
          next: (length) => {
            most = Math.max(most, length);
          },
          error: fail,
        });
      test.work(
        () => {
          worked += 1;
          return of(null);
        },
        { concurrency: 50, events: false },
      );
      const added = await lastValueFrom(enqueueAll(test.queue, numbers(), { maxQueueLength: 100, bulkSize: 50, pollInterval: 5 }).pipe(count()));
      watching.unsubscribe();

      expect(added).toBe(10_000);
      expect(most).toBeLessThanOrEqual(100);
      // In the queue, being worked on, and held by the producer.
      expect(furthest).toBeLessThanOrEqual(100 + 50 + 50 + 50);
    });

    it('adds what a slow source has, without waiting for more', async () => {
      async function* slow(): AsyncGenerator<string> {
        yield 'a';
        await new Promise(() => undefined);
      }
      const { jobId } = await firstValueFrom(enqueueAll(test.queue, slow()).pipe(take(1)));
      expect((await test.queue.getJob(jobId))?.data).toBe('a');
    });

    it('closes its iterator when it is unsubscribed from while the queue is full', async () => {
      let closed = false;
      function* endless(): Generator<number> {
        try {
          for (let number = 1; ; number += 1) yield number;
        } finally {
          closed = true;
        }
      }
      const seen: unknown[] = [];
      const subscription = enqueueAll(test.queue, endless(), { maxQueueLength: 10, bulkSize: 5 }).subscribe({ next: (job) => seen.push(job), error: fail });
      await eventually(() => seen.length === 10, 'the queue is full');
      subscription.unsubscribe();
      expect(closed).toBe(true);
      expect(await test.queue.count()).toBe(10);
    });
  });

  it('waits for nobody who never comes', async () => {
    const subscription = NEVER.pipe(enqueue(test.queue)).subscribe({ error: fail });
    subscription.unsubscribe();
    expect(await test.queue.count()).toBe(0);
  });
});

function fail(error: unknown): void {
  throw error;
}
