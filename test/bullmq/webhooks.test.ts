import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { firstValueFrom, map, type Observable, of, throwError } from 'rxjs';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enqueueJob, type JobWebhook } from '../../src/bullmq/index.js';
import { constantBackoff, RxMistralError } from '../../src/index.js';
import { postWebhook, type WebhookEvent } from '../../src/node/index.js';
import { redisServer } from '../fixtures/servers.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';
import { eventuallyAsync } from './eventuallyAsync.js';
import { TestQueue } from './queues.js';

const { url, missing } = await redisServer();
const patience = 20_000;
const secret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';

describe.skipIf(missing)(`a webhook at the end of a job ${missing ?? ''}`, { timeout: 180_000 }, () => {
  let test: TestQueue;
  let receiver: Server;
  let hook: string;
  let failures: number;
  const received: { readonly id: string | undefined; readonly payload: unknown }[] = [];
  beforeEach(async () => {
    test = new TestQueue(url);
    received.length = 0;
    failures = 0;
    receiver = createServer((request, response) => {
      void (async () => {
        let body = '';
        for await (const piece of request) body += String(piece);
        const payload = new Webhook(secret).verify(body, request.headers as Record<string, string>);
        received.push({ id: request.headers['webhook-id'] as string | undefined, payload });
        failures -= 1;
        response.writeHead(failures >= 0 ? 500 : 204).end();
      })();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  });
  afterEach(async () => {
    receiver.closeAllConnections();
    receiver.close();
    await test.close();
  });

  const webhooks = (): string => `${test.name}-webhooks`;
  // What the guide shows: each post is a job, with its attempts; one that is given up is a failed job.
  const post = () =>
    test.work<JobWebhook, number>(
      ({ data }) =>
        of(data.payload).pipe(
          postWebhook({ url: data.url, id: () => data.id, secret, retry: false, allow: { http: true, addresses: ['127.0.0.1'] } }),
          map((event: WebhookEvent<unknown>) => {
            if (event.type === 'webhook-failed') throw event.error;
            return event.status;
          }),
        ),
      { backoff: constantBackoff(20), events: false },
      webhooks(),
    );

  it('is a job of its own, posted until it is taken, under one id', async () => {
    failures = 3;
    const queue = test.open(webhooks());
    test.work(() => of('result'), { webhook: { queue } });
    const posting = post();
    const { jobId } = await firstValueFrom(enqueueJob(test.queue, {}, { jobId: () => 'answer-1', callbackUrl: hook }));
    await eventually(() => posting.events.some(({ type }) => type === 'job-complete'), 'it is delivered', patience);

    const id = received[0]?.id;
    expect(id).toMatch(/^msg_[0-9a-f]{64}$/);
    expect(received.map((post) => post.id)).toEqual([id, id, id, id]);
    expect(received[0]?.payload).toMatchObject({ type: 'job.completed', data: { queue: test.name, jobId, result: 'result' } });
    expect(posting.events.filter(({ type }) => type === 'job-retry')).toHaveLength(3);
  });

  it('tells of a failure too, and comes once for a job that is run again', async () => {
    const queue = test.open(webhooks());
    test.work(
      () => {
        throw new RxMistralError({ kind: 'http', status: 422, message: 'Refused' });
      },
      { webhook: { queue } },
    );
    const posting = post();
    const { jobId } = await firstValueFrom(enqueueJob(test.queue, {}, { jobId: () => 'answer-2', callbackUrl: () => hook }));
    await eventually(() => posting.events.some(({ type }) => type === 'job-complete'), 'it is delivered', patience);
    expect(received[0]?.payload).toMatchObject({ type: 'job.failed', data: { jobId, error: { kind: 'http', status: 422, message: 'Refused' } } });

    await test.stateBecomes(jobId, 'failed');
    await (await test.queue.getJob(jobId))?.retry('failed');
    await test.stateBecomes(jobId, 'failed');
    expect(await queue.getJobs()).toHaveLength(1);
    expect(received).toHaveLength(1);
  });

  it('that is never taken is a failed job: a dead letter that can be retried', async () => {
    failures = 100;
    const queue = test.open(webhooks());
    test.work(() => of('result'), { webhook: { queue, attempts: 2 } });
    const posting = post();
    await firstValueFrom(enqueueJob(test.queue, {}, { jobId: () => 'answer-3', callbackUrl: hook }));
    await eventually(() => posting.events.some(({ type }) => type === 'job-failed'), 'it is given up', patience);
    expect(received).toHaveLength(2);

    failures = 0;
    const id = received[0]?.id ?? '';
    await eventuallyAsync(async () => (await queue.getJobState(id)) === 'failed');
    await (await queue.getJob(id))?.retry('failed', { resetAttemptsMade: true });
    await eventually(() => posting.events.some(({ type }) => type === 'job-complete'), 'it is delivered', patience);
  });

  it.each(['1.5', 'Zürich', 'a b', 'x'.repeat(300)])('of a job whose id no header takes is delivered: %s', async (jobId) => {
    const queue = test.open(webhooks());
    test.work(() => of('result'), { webhook: { queue } });
    const posting = post();
    await firstValueFrom(enqueueJob(test.queue, {}, { jobId: () => jobId, callbackUrl: hook }));
    await eventually(() => posting.events.some(({ type }) => type === 'job-complete'), 'it is delivered', patience);
    expect(received[0]?.payload).toMatchObject({ data: { jobId } });
  });

  it('is not taken for that of another queue, or for the other end of its own job', async () => {
    const queue = test.open(webhooks());
    // Names and ids that are one text when they are put together.
    const names = [`${test.name}-a`, `${test.name}-a-b`];
    const ids = ['b-c', 'c'];
    let fails = true;
    for (const name of names) {
      test.work(() => (fails ? throwError(() => new RxMistralError({ kind: 'http', status: 422, message: 'Refused' })) : of('result')), { webhook: { queue } }, name);
    }
    const queues = names.map((name) => test.open(name));
    for (const [index, own] of queues.entries()) await firstValueFrom(enqueueJob(own, {}, { jobId: () => ids[index] ?? '', callbackUrl: hook }));
    await eventuallyAsync(async () => (await queue.count()) === 2);
    fails = false;
    await eventuallyAsync(async () => (await queues[0]?.getJobState('b-c')) === 'failed');
    await (await queues[0]?.getJob('b-c'))?.retry('failed');
    await eventuallyAsync(async () => (await queue.count()) === 3);
    const waiting = await queue.getJobs(['waiting']);
    expect(new Set(waiting.map(({ id }) => id)).size).toBe(3);
    expect(waiting.map(({ data }) => (data as JobWebhook).payload.type).sort()).toEqual(['job.completed', 'job.failed', 'job.failed']);
  });

  it('goes with its age, as jobs do', async () => {
    const queue = test.open(webhooks());
    const own = test.open(`${webhooks()}-own`, { defaultJobOptions: { removeOnComplete: true } });
    test.work(() => of('result'), { webhook: { queue } });
    test.work(() => of('result'), { webhook: { queue: own } }, `${test.name}-2`);
    await firstValueFrom(enqueueJob(test.queue, {}, { callbackUrl: hook }));
    await firstValueFrom(enqueueJob(test.open(`${test.name}-2`), {}, { callbackUrl: hook }));
    await eventuallyAsync(async () => (await queue.count()) + (await own.count()) === 2);
    const [[webhook], [other]] = [await queue.getJobs(['waiting']), await own.getJobs(['waiting'])];
    expect(webhook?.opts).toMatchObject({ removeOnComplete: { age: 86_400 }, removeOnFail: { age: 604_800 } });
    expect(other?.opts).toMatchObject({ removeOnComplete: true, removeOnFail: { age: 604_800 } });
  });

  it('that cannot be added holds its job, which ends when it can, with one webhook', async () => {
    const queue = test.open(webhooks());
    const add = queue.add.bind(queue);
    let failures = 2;
    queue.add = ((...given: Parameters<typeof add>) => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error('Connection is closed.')) : add(...given);
    }) as typeof add;
    const errors: unknown[] = [];
    test.work(() => of('result'), { webhook: { queue }, onError: (error) => errors.push(error) });
    const { jobId } = await firstValueFrom(enqueueJob(test.queue, {}, { attempts: 1, callbackUrl: hook }));
    await eventuallyAsync(async () => (await test.queue.getJobState(jobId)) === 'completed');
    expect(await queue.count()).toBe(1);
    expect(errors).toMatchObject([{ kind: 'connection' }, { kind: 'connection' }]);
  });

  it('that cannot be added is added by the next worker where this one aborts', async () => {
    const queue = test.open(webhooks());
    const add = queue.add.bind(queue);
    queue.add = (() => Promise.reject(new Error('Connection is closed.'))) as typeof add;
    let runs = 0;
    const project = (): Observable<string> => {
      runs += 1;
      return of('result');
    };
    const errors: unknown[] = [];
    const worker = test.work(project, { webhook: { queue }, onError: (error) => errors.push(error), onUnsubscribe: 'abort' });
    const { jobId } = await firstValueFrom(enqueueJob(test.queue, {}, { attempts: 1, callbackUrl: hook }));
    await eventually(() => errors.length > 0, 'it cannot be added', patience);
    worker.subscription.unsubscribe();
    await worker.closed;
    queue.add = add;
    test.work(project, { webhook: { queue } });
    await eventuallyAsync(async () => (await test.queue.getJobState(jobId)) === 'completed');
    expect(await queue.count()).toBe(1);
    expect(runs).toBe(1);
  });

  it('is added for no job that names no callbackUrl', async () => {
    const queue = test.open(webhooks());
    test.work(() => of('result'), { webhook: { queue } });
    const { jobId } = await firstValueFrom(enqueueJob(test.queue, {}));
    await test.allEvents(jobId);
    expect(await queue.count()).toBe(0);
  });

  it('that Redis refuses for good changes nothing of the end of the job', async () => {
    const errors: RxMistralError[] = [];
    const queue = test.open(`${test.name}-hooks`);
    queue.add = () => Promise.reject(Object.assign(new Error('ERR unknown command'), { name: 'ReplyError' }));
    test.work(() => of('result'), { webhook: { queue }, onError: (error) => errors.push(error) });
    const { jobId } = await firstValueFrom(enqueueJob(test.queue, {}, { attempts: 1, callbackUrl: hook }));
    expect((await test.allEvents(jobId)).at(-1)).toMatchObject({ type: 'job-complete', result: 'result' });
    await eventually(() => errors.length > 0, 'it is told', patience);
    await test.stateBecomes(jobId, 'completed');
    expect(await test.queue.getJobState(jobId)).toBe('completed');
    expect(errors).toMatchObject([{ kind: 'protocol' }]);
  });
});
