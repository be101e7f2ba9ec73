import { finalize, firstValueFrom, lastValueFrom, NEVER, of, Subject, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobEvents, jobValues } from '../../src/bullmq/index.js';
import { jobLogOf } from '../../src/bullmq/JobLog.js';
import { logKeyOf } from '../../src/bullmq/logKey.js';
import { accumulate, type ChatEvent, chatStream, RxMistralError } from '../../src/index.js';
import { startSimulator } from '../../src/simulator/index.js';
import { redisServer } from '../fixtures/servers.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';
import { deadWorker } from './deadWorker.js';
import { clientOf, question, TestQueue } from './queues.js';

const { url, missing } = await redisServer();
const patience = 20_000;
// Finds the jobs of dead workers soon.
const soon = { stalledInterval: 150 };

describe.skipIf(missing)(`a job whose worker was killed ${missing ?? ''}`, { timeout: 180_000 }, () => {
  let test: TestQueue;
  beforeEach(() => {
    test = new TestQueue(url);
  });
  afterEach(async () => {
    await test.close();
  });
  const add: TestQueue['add'] = (...given) => test.add(...given);
  const stateBecomes: TestQueue['stateBecomes'] = (...given) => test.stateBecomes(...given);
  const chat = (event: object): { type: 'job-value'; value: unknown } => ({ type: 'job-value', value: { requestId: 'r', ...event } });
  const begun = [
    { type: 'job-start' as const },
    chat({ type: 'start', id: 'c', model: 'mistral-small-latest', attempt: 1 }),
    chat({ type: 'text-delta', index: 0, text: 'one two' }),
    chat({ type: 'text-delta', index: 1, text: ' three' }),
  ];

  it('goes on elsewhere, at the token where it was cut, and has lost no attempt', async () => {
    const simulator = await startSimulator();
    simulator.setReply('one two three four five six');
    const jobId = await add({}, { attempts: 1 });
    await deadWorker(test, begun);
    const watched = lastValueFrom(jobEvents<ChatEvent>(test.queue, jobId).pipe(jobValues(), accumulate()));
    const partials: unknown[] = [];
    test.work<unknown, ChatEvent>(({ partial }) => {
      partials.push(partial?.content);
      return chatStream(clientOf(simulator), question, { onDisconnect: 'resume', continueFrom: partial });
    }, soon);
    const { text } = await watched;
    await stateBecomes(jobId, 'completed');
    const job = await test.queue.getJob(jobId);
    await simulator.close();

    expect(partials).toEqual(['one two three']);
    expect(text).toBe('one two three four five six');
    expect(job?.returnvalue).toMatchObject({ text });
    expect(job?.attemptsMade).toBe(1);
  });

  it('whose project begins anew shows no token twice to who accumulates', async () => {
    const simulator = await startSimulator();
    simulator.setReply('one two three four five six');
    const jobId = await add();
    await deadWorker(test, begun);
    const texts = firstValueFrom(jobEvents<ChatEvent>(test.queue, jobId).pipe(jobValues(), accumulate(), toArray()));
    test.work<unknown, ChatEvent>(() => chatStream(clientOf(simulator), question), soon);
    const snapshots = await texts;
    await simulator.close();

    const whole = 'one two three four five six';
    expect(snapshots.some(({ text }) => text === 'one two three')).toBe(true);
    for (const { text } of snapshots) expect(whole.startsWith(text)).toBe(true);
    expect(snapshots.at(-1)).toMatchObject({ text: whole, done: true });
  });

  it('writes nothing more when it was not dead after all', async () => {
    const values = new Subject<string>();
    const jobId = await add();
    const dead = await deadWorker(test, [{ type: 'job-start' }, { type: 'job-value', value: 'early' }]);
    test.work(() => values, soon);
    await eventually(() => values.observed, 'another worker has it', patience);
    expect(await dead.append({ type: 'job-value', value: 'late' })).toBe('taken');
    values.next('own');
    values.complete();
    const events = await test.allEvents(jobId);
    expect(events.map((event) => ('value' in event ? event.value : event.type))).toEqual(['job-start', 'early', 'job-start', 'own', 'job-complete']);
    expect(events.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5']);
  });

  describe('behind its end, and before BullMQ knew', () => {
    it('is complete for who watches it, while no worker is there', async () => {
      const jobId = await add();
      await deadWorker(test, [{ type: 'job-start' }, { type: 'job-complete', result: 'done' }]);
      expect((await test.allEvents(jobId)).map(({ type }) => type)).toEqual(['job-start', 'job-complete']);
    });

    it.each([
      ['whole', {}],
      ['without its beginning', { maxEvents: 2 }],
    ])('is not run again, its log %s', async (_, events) => {
      let runs = 0;
      const jobId = await add();
      await deadWorker(test, [{ type: 'job-start' }, { type: 'job-value', value: 1 }, { type: 'job-value', value: 2 }, { type: 'job-complete', result: 2 }], events);
      const worker = test.work(
        () => {
          runs += 1;
          return of(3);
        },
        { ...soon, events },
      );
      await stateBecomes(jobId, 'completed');
      expect(runs).toBe(0);
      expect((await test.queue.getJob(jobId))?.returnvalue).toBe(2);
      // An end is told once: by the worker that was killed, as far as it came to that.
      expect(worker.events).toEqual([]);
    });

    it('has failed once, until somebody retries it by hand', async () => {
      let runs = 0;
      const jobId = await add({}, { attempts: 2 });
      const error = new RxMistralError({ kind: 'http', status: 422, message: 'Refused' });
      await deadWorker(test, [{ type: 'job-start' }, { type: 'job-failed', error }]);
      test.work(
        () => {
          runs += 1;
          return of('done');
        },
        soon,
      );
      await stateBecomes(jobId, 'failed');
      expect(runs).toBe(0);
      expect(await test.queue.getJob(jobId)).toMatchObject({ attemptsMade: 1, failedReason: 'http: Refused' });
      expect((await test.allEvents(jobId)).at(-1)).toMatchObject({ type: 'job-failed', error: { status: 422 } });

      await (await test.queue.getJob(jobId))?.retry('failed', { resetAttemptsMade: true });
      await stateBecomes(jobId, 'completed');
      expect(runs).toBe(1);
    });
  });

  it('too often fails, with its log and its webhook, and can be retried by hand', async () => {
    const webhooks = test.open(`${test.name}-webhooks`);
    const jobId = await add({}, { callbackUrl: 'https://example.com/hook' });
    await deadWorker(test, begun);
    let runs = 0;
    const worker = test.work(
      () => {
        runs += 1;
        return of('done');
      },
      { ...soon, maxStalledCount: 0, webhook: { queue: webhooks } },
    );
    await stateBecomes(jobId, 'failed');
    const events = await test.allEvents(jobId);
    expect(events.at(-1)).toMatchObject({ type: 'job-failed', error: { kind: 'limit', code: 'stalled', partial: { content: 'one two three' } } });
    expect(worker.events.at(-1)).toEqual(events.at(-1));
    const [webhook] = await webhooks.getJobs(['waiting']);
    expect(webhook?.data).toMatchObject({ payload: { type: 'job.failed', data: { jobId } } });
    expect(runs).toBe(0);

    await (await test.queue.getJob(jobId))?.retry('failed');
    await stateBecomes(jobId, 'completed');
    expect(runs).toBe(1);
  });

  describe('a worker that has lost its job', () => {
    it('at its end tells of no end: neither a watcher, nor BullMQ, nor a webhook', async () => {
      const webhooks = test.open(`${test.name}-webhooks`);
      const values = new Subject<string>();
      const worker = test.work(() => values, { webhook: { queue: webhooks } });
      const jobId = await add({}, { callbackUrl: 'https://example.com/hook' });
      expect(await firstValueFrom(jobEvents(test.queue, jobId))).toMatchObject({ type: 'job-start' });
      // As another worker does, with the same job.
      const log = jobLogOf(test.redis, test.queue.qualifiedName);
      const key = logKeyOf(jobId, (await test.queue.getJob(jobId))?.timestamp ?? 0);
      await log.take(key, 'another');
      values.next('late');
      values.complete();
      worker.subscription.unsubscribe();
      await worker.closed;

      expect(worker.events.map(({ type }) => type)).not.toContain('job-complete');
      expect(await test.queue.getJobState(jobId)).toBe('active');
      expect(await webhooks.count()).toBe(0);
      expect(await firstValueFrom(log.read(key, 0, 10))).toMatchObject({ events: [{ id: 1 }] });
    });

    it('and gets it anew stops the first attempt, and can stop the second', async () => {
      const running: number[] = [];
      const stopped: number[] = [];
      const worker = test.work(
        () => {
          const run = running.push(running.length);
          return NEVER.pipe(finalize(() => stopped.push(run)));
        },
        { concurrency: 2, stalledInterval: 150, onUnsubscribe: 'abort' },
      );
      const jobId = await add();
      await eventually(() => running.length === 1, 'it runs', patience);
      await test.redis.del(`${test.queue.qualifiedName}:${jobId}:lock`);
      await eventually(() => running.length === 2, 'it runs again', patience);
      expect(stopped).toEqual([1]);
      worker.subscription.unsubscribe();
      await worker.closed;
      expect(stopped).toEqual([1, 2]);
      await stateBecomes(jobId, 'waiting');
    });
  });
});
