import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EMPTY, filter, firstValueFrom, from, lastValueFrom, map, mergeMap, NEVER, Observable, type ObservableInput, of, Subject, throwError } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelJob, jobValues, processQueue, type ProcessQueueOptions, type QueueJob } from '../../src/bullmq/index.js';
import { jobEvents } from '../../src/bullmq/jobEvents.js';
import { logKeyOf } from '../../src/bullmq/logKey.js';
import { accumulate, type ChatEvent, chatStream, constantBackoff, RxMistralError } from '../../src/index.js';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';
import { redisServer } from '../fixtures/servers.js';
import { collectGarbage, eventually } from '../wire/fixtures/cancellationFixtures.js';
import { eventuallyAsync } from './eventuallyAsync.js';
import { clientOf, question, TestQueue } from './queues.js';

const { url, missing } = await redisServer();
const patience = 20_000;

describe.skipIf(missing)(`processQueue ${missing ?? ''}`, { timeout: 180_000 }, () => {
  let test: TestQueue;
  beforeEach(() => {
    test = new TestQueue(url);
  });
  afterEach(async () => {
    await test.close();
  });
  const add: TestQueue['add'] = (...given) => test.add(...given);
  const stateOf = async (jobId: string): Promise<string> => (await test.queue.getJobState(jobId));

  describe('a job that ends', () => {
    it('is told of, value by value, and has its last value as its result', async () => {
      const worker = test.work<{ to: string }, string>(({ data }) => of('Hello', data.to));
      const jobId = await add({ to: 'Nantes' });
      await eventually(() => worker.events.some(({ type }) => type === 'job-complete'), 'the job ends', patience);

      const place = { jobId, attempt: 1 };
      expect(worker.events).toEqual([
        { type: 'job-start', id: '1', ...place },
        { type: 'job-value', id: '2', ...place, value: 'Hello' },
        { type: 'job-value', id: '3', ...place, value: 'Nantes' },
        { type: 'job-complete', id: '4', ...place, result: 'Nantes' },
      ]);
      expect(await test.allEvents(jobId)).toEqual(worker.events);
      await eventuallyState(jobId, 'completed');
      const job = await test.queue.getJob(jobId);
      expect(job?.returnvalue).toBe('Nantes');
      expect(job?.attemptsMade).toBe(1);
    });

    it.each<[string, () => ObservableInput<unknown>]>([
      ['without a value', () => EMPTY],
      ['whose last value is undefined', () => of('Hello', undefined)],
      ['that is a promise of nothing', () => Promise.resolve()],
    ])('%s has null as its result', async (_, project) => {
      test.work(() => from(project()));
      const jobId = await add();
      expect((await test.allEvents(jobId)).at(-1)).toMatchObject({ type: 'job-complete', result: null });
    });

    it('has no log where events are off, and is told of all the same', async () => {
      const worker = test.work(() => of(1), { events: false });
      const jobId = await add();
      await eventually(() => worker.events.some(({ type }) => type === 'job-complete'), 'the job ends', patience);
      expect(worker.events.map(({ type, id }) => [type, id])).toEqual([
        ['job-start', ''],
        ['job-value', ''],
        ['job-complete', ''],
      ]);
      expect(await test.redis.keys(`*rxmistral:jobs*${test.name}*`)).toEqual([]);
      // Its end comes from BullMQ's own record.
      const ended = await firstValueFrom(jobEvents(test.queue, jobId, { pollInterval: 50 }));
      expect(ended).toMatchObject({ type: 'job-complete', id: '', result: 1 });
    });

    it('of a chat has the whole snapshot as its result', async () => {
      const simulator = await startSimulator();
      simulator.setReply('All rivers run into the sea.');
      test.work(() => chatStream(clientOf(simulator), question));
      const jobId = await add();
      const snapshot = await lastValueFrom(jobEvents<ChatEvent>(test.queue, jobId).pipe(jobValues(), accumulate()));
      await eventuallyState(jobId, 'completed');
      const job = await test.queue.getJob(jobId);
      await simulator.close();

      expect(snapshot.text).toBe('All rivers run into the sea.');
      expect(job?.returnvalue).toEqual(JSON.parse(JSON.stringify(snapshot)));
    });

    it.each<[string, () => Observable<unknown>]>([
      ['a value', () => of({ size: 1n })],
      ['a cycle', () => {
        const cycle: { self?: unknown } = {};
        cycle.self = cycle;
        return of(cycle);
      }],
    ])('fails for good where %s has no JSON', async (_, project) => {
      test.work(project);
      const jobId = await add();
      const events = await test.allEvents(jobId);
      expect(events.at(-1)).toMatchObject({ type: 'job-failed', error: { kind: 'validation', message: 'A value of the job has no JSON' } });
      await eventuallyState(jobId, 'failed');
      expect((await test.queue.getJob(jobId))?.attemptsMade).toBe(1);
    });

    it('tells so also where events of it were written before', async () => {
      const value = new Subject<bigint>();
      test.work(() => value);
      const jobId = await add();
      await firstValueFrom(jobEvents(test.queue, jobId));
      value.next(1n);
      const events = await test.allEvents(jobId);
      expect(events.map(({ type, id }) => [type, id])).toEqual([
        ['job-start', '1'],
        ['job-failed', '2'],
      ]);
    });
  });

  describe('more at once than may wait for Redis', () => {
    const options = { events: { maxBuffered: 1_000 } };
    const long = 'x'.repeat(2_000);

    it('fails the attempt, and whoever watches is told', async () => {
      const value = new Subject<string>();
      test.work(() => value, options);
      const jobId = await add();
      await firstValueFrom(jobEvents(test.queue, jobId));
      value.next(long);
      const events = await test.allEvents(jobId);
      expect(events.map(({ type }) => type)).toEqual(['job-start', 'job-value', 'job-failed']);
      expect(events.at(-1)).toMatchObject({ error: { kind: 'limit' } });
    });

    it('does not fail one that has ended with it', async () => {
      const value = new Subject<string>();
      test.work(() => value, { events: { maxBuffered: 2_045 } });
      const jobId = await add();
      await firstValueFrom(jobEvents(test.queue, jobId));
      value.next(long);
      await firstValueFrom(jobEvents(test.queue, jobId, { since: '1' }));
      value.complete();
      expect((await test.allEvents(jobId)).at(-1)).toMatchObject({ type: 'job-complete', result: long });
    });
  });

  describe('a failure', () => {
    it('that is retryable uses an attempt, behind the backoff', async () => {
      const attempts: number[] = [];
      const worker = test.work(
        ({ attempt }) => {
          attempts.push(attempt);
          return attempt < 3 ? throwError(() => new RxMistralError({ kind: 'http', status: 503, message: 'Busy', retryable: true })) : of('done');
        },
        { backoff: constantBackoff(30) },
      );
      const jobId = await add();
      const events = await test.allEvents(jobId);

      expect(attempts).toEqual([1, 2, 3]);
      expect(events.map(({ type, attempt }) => [type, attempt])).toEqual([
        ['job-start', 1],
        ['job-retry', 1],
        ['job-start', 2],
        ['job-retry', 2],
        ['job-start', 3],
        ['job-value', 3],
        ['job-complete', 3],
      ]);
      expect(events[1]).toMatchObject({ delayMs: 30, error: { kind: 'http', status: 503 } });
      // Its end is in the log before the worker itself tells it.
      await eventually(() => worker.events.length === events.length, 'the worker tells the end', patience);
      expect(worker.events).toEqual(events);
    });

    it('is final when no attempt is left', async () => {
      test.work(() => throwError(() => new RxMistralError({ kind: 'connection', message: 'Away', retryable: true })), { backoff: constantBackoff(1) });
      const jobId = await add({}, { attempts: 2 });
      const events = await test.allEvents(jobId);
      expect(events.map(({ type }) => type)).toEqual(['job-start', 'job-retry', 'job-start', 'job-failed']);
      await eventuallyState(jobId, 'failed');
    });

    it('that no attempt can help is final at once, and says no prompt', async () => {
      const simulator = await startSimulator({ faults: [{ kind: 'status', status: 422 }] });
      const asked = { ...question, messages: [{ role: 'user' as const, content: 'secret-prompt-51d' }] };
      test.work(() => chatStream(clientOf(simulator), asked));
      const jobId = await add({}, { attempts: 5 });
      const events = await test.allEvents(jobId);
      await simulator.close();

      expect(events.map(({ type }) => type)).toEqual(['job-start', 'job-failed']);
      await eventuallyState(jobId, 'failed');
      const job = await test.queue.getJob(jobId);
      expect(job?.attemptsMade).toBe(1);
      const kept = JSON.stringify([job?.failedReason, job?.stacktrace, events]);
      expect(kept).toContain('http: ');
      expect(kept).not.toContain('secret-prompt-51d');
      expect(kept).not.toContain('synthetic-key-8c1f');
    });

    it('of code outside of the library is final, without what it said', async () => {
      test.work(() => {
        throw new Error('secret-data-77a');
      });
      const jobId = await add();
      const [, failed] = await test.allEvents(jobId);
      await eventuallyState(jobId, 'failed');
      expect(failed).toMatchObject({ type: 'job-failed', error: { kind: 'validation' } });
      const job = await test.queue.getJob(jobId);
      // The message of a cause is for whoever watches the job; BullMQ's dashboards show this.
      expect(JSON.stringify([job?.failedReason, job?.stacktrace])).not.toContain('secret-data-77a');
    });

    it('waits for as long as the server said, not for the backoff', async () => {
      const busy = new RxMistralError({ kind: 'http', status: 503, message: 'Busy', retryable: true, retryAfterMs: 400 });
      test.work(({ attempt }) => (attempt === 1 ? throwError(() => busy) : of('done')), { backoff: constantBackoff(1) });
      const jobId = await add();
      const [, retry] = await test.allEvents(jobId);
      expect(retry).toMatchObject({ type: 'job-retry' });
      expect((retry as { delayMs: number }).delayMs).toBeGreaterThanOrEqual(400);
    });

    it('is final where the server asks for more than maxRetryAfter', async () => {
      const busy = new RxMistralError({ kind: 'http', status: 503, message: 'Busy', retryable: true, retryAfterMs: 60_001 });
      test.work(() => throwError(() => busy), { maxRetryAfter: 60_000 });
      const events = await test.allEvents(await add());
      expect(events.map(({ type }) => type)).toEqual(['job-start', 'job-failed']);
    });
  });

  describe('a 429', () => {
    const full = (retryAfterMs?: number): RxMistralError =>
      new RxMistralError({ kind: 'rate-limit', status: 429, message: 'Full', retryable: true, retryAfterMs });

    it('uses no attempt, however often it comes', async () => {
      let calls = 0;
      test.work(() => {
        calls += 1;
        return calls <= 50 ? throwError(() => full(1)) : of('done');
      });
      const jobId = await add({}, { attempts: 1 });
      const events = await test.allEvents(jobId);

      expect(events.filter(({ type }) => type === 'job-paused')).toHaveLength(50);
      expect(events.at(-1)).toMatchObject({ type: 'job-complete', attempt: 1, result: 'done' });
    });

    it('holds back all workers of the queue for as long as the server said', async () => {
      const begun: { worker: string; at: number }[] = [];
      let isFull = true;
      let pausedAt = 0;
      const project =
        (worker: string) =>
        ({ data }: QueueJob<unknown>): Observable<unknown> => {
          begun.push({ worker, at: performance.now() });
          if (data !== 'first' || !isFull) return of(data);
          isFull = false;
          pausedAt = performance.now();
          return throwError(() => full(1_500));
        };
      const first = test.work(project('one'));
      const jobId = await add('first');
      await eventually(() => first.events.some(({ type }) => type === 'job-paused'), 'it is told to wait', patience);
      // Or it is over by now.
      await eventuallyAsync(async () => begun.length > 1 || (await test.queue.getRateLimitTtl()) > 0);
      test.work(project('two'));
      const others = await Promise.all(['a', 'b', 'c'].map((data) => add(data)));
      await Promise.all([jobId, ...others].map((id) => test.allEvents(id)));

      // By two clocks, that of Redis and ours.
      for (const { at } of begun.slice(1)) expect(at - pausedAt).toBeGreaterThan(1_400);
    });

    it('that asks for less changes nothing of a pause that is longer', async () => {
      const turns = new Subject<number>();
      const worker = test.work<number, never>(
        ({ data }) =>
          turns.pipe(
            filter((pause) => pause === data),
            mergeMap(() => throwError(() => full(data))),
          ),
        { concurrency: 2, onUnsubscribe: 'abort' },
      );
      await add(60_000);
      await add(10);
      await eventually(() => worker.events.length === 2, 'both run', patience);
      turns.next(60_000);
      await eventuallyWaiting(1);
      turns.next(10);
      await eventuallyWaiting(2);
      expect(await test.queue.getRateLimitTtl()).toBeGreaterThan(30_000);
    });

    it('with a zero allowance is final', async () => {
      test.work(() => throwError(() => full(10).with({ retryable: false })));
      const events = await test.allEvents(await add());
      expect(events.at(-1)).toMatchObject({ type: 'job-failed', error: { kind: 'rate-limit' } });
    });
  });

  describe('stopping a job closes its call to Mistral', () => {
    let simulator: Simulator;
    beforeEach(async () => {
      simulator = await startSimulator({ faults: [{ kind: 'stall', at: { events: 3 } }] });
    });
    afterEach(async () => {
      await simulator.close();
    });
    const stall = (): Observable<ChatEvent> => chatStream(clientOf(simulator), question);
    const stalled = async (count = 1): Promise<void> => {
      await simulator.until(() => simulator.requests.filter(({ eventsWritten }) => eventsWritten >= 3).length === count, { timeout: patience });
      await collectGarbage();
    };
    const closed = (): Promise<void> => simulator.until(() => simulator.openRequests === 0, { timeout: patience });

    it('cancelJob, from another process', async () => {
      test.work(stall);
      const jobId = await add();
      await stalled();
      expect(await firstValueFrom(cancelJob(test.open(test.name), jobId))).toBe(true);
      await closed();

      const events = await test.allEvents(jobId);
      expect(events.at(-1)).toMatchObject({ type: 'job-failed', error: { kind: 'truncated', code: 'cancelled', retryable: false } });
      await eventuallyState(jobId, 'failed');
      expect(await firstValueFrom(cancelJob(test.queue, jobId))).toBe(false);
    });

    it('cancelJob, while the job is begun and others are cancelled all the time', async () => {
      const connection = test.connect();
      const { hexists } = connection;
      let isAsked = false;
      // As late as can be: the answer is that it is not cancelled, and it is when that comes.
      connection.hexists = (async (...given: Parameters<typeof hexists>) => {
        const answer = await hexists.apply(connection, given);
        if (!isAsked) {
          isAsked = true;
          await firstValueFrom(cancelJob(test.queue, await jobId));
          // The worker has heard of it.
          await connection.ping();
          await sleep(100);
        }
        return answer;
      });
      const others = setInterval(() => void test.redis.publish(`rxmistral:jobs:bull:${test.name}:cancelled`, 'another'), 200);
      test.work(stall, { connection });
      await sleep(500);
      const jobId = add();
      const events = await test.allEvents(await jobId);
      clearInterval(others);
      expect(events.at(-1)).toMatchObject({ type: 'job-failed', error: { code: 'cancelled' } });
    });

    it('its timeout, which uses an attempt', async () => {
      test.work(stall, { timeout: 700, backoff: constantBackoff(1) });
      const jobId = await add({}, { attempts: 2 });
      const events = await test.allEvents(jobId);
      await closed();
      expect(events.filter(({ type }) => type !== 'job-value').map(({ type }) => type)).toEqual(['job-start', 'job-retry', 'job-start', 'job-failed']);
      expect(events.at(-1)).toMatchObject({ error: { kind: 'timeout', which: 'total' } });
    });

    it('a lock that is lost: nothing of it reaches the log any more', async () => {
      const begun: number[] = [];
      const options = { lockDuration: 4_000, stalledInterval: 100_000 } satisfies Partial<ProcessQueueOptions>;
      const worker = test.work(() => {
        begun.push(performance.now());
        return stall();
      }, options);
      const jobId = await add();
      await stalled();
      // Somebody else has it now.
      await test.redis.set(`bull:${test.name}:${jobId}:lock`, 'another');
      await closed();
      await eventually(() => worker.errors.length === 0, 'it goes on', 100);

      const events = await firstValueFrom(jobEvents(test.queue, jobId).pipe(map(() => true)));
      expect(events).toBe(true);
      expect(worker.events.map(({ type }) => type)).not.toContain('job-failed');
      expect(begun).toHaveLength(1);
    });

    it('a job that comes back to the same worker: the attempt before it, and the new one is whole', async () => {
      const begun: number[] = [];
      const ended: number[] = [];
      test.work(
        () =>
          new Observable<never>(() => {
            const run = begun.push(begun.length);
            return () => ended.push(run);
          }),
        { concurrency: 2, events: false, lockDuration: 6_000, stalledInterval: 100_000 },
      );
      const jobId = await add();
      await eventually(() => begun.length === 1, 'it runs', patience);
      // What another worker does that finds it without its lock.
      const key = (part: string): string => `bull:${test.name}:${part}`;
      await test.redis.multi().del(key(`${jobId}:lock`)).lrem(key('active'), 0, jobId).rpush(key('wait'), jobId).zadd(key('marker'), 0, '0').exec();
      await eventually(() => begun.length === 2, 'it runs again', patience);
      await eventually(() => ended.length === 1, 'the first attempt is stopped', patience);
      expect(ended).toEqual([1]);
      // Its lock is renewed, again and again.
      let left = Infinity;
      for (let renewed = 0; renewed < 2; ) {
        const now = await test.redis.pttl(key(`${jobId}:lock`));
        expect(now).toBeGreaterThan(0);
        if (now > left) renewed += 1;
        left = now;
        await sleep(100);
      }
      await firstValueFrom(cancelJob(test.queue, jobId));
      await eventually(() => ended.length === 2, 'the second one is stopped', patience);
      await eventuallyState(jobId, 'failed');
    });

    it('unsubscribing with abort: five running jobs are put back, and no attempt is lost', async () => {
      const worker = test.work(stall, { concurrency: 5, onUnsubscribe: 'abort' });
      const ids = await Promise.all(Array.from({ length: 5 }, () => add({}, { attempts: 1 })));
      await stalled(5);
      worker.subscription.unsubscribe();
      await closed();
      await worker.closed;

      for (const jobId of ids) {
        expect(await stateOf(jobId)).toBe('waiting');
        expect((await test.queue.getJob(jobId))?.attemptsMade).toBe(0);
      }
      simulator.setFaults();
      test.work(() => chatStream(clientOf(simulator), question), { concurrency: 5 });
      for (const jobId of ids) {
        const events = await test.allEvents(jobId);
        expect(events.map(({ type }) => type)).toContain('job-released');
        expect(events.at(-1)).toMatchObject({ type: 'job-complete', attempt: 1 });
      }
    });
  });

  describe('unsubscribing', () => {
    it('with drain lets five running jobs end, and takes no other', async () => {
      const release = new Subject<string>();
      const worker = test.work(() => release, { concurrency: 5 });
      const ids = await Promise.all(Array.from({ length: 8 }, () => add()));
      await eventually(() => worker.events.filter(({ type }) => type === 'job-start').length === 5, 'five run', patience);
      worker.subscription.unsubscribe();
      release.next('end');
      release.complete();
      await worker.closed;

      const states = await Promise.all(ids.map(stateOf));
      expect(states.filter((state) => state === 'completed')).toHaveLength(5);
      expect(states.filter((state) => state === 'waiting')).toHaveLength(3);
    });

    it('drains no longer than drainTimeout', async () => {
      const worker = test.work(() => NEVER, { drainTimeout: 200 });
      const jobId = await add();
      await eventually(() => worker.events.length === 1, 'it runs', patience);
      worker.subscription.unsubscribe();
      await worker.closed;
      expect(await stateOf(jobId)).toBe('waiting');
      expect((await test.queue.getJob(jobId))?.attemptsMade).toBe(0);
    });

    it('until closes it as well, and completes behind the last event', async () => {
      const stop = new Subject<undefined>();
      const release = new Subject<string>();
      const worker = test.work(() => release, { until: stop });
      await add();
      await eventually(() => worker.events.length === 1, 'it runs', patience);
      stop.next(undefined);
      release.next('end');
      release.complete();
      await eventually(() => worker.isComplete(), 'it completes', patience);
      expect(worker.events.at(-1)).toMatchObject({ type: 'job-complete', result: 'end' });
      expect(worker.errors).toEqual([]);
    });
  });

  describe('a job whose worker is gone', () => {
    it('has what was streamed as its partial, and goes on by prefix', async () => {
      const simulator = await startSimulator({ faults: [{ kind: 'reset', at: { events: 4 }, on: 0 }] });
      simulator.setReply('one two three four five six seven eight nine ten');
      const partials: unknown[] = [];
      test.work<unknown, ChatEvent>(
        ({ partial }) => {
          partials.push(partial?.content);
          return chatStream(clientOf(simulator), question, { onDisconnect: 'resume', retry: { maxRetries: 0 }, continueFrom: partial });
        },
        { backoff: constantBackoff(1) },
      );
      const jobId = await add();
      const events = await test.allEvents<ChatEvent>(jobId);
      const snapshot = await lastValueFrom(of(...events).pipe(jobValues(), accumulate()));
      const asked = simulator.requests.map(({ body }) => JSON.stringify(body));
      await simulator.close();

      expect(partials).toHaveLength(2);
      expect(partials[0]).toBeUndefined();
      expect(partials[1]).toMatch(/^one two/);
      expect(asked[1]).toContain('"prefix":true');
      expect(snapshot.text).toBe('one two three four five six seven eight nine ten');
      expect(events.at(-1)).toMatchObject({ type: 'job-complete', attempt: 2, result: { text: snapshot.text } });
    });

    it('is not run again where its end is in the log', async () => {
      let runs = 0;
      test.work(() => {
        runs += 1;
        return of('result');
      });
      const jobId = await add();
      await test.allEvents(jobId);
      await eventuallyState(jobId, 'completed');
      // As if its worker had been killed before BullMQ was told.
      const job = await test.queue.getJob(jobId);
      await job?.retry('completed');
      await eventuallyState(jobId, 'completed');
      expect(runs).toBe(1);
      expect((await test.queue.getJob(jobId))?.returnvalue).toBe('result');
    });
  });

  async function eventuallyWaiting(count: number): Promise<void> {
    await eventuallyAsync(async () => (await test.queue.getWaitingCount()) === count);
    expect(await test.queue.getWaitingCount()).toBe(count);
  }

  async function eventuallyState(jobId: string, state: string): Promise<void> {
    await test.stateBecomes(jobId, state);
    expect(await stateOf(jobId)).toBe(state);
  }

  it('leaves no failure of Redis unhandled where a job is begun', async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', listen);
    const connection = test.connect();
    const { hexists } = connection;
    connection.hexists = () => {
      connection.hexists = hexists;
      return Promise.reject(new Error('Connection is closed.'));
    };
    const jobId = await add({}, { attempts: 1 });
    // Of the wrong type.
    const key = logKeyOf(jobId, (await test.queue.getJob(jobId))?.timestamp ?? 0);
    await test.redis.set(`{rxmistral:jobs:bull:${test.name}:${key}}:state`, 'none');
    test.work(() => of('done'), { connection });
    await eventuallyState(jobId, 'failed');
    await sleep(50);
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });

  it('tells what fails beside the jobs, and goes on', async () => {
    const errors: RxMistralError[] = [];
    const connection = test.connect();
    const worker = test.work(() => of('done'), { connection, onError: (error) => errors.push(error) });
    await test.allEvents(await add());
    connection.disconnect(true);
    await test.allEvents(await add());
    expect(worker.errors).toEqual([]);
  });

  it.each<[string, Partial<Record<keyof ProcessQueueOptions, unknown>>, string]>([
    ['no connection', { connection: undefined }, '`connection` to be a client of ioredis'],
    ['concurrency', { concurrency: 0 }, '`concurrency` to be an integer >= 1, got 0'],
    ['limiter', { limiter: { max: 0, duration: 1 } }, '`limiter.max`'],
    ['a limiter without its max', { limiter: { duration: 1 } }, '`limiter.max`'],
    ['a limiter without its duration', { limiter: { max: 1 } }, '`limiter.duration`'],
    ['until', { until: 5 }, '`until`'],
    ['timeout', { timeout: 0 }, '`timeout`'],
    ['onUnsubscribe', { onUnsubscribe: 'stop' }, '`onUnsubscribe`'],
    ['drainTimeout', { drainTimeout: -1 }, '`drainTimeout`'],
    ['backoff', { backoff: 2_000 }, '`backoff`'],
    ['events', { events: true }, '`events`'],
    ['events.maxEvents', { events: { maxEvents: 0 } }, '`events.maxEvents`'],
    ['events.interval', { events: { interval: -1 } }, '`events.interval`'],
    ['webhook', { webhook: {} }, '`webhook.queue`'],
    ['lockDuration', { lockDuration: 10 }, '`lockDuration`'],
    ['maxStalledCount', { maxStalledCount: -1 }, '`maxStalledCount`'],
    ['onClosed', { onClosed: 1 }, '`onClosed`'],
    ['random', { random: 1 }, '`random`'],
  ])('refuses %s at once', (_, options, message) => {
    expect(() => processQueue('q', () => EMPTY, { connection: {}, ...options } as ProcessQueueOptions)).toThrow(TypeError);
    expect(() => processQueue('q', () => EMPTY, { connection: {}, ...options } as ProcessQueueOptions)).toThrow(message);
  });

  it('refuses a queue without a name, no project, and no options', () => {
    expect(() => processQueue('q', () => EMPTY, undefined as never)).toThrow('Expected `options` to be an object');
    expect(() => processQueue('', () => EMPTY, { connection: {} })).toThrow('`name`');
    expect(() => processQueue(randomUUID(), undefined as never, { connection: {} })).toThrow('`project`');
  });
});
