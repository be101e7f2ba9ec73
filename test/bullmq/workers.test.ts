import { setTimeout as sleep } from 'node:timers/promises';
import { finalize, firstValueFrom, type Observable, NEVER, of, range, Subject, throwError } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelJob, enqueueJob, jobEvents, processQueue, type JobEvent, type JobRetryEvent } from '../../src/bullmq/index.js';
import { type ChatEvent, chatStream, constantBackoff, RxMistralError } from '../../src/index.js';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';
import { redisServer } from '../fixtures/servers.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';
import { eventuallyAsync } from './eventuallyAsync.js';
import { clientOf, question, TestQueue } from './queues.js';

const { url, missing } = await redisServer();
const patience = 20_000;

describe.skipIf(missing)(`workers ${missing ?? ''}`, { timeout: 180_000 }, () => {
  let test: TestQueue;
  beforeEach(() => {
    test = new TestQueue(url);
  });
  afterEach(async () => {
    await test.close();
  });
  const add: TestQueue['add'] = (...given) => test.add(...given);
  const stateBecomes: TestQueue['stateBecomes'] = (...given) => test.stateBecomes(...given);

  describe('and what Mistral answers', () => {
    let simulator: Simulator;
    beforeEach(async () => {
      simulator = await startSimulator();
    });
    afterEach(async () => {
      await simulator.close();
    });
    const ask = (): Observable<ChatEvent> => chatStream(clientOf(simulator), question);

    it('a 429 with a Retry-After of 1 s waits 1 s, and uses no attempt', async () => {
      simulator.setFaults([{ kind: 'status', status: 429, headers: { 'retry-after': '1' }, on: 0 }]);
      test.work(ask);
      const jobId = await add({}, { attempts: 1 });
      const events = await test.allEvents(jobId);
      expect(events.find(({ type }) => type === 'job-paused')).toMatchObject({ delayMs: 1_000, attempt: 1, error: { kind: 'rate-limit', status: 429 } });
      expect(events.at(-1)).toMatchObject({ type: 'job-complete', attempt: 1 });
      const [first, second] = simulator.requests;
      // By two clocks, that of Redis and ours.
      expect((second?.receivedAt ?? 0) - (first?.receivedAt ?? 0)).toBeGreaterThan(900);
      await stateBecomes(jobId, 'completed');
      expect((await test.queue.getJob(jobId))?.attemptsMade).toBe(1);
    });

    it('a 503 with a Retry-After of 1 s waits 1 s, not for the backoff, and uses an attempt', async () => {
      simulator.setFaults([{ kind: 'status', status: 503, headers: { 'retry-after': '1' }, on: 0 }]);
      test.work(ask, { backoff: constantBackoff(1) });
      const jobId = await add({}, { attempts: 2 });
      const events = await test.allEvents(jobId);
      expect(events.map(({ type, attempt }) => [type, attempt]).slice(0, 3)).toEqual([
        ['job-start', 1],
        ['job-retry', 1],
        ['job-start', 2],
      ]);
      expect(events[1]).toMatchObject({ type: 'job-retry' });
      const { delayMs } = events[1] as JobRetryEvent;
      // What is told may be a little longer: those who wait for one second do not come back together.
      expect(delayMs).toBeGreaterThanOrEqual(1_000);
      expect(delayMs).toBeLessThan(2_000);
      const [first, second] = simulator.requests;
      expect((second?.receivedAt ?? 0) - (first?.receivedAt ?? 0)).toBeGreaterThan(900);
    });

    it('a 429 of one job holds back those that wait, in other workers too', async () => {
      simulator.setFaults([{ kind: 'status', status: 429, headers: { 'retry-after': '2' }, on: 0 }]);
      test.work(ask);
      test.work(ask);
      const first = await add();
      await eventually(() => simulator.requests.length === 1, 'it is refused', patience);
      // Or it is over by now.
      await eventuallyAsync(async () => simulator.requests.length > 1 || (await test.queue.getRateLimitTtl()) > 0);
      const others = await Promise.all([add(), add(), add()]);
      await Promise.all([first, ...others].map((jobId) => test.allEvents(jobId)));
      const [refused, ...later] = simulator.requests.map(({ receivedAt }) => receivedAt);
      expect(later).toHaveLength(4);
      for (const at of later) expect(at - (refused ?? 0)).toBeGreaterThan(1_800);
    });
  });

  it('are as many as subscribe to one Observable', async () => {
    const running = new Set<unknown>();
    const connection = test.connect();
    let closed = 0;
    const worker = processQueue(test.name, (job) => NEVER.pipe(finalize(() => running.delete(running.add(job)))), {
      connection,
      onUnsubscribe: 'abort',
      onClosed: () => {
        closed += 1;
      },
    });
    const seen: JobEvent[] = [];
    const subscriptions = [0, 1].map(() => worker.subscribe({ next: (event) => seen.push(event), error: fail }));
    await Promise.all([add(), add(), add()]);
    // One job each, as `concurrency` says.
    await eventually(() => seen.length === 2, 'each has one', patience);
    subscriptions[0]?.unsubscribe();
    await eventually(() => closed === 1, 'one is closed', patience);
    await eventuallyAsync(async () => (await test.queue.getActiveCount()) === 1);
    subscriptions[1]?.unsubscribe();
    await eventually(() => closed === 2, 'both are closed', patience);
    expect(connection.status).toBe('ready');
  });

  it('take where Redis is instead of a client, and close what they have opened', async () => {
    const { hostname, port } = new URL(url);
    await test.queue.waitUntilReady();
    const before = await test.connections();
    const worker = test.work(() => NEVER, { connection: { host: hostname, port: Number(port), connectionName: test.name } });
    const jobId = await add();
    await eventually(() => worker.events.length === 1, 'it runs', patience);
    expect(await firstValueFrom(cancelJob(test.queue, jobId))).toBe(true);
    await stateBecomes(jobId, 'failed');
    worker.subscription.unsubscribe();
    await worker.closed;
    await eventuallyAsync(async () => (await test.connections()) === before);
  });

  it('work on a queue with another prefix, in braces as a cluster needs it', async () => {
    const prefix = `{p-${test.name}}`;
    const queue = test.open(test.name, { prefix });
    const worker = test.work(() => of('done'), { prefix });
    const { jobId } = await firstValueFrom(enqueueJob(queue, {}));
    expect((await lastOf(jobEvents(queue, jobId))).at(-1)).toMatchObject({ type: 'job-complete', result: 'done' });
    worker.subscription.unsubscribe();
    await worker.closed;
  });

  it('that abort put a job with a priority back among its own', async () => {
    const worker = test.work(() => NEVER, { onUnsubscribe: 'abort' });
    const jobId = await add('first', { priority: 5, attempts: 1 });
    await eventually(() => worker.events.length === 1, 'it runs', patience);
    await add('second', { priority: 5 });
    worker.subscription.unsubscribe();
    await worker.closed;
    expect(await test.queue.getJobState(jobId)).toBe('prioritized');
    const order: unknown[] = [];
    test.work(({ data }) => {
      order.push(data);
      return of(data);
    });
    await eventually(() => order.length === 2, 'both have run', patience);
    expect(order).toEqual(['first', 'second']);
  });

  it('stop a job that is cancelled while they begin it', async () => {
    const connection = test.connect();
    const look = connection.hexists.bind(connection);
    let jobId = '';
    // Between the answer and the first value, another process cancels.
    connection.hexists = (async (...given: Parameters<typeof look>) => {
      const answer = await look(...given);
      await firstValueFrom(cancelJob(test.queue, jobId));
      await sleep(50);
      return answer;
    });
    jobId = await add({}, { jobId: () => 'cancelled' });
    // Others are cancelled all the time: there is no silence in which a worker looks for what it may have missed.
    const others = setInterval(() => void test.redis.publish(`rxmistral:jobs:${test.queue.qualifiedName}:cancelled`, 'another'), 20);
    test.work(() => NEVER, { connection });
    await stateBecomes(jobId, 'failed').finally(() => {
      clearInterval(others);
    });
    expect((await test.allEvents(jobId)).at(-1)).toMatchObject({ type: 'job-failed', error: { code: 'cancelled' } });
  });

  it('put a job back that they cannot begin, without an attempt lost', async () => {
    const connection = test.connect();
    const look = connection.hexists.bind(connection);
    let failures = 2;
    connection.hexists = ((...given: Parameters<typeof look>) => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error('Connection is closed.')) : look(...given);
    });
    const errors: RxMistralError[] = [];
    test.work(() => of('done'), { connection, onError: (error) => errors.push(error) });
    const jobId = await add({}, { attempts: 1 });
    const events = await test.allEvents(jobId);
    expect(events.map(({ type }) => type)).toEqual(['job-start', 'job-value', 'job-complete']);
    expect(errors).toMatchObject([{ kind: 'connection' }, { kind: 'connection' }]);
    await stateBecomes(jobId, 'completed');
    expect((await test.queue.getJob(jobId))?.attemptsMade).toBe(1);
  });

  it('tell of a job that they have lost as a conflict', async () => {
    const errors: RxMistralError[] = [];
    test.work(() => NEVER, { lockDuration: 300, stalledInterval: 100_000, onError: (error) => errors.push(error), onUnsubscribe: 'abort' });
    const jobId = await add();
    await firstValueFrom(jobEvents(test.queue, jobId));
    await test.redis.set(`${test.queue.qualifiedName}:${jobId}:lock`, 'another');
    await eventually(() => errors.length > 0, 'it is told', patience);
    expect(errors[0]).toMatchObject({ kind: 'conflict', retryable: false });
    expect(errors[0]?.message).toContain(jobId);
  });

  it.each([
    ['with', {}],
    ['without', { events: false as const }],
  ])('fail a job whose result is too long, %s a log', async (_, options) => {
    const worker = test.work(() => of('x'.repeat(200)), { maxResult: 100, ...options });
    const jobId = await add();
    await stateBecomes(jobId, 'failed');
    expect(worker.events.at(-1)).toMatchObject({ type: 'job-failed', error: { kind: 'limit' } });
    expect((await test.queue.getJob(jobId))?.failedReason).toBe('limit: The result of the job is longer than 100 characters (`maxResult`)');
  });

  it('stop a job that is ahead of Redis by more than maxBuffered', async () => {
    let stopped = 0;
    test.work(() => range(0, 1_000_000).pipe(finalize(() => (stopped += 1))), { events: { maxBuffered: 10_000 } });
    const jobId = await add();
    const events = await test.allEvents(jobId);
    expect(events.at(-1)).toMatchObject({ type: 'job-failed', error: { kind: 'limit' } });
    expect(events.length).toBeLessThan(1_000);
    expect(stopped).toBe(1);
  });

  it('have every event in the log before BullMQ knows of the end', async () => {
    test.work(() => range(0, 500), { events: { interval: 1_000 } });
    const jobId = await add();
    await stateBecomes(jobId, 'completed');
    // What there is now, without waiting for more.
    const { events } = await firstPage(jobId);
    expect(events).toBe(502);
  });

  async function firstPage(jobId: string): Promise<{ readonly events: number }> {
    const [key] = await test.redis.keys(`*rxmistral:jobs*${test.name}*${jobId}}:events`);
    return { events: await test.redis.xlen(key ?? '') };
  }

  it('fail jobs as the attempts of BullMQ say that were added without this library', async () => {
    const { id = '' } = await test.queue.add('plain', {});
    test.work(() => throwError(() => new RxMistralError({ kind: 'connection', message: 'Away', retryable: true })), { backoff: constantBackoff(1) });
    const events = await test.allEvents(id);
    expect(events.map(({ type }) => type)).toEqual(['job-start', 'job-failed']);
  });

  it('leave a queue alone that BullMQ has paused', async () => {
    await test.queue.pause();
    const jobId = await add();
    const values = new Subject<string>();
    const worker = test.work(() => values);
    await sleep(100);
    expect(worker.events).toEqual([]);
    await test.queue.resume();
    await eventually(() => values.observed, 'it runs', patience);
    values.complete();
    await test.allEvents(jobId);
  });
});

async function lastOf<T>(source: Observable<T>): Promise<T[]> {
  const values: T[] = [];
  await source.forEach((value) => {
    values.push(value);
  });
  return values;
}

function fail(error: unknown): void {
  throw error;
}
