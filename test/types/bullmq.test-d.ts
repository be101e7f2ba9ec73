import type { Queue } from 'bullmq';
import type { Cluster, Redis } from 'ioredis';
import { type Observable, of, type OperatorFunction } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';
import {
  cancelJob,
  enqueue,
  enqueueAll,
  type EnqueuedJob,
  enqueueJob,
  type EnqueueOptions,
  type JobEvent,
  jobEvents,
  type JobEventsReadOptions,
  jobValues,
  type JobWebhook,
  type JobWebhookPayload,
  processQueue,
  type ProcessQueueOptions,
  type QueueJob,
} from '../../src/bullmq/index.js';
import {
  accumulate,
  type ChatEvent,
  type ChatSnapshot,
  chatStream,
  exponentialBackoff,
  type MistralClient,
  type PartialMessage,
  type RxMistralError,
} from '../../src/index.js';
import type { JobRedis } from '../../src/bullmq/redisOf.js';

interface Prompt {
  readonly prompt: string;
}
declare const client: MistralClient;
declare const redis: Redis;
declare const queue: Queue;
declare const bullEvents: Observable<JobEvent<ChatEvent>>;

describe('the types of queues', () => {
  it('give a job its data, and its events the values of its project', () => {
    const worker = processQueue<Prompt, ChatEvent>(
      'chats',
      (job) => {
        expectTypeOf(job).toEqualTypeOf<QueueJob<Prompt>>();
        expectTypeOf(job.partial).toEqualTypeOf<PartialMessage | undefined>();
        return chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: job.data.prompt }] }, { onDisconnect: 'resume', continueFrom: job.partial });
      },
      { connection: redis },
    );
    expectTypeOf(worker).toEqualTypeOf<Observable<JobEvent<ChatEvent>>>();
  });

  it('take the values of a project from it, also of promises and arrays', () => {
    expectTypeOf(processQueue('q', (_: QueueJob<Prompt>) => of(1), { connection: redis })).toEqualTypeOf<Observable<JobEvent<number>>>();
    expectTypeOf(processQueue('q', (_: QueueJob<Prompt>) => Promise.resolve('a'), { connection: redis })).toEqualTypeOf<Observable<JobEvent<string>>>();
    expectTypeOf(processQueue('q', () => [true], { connection: redis })).toEqualTypeOf<Observable<JobEvent<boolean>>>();
  });

  it('know each event by its type', () => {
    type Event<Type extends JobEvent['type']> = Extract<JobEvent<number>, { type: Type }>;
    expectTypeOf<JobEvent['type']>().toEqualTypeOf<
      'job-start' | 'job-value' | 'job-retry' | 'job-paused' | 'job-released' | 'job-complete' | 'job-failed'
    >();
    expectTypeOf<Event<'job-value'>['value']>().toEqualTypeOf<number>();
    expectTypeOf<Event<'job-retry'>>().toExtend<{ readonly delayMs: number; readonly error: RxMistralError; readonly attempt: number }>();
    expectTypeOf<Event<'job-failed'>['error']>().toEqualTypeOf<RxMistralError>();
    expectTypeOf<Event<'job-complete'>['result']>().toEqualTypeOf<unknown>();
  });

  it('lead from the events of a job to its answer', () => {
    expectTypeOf(jobEvents<ChatEvent>(queue, 'job-1')).toEqualTypeOf<Observable<JobEvent<ChatEvent>>>();
    expectTypeOf(bullEvents.pipe(jobValues(), accumulate())).toEqualTypeOf<Observable<ChatSnapshot>>();
    // As `headers.get('last-event-id')` has it.
    expectTypeOf<null>().toExtend<JobEventsReadOptions['since']>();
  });

  it('add what the source has', () => {
    expectTypeOf(of<Prompt>({ prompt: 'Why?' }).pipe(enqueue(queue, { jobId: ({ prompt }) => prompt }))).toEqualTypeOf<Observable<EnqueuedJob>>();
    expectTypeOf(enqueue<Prompt>(queue)).toEqualTypeOf<OperatorFunction<Prompt, EnqueuedJob>>();
    expectTypeOf(enqueueAll(queue, ['a'], { priority: (text) => text.length })).toEqualTypeOf<Observable<EnqueuedJob>>();
    expectTypeOf(enqueueJob(queue, 'a')).toEqualTypeOf<Observable<EnqueuedJob>>();
    expectTypeOf<EnqueuedJob>().toEqualTypeOf<{ readonly jobId: string; readonly status: 'queued' }>();
    expectTypeOf(cancelJob(queue, 'a')).toEqualTypeOf<Observable<boolean>>();
    // What this library sets itself.
    // @ts-expect-error -- `attempts` has its place
    void enqueueJob(queue, 'a', { jobOptions: { attempts: 2 } });
  });

  it('allow undefined for every option', () => {
    expectTypeOf<{ [Option in keyof Required<EnqueueOptions<Prompt>>]: undefined }>().toExtend<EnqueueOptions<Prompt>>();
    expectTypeOf<{ [Option in keyof Required<JobEventsReadOptions>]: undefined }>().toExtend<JobEventsReadOptions>();
    expectTypeOf<Record<Exclude<keyof ProcessQueueOptions, 'connection'>, undefined> & { connection: Redis }>().toExtend<ProcessQueueOptions>();
    const backoff = exponentialBackoff();
    expectTypeOf({ connection: { host: '127.0.0.1', port: 6379 }, backoff, limiter: { max: 10, duration: 1_000 } }).toExtend<ProcessQueueOptions>();
    expectTypeOf<{ concurrency: 5 }>().not.toExtend<ProcessQueueOptions>();
  });

  it('fit the real driver, and tell webhooks by their type', () => {
    expectTypeOf<Redis>().toExtend<JobRedis>();
    expectTypeOf<Cluster>().toExtend<JobRedis>();
    expectTypeOf<JobWebhook['payload']>().toEqualTypeOf<JobWebhookPayload>();
    expectTypeOf<JobWebhookPayload['type']>().toEqualTypeOf<'job.completed' | 'job.failed'>();
  });
});
