import type { Job } from 'bullmq';
import { firstValueFrom, lastValueFrom, of, Subject, take, toArray, concatMap, timer, range } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JobEvent, jobEvents, jobValues } from '../../src/bullmq/index.js';
import { RxMistralError } from '../../src/index.js';
import { toServerSentEvents } from '../../src/sse/index.js';
import { redisServer } from '../fixtures/servers.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';
import { eventuallyAsync } from './eventuallyAsync.js';
import { TestQueue } from './queues.js';

const { url, missing } = await redisServer();
const patience = 20_000;

describe.skipIf(missing)(`jobEvents ${missing ?? ''}`, { timeout: 180_000 }, () => {
  let test: TestQueue;
  beforeEach(() => {
    test = new TestQueue(url);
  });
  afterEach(async () => {
    await test.close();
  });
  const add: TestQueue['add'] = (...given) => test.add(...given);

  it('of a job that waits come when it begins, live and in order', async () => {
    const values = new Subject<number>();
    const jobId = await add();
    const seen: JobEvent[] = [];
    let complete = false;
    jobEvents(test.queue, jobId).subscribe({
      next: (event) => seen.push(event),
      complete: () => {
        complete = true;
      },
      error: fail,
    });
    test.work(() => values);
    await eventually(() => values.observed, 'it runs', patience);
    for (let value = 1; value <= 3; value += 1) {
      values.next(value);
      await eventually(() => seen.length === 1 + value, `value ${value} is seen`, patience);
    }
    values.complete();
    await eventually(() => complete, 'it ends', patience);
    expect(seen.map(({ type, id }) => [type, id])).toEqual([
      ['job-start', '1'],
      ['job-value', '2'],
      ['job-value', '3'],
      ['job-value', '4'],
      ['job-complete', '5'],
    ]);
  });

  it('go on behind any of them, over another connection, without a gap or a repeat', async () => {
    test.work(() => range(0, 20));
    const jobId = await add();
    const all = await test.allEvents(jobId);
    const elsewhere = test.open(test.name);
    for (const [index, { id }] of all.entries()) {
      expect(await firstValueFrom(jobEvents(elsewhere, jobId, { since: id }).pipe(toArray()))).toEqual(all.slice(index + 1));
    }
  });

  it('are the same for a watcher that is cut at random, while the job runs (seeded)', async () => {
    const seed = Math.trunc(Math.random() * 2 ** 31);
    console.log(`seed ${seed}`);
    let state = seed;
    const random = (): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state / 2_147_483_648;
    };
    const worker = test.work(() => range(0, 200).pipe(concatMap((value) => timer(3).pipe(concatMap(() => of(value))))));
    const jobId = await add();
    const seen: JobEvent[] = [];
    while (seen.at(-1)?.type !== 'job-complete') {
      const piece = 1 + Math.trunc(random() * 20);
      seen.push(...(await firstValueFrom(jobEvents(test.queue, jobId, { since: seen.at(-1)?.id }).pipe(take(piece), toArray()))));
    }
    // Its end is in the log before the worker itself tells it.
    await eventually(() => worker.events.length === seen.length, 'the worker tells the end', patience);
    expect(seen).toEqual(worker.events);
    expect(seen).toHaveLength(202);
  });

  it('are all there of 100,000 values at once', async () => {
    const events = { maxEvents: 200_000 };
    test.work(() => range(0, 100_000), { events });
    const jobId = await add();
    const seen = await firstValueFrom(jobEvents(test.queue, jobId, { events }).pipe(toArray()));
    expect(seen.map(({ id }) => id)).toEqual(Array.from({ length: 100_002 }, (_, index) => String(index + 1)));
    expect(seen.at(-1)).toMatchObject({ type: 'job-complete', result: 99_999 });
  });

  it('are served to a browser, which goes on at another server by Last-Event-ID', async () => {
    test.work(() => of('a', 'b'));
    const jobId = await add();
    const serve = (since: string | null): Promise<string> =>
      new Response(toServerSentEvents(jobEvents(test.queue, jobId, { since }), { id: ({ id }) => id })).text();
    const whole = await serve(null);
    expect(whole.match(/^id: (\d+)$/gm)).toEqual(['id: 1', 'id: 2', 'id: 3', 'id: 4']);
    expect((await serve('2')).match(/^id: (\d+)$/gm)).toEqual(['id: 3', 'id: 4']);
  });

  it('have errors as they were', async () => {
    const failure = new RxMistralError({ kind: 'http', status: 404, message: 'None' });
    test.work(() => of({ type: 'retry', error: failure }, { type: 'plain', error: 'a text' }));
    const jobId = await add();
    const values = await firstValueFrom(jobEvents(test.queue, jobId).pipe(jobValues(), toArray()));
    expect(values).toEqual([{ type: 'retry', error: failure }, { type: 'plain', error: 'a text' }]);
    expect((values[0] as { error: unknown }).error).toBeInstanceOf(RxMistralError);
  });

  it('of a job that nobody knows are an error at once', async () => {
    await expect(lastValueFrom(jobEvents(test.queue, 'none'))).rejects.toMatchObject({ kind: 'validation', code: 'unknown-job' });
  });

  it('behind an id that never was are an error of kind limit', async () => {
    test.work(() => of(1));
    const jobId = await add();
    await test.allEvents(jobId);
    for (const since of ['999', 'abc', '-1']) {
      await expect(lastValueFrom(jobEvents(test.queue, jobId, { since }))).rejects.toMatchObject({ kind: 'limit' });
    }
  });

  it('that are kept no more are told of, not left out', async () => {
    const events = { maxEvents: 5 };
    test.work(() => range(0, 50), { events });
    const jobId = await add();
    await eventually(() => true, 'a turn');
    await new Promise<void>((resolve) => {
      jobEvents(test.queue, jobId, { events }).subscribe({ error: () => { resolve(); }, complete: resolve });
    });
    await expect(lastValueFrom(jobEvents(test.queue, jobId, { since: '3', events }))).rejects.toMatchObject({ kind: 'limit' });
    const last = await firstValueFrom(jobEvents(test.queue, jobId, { since: '47', events }).pipe(toArray()));
    expect(last.map(({ id }) => id)).toEqual(['48', '49', '50', '51', '52']);
  });

  it('of a job whose log is gone end by what BullMQ knows', async () => {
    test.work(({ data }) => {
      if (data === 'fail') throw new RxMistralError({ kind: 'http', message: 'Refused' });
      return of('result');
    });
    const jobs = [await add('work'), await add('fail')];
    await Promise.all(jobs.map((jobId) => test.allEvents(jobId)));
    const keys = await test.redis.keys(`*rxmistral:jobs*${test.name}*`);
    await test.redis.del(keys);

    await eventuallyAsync(async () => (await test.queue.getJobState(jobs[1] ?? '')) === 'failed');
    expect(await test.allEvents(jobs[0] ?? '')).toEqual([{ type: 'job-complete', jobId: '1', id: '', attempt: 1, result: 'result' }]);
    expect(await test.allEvents(jobs[1] ?? '')).toMatchObject([{ type: 'job-failed', jobId: '2', id: '', error: { kind: 'http', message: 'Refused' } }]);
  });

  it('are all there where the job is run between a look at the log and one at BullMQ', async () => {
    const jobId = await add();
    const getJobState = test.queue.getJobState.bind(test.queue);
    let looks = 0;
    test.queue.getJobState = async (id) => {
      looks += 1;
      if (looks === 1) {
        test.work(() => of('a', 'b'));
        await eventuallyAsync(async () => (await getJobState(id)) === 'completed');
      }
      return getJobState(id);
    };
    expect((await test.allEvents(jobId)).map(({ type, id }) => [type, id])).toEqual([
      ['job-start', '1'],
      ['job-value', '2'],
      ['job-value', '3'],
      ['job-complete', '4'],
    ]);
  });

  it('end with the result also where the job ends while BullMQ is asked', async () => {
    const jobId = await add();
    const getJobState = test.queue.getJobState.bind(test.queue);
    const getJob = test.queue.getJob.bind(test.queue);
    let isFirst = true;
    const runNow = async (id: string): Promise<void> => {
      if (!isFirst) return;
      isFirst = false;
      test.work(() => of('result'), { events: false });
      await eventuallyAsync(async () => (await getJobState(id)) === 'completed');
    };
    // Whichever is asked first, the job ends before the other is.
    test.queue.getJobState = async (id) => {
      const state = await getJobState(id);
      await runNow(id);
      return state;
    };
    test.queue.getJob = async (id) => {
      const job = (await getJob(id)) as Job | undefined;
      await runNow(id);
      return job;
    };
    const events = await firstValueFrom(jobEvents(test.queue, jobId, { pollInterval: 50 }).pipe(toArray()));
    expect(events).toMatchObject([{ type: 'job-complete', result: 'result' }]);
  });

  it('end for a job that is removed while it is watched', async () => {
    const jobId = await add();
    const watching = lastValueFrom(jobEvents(test.queue, jobId, { pollInterval: 50 }));
    await eventuallyAsync(async () => (await test.redis.keys(`*rxmistral:jobs*${test.name}*`)).length > 0);
    await (await test.queue.getJob(jobId))?.remove();
    await expect(watching).rejects.toMatchObject({ code: 'unknown-job' });
  });

  it('of many watchers take one connection more, and none when they are gone', async () => {
    const jobIds = await Promise.all(Array.from({ length: 5 }, () => add()));
    const before = await test.connections();
    const watching = jobIds.flatMap((jobId) => Array.from({ length: 10 }, () => jobEvents(test.queue, jobId).subscribe({ error: fail })));
    await eventuallyAsync(async () => (await test.connections()) > before);
    expect(await test.connections()).toBe(before + 1);
    for (const subscription of watching) subscription.unsubscribe();
    await eventuallyAsync(async () => (await test.connections()) === before);
  });

  it('refuses bad arguments at once', () => {
    expect(() => jobEvents({} as never, 'a')).toThrow('`queue`');
    expect(() => jobEvents(test.queue, '')).toThrow('`jobId`');
    expect(() => jobEvents(test.queue, 'a', { since: 3 as never })).toThrow('`since`');
    expect(() => jobEvents(test.queue, 'a', { pollInterval: 0 })).toThrow('`pollInterval`');
    expect(() => jobEvents(test.queue, 'a', { events: { maxAge: 0 } })).toThrow('`events.maxAge`');
  });
});

function fail(error: unknown): void {
  throw error;
}
