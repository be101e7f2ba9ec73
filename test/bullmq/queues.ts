import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MistralCore } from '@mistralai/mistralai/core.js';
import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import { Queue, type QueueOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { firstValueFrom, type Observable, type Subscription, toArray } from 'rxjs';
import { enqueueJob, type EnqueueOptions, type JobEvent, jobEvents, processQueue, type ProcessQueueOptions, type QueueJob } from '../../src/bullmq/index.js';
import type { Simulator } from '../../src/simulator/index.js';
import { eventuallyAsync } from './eventuallyAsync.js';

export const question: ChatCompletionStreamRequest = { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Why?' }] };

export function clientOf(simulator: Simulator): MistralCore {
  return new MistralCore({ apiKey: 'synthetic-key-8c1f', serverURL: simulator.url });
}

/** A worker that was started, and what it has told. */
export interface Started<E> {
  readonly events: JobEvent<E>[];
  readonly errors: unknown[];
  readonly subscription: Subscription;
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
  /** Whether the Observable has completed. */
  isComplete(): boolean;
}

/** A queue with a name of its own; all that is started on it is closed with it. */
export class TestQueue {
  readonly name = `q-${randomUUID()}`;
  readonly redis: Redis;
  readonly queue: Queue;
  readonly #url: string;
  readonly #clients: Redis[] = [];
  readonly #started: Started<unknown>[] = [];
  readonly #queues: Queue[] = [];

  constructor(url: string, options: Omit<QueueOptions, 'connection'> = {}) {
    this.#url = url;
    this.redis = this.connect();
    this.queue = this.open(this.name, options);
  }

  connect(): Redis {
    // By its name it can be told from those of other tests, and so can what is duplicated from it.
    const redis = new Redis(this.#url, { maxRetriesPerRequest: null, connectionName: this.name });
    redis.on('error', () => undefined);
    this.#clients.push(redis);
    return redis;
  }

  open(name: string, options: Omit<QueueOptions, 'connection'> = {}): Queue {
    const queue = new Queue(name, { ...options, connection: this.redis });
    queue.on('error', () => undefined);
    this.#queues.push(queue);
    return queue;
  }

  /** The queue over a connection that the test closes itself. */
  openOn(connection: Redis): Queue {
    const queue = new Queue(this.name, { connection });
    queue.on('error', () => undefined);
    return queue;
  }

  /** Starts a worker with a connection of its own, as another process has. */
  work<Data, E>(
    project: (job: QueueJob<Data>) => Observable<E>,
    options: Partial<ProcessQueueOptions> = {},
    name = this.name,
  ): Started<E> {
    const events: JobEvent<E>[] = [];
    const errors: unknown[] = [];
    let complete = false;
    let close: () => void;
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const subscription = processQueue<Data, E>(name, project, {
      ...options,
      connection: options.connection ?? this.connect(),
      onClosed: () => {
        options.onClosed?.();
        close();
      },
    }).subscribe({
      next: (event) => events.push(event),
      error: (error: unknown) => errors.push(error),
      complete: () => {
        complete = true;
      },
    });
    const started = { events, errors, subscription, closed, isComplete: () => complete };
    this.#started.push(started);
    return started;
  }

  /** What all workers have told. */
  events(): readonly JobEvent[] {
    return this.#started.flatMap(({ events }) => events);
  }

  /** Adds a job, and tells its id. */
  async add(data: unknown = {}, options: EnqueueOptions<unknown> = {}): Promise<string> {
    return (await firstValueFrom(enqueueJob(this.queue, data, options))).jobId;
  }

  /** Resolves when BullMQ has the job in this state. */
  stateBecomes(jobId: string, state: string): Promise<void> {
    return eventuallyAsync(async () => (await this.queue.getJobState(jobId)) === state);
  }

  /** All events of the job, when it has come to its end. */
  allEvents<E>(jobId: string, since?: string): Promise<JobEvent<E>[]> {
    return firstValueFrom(jobEvents<E>(this.queue, jobId, { since }).pipe(toArray()));
  }

  /** How many connections to Redis there are of this queue's. */
  async connections(): Promise<number> {
    const clients = String(await this.redis.client('LIST')).split('\n');
    return clients.filter((client) => client.includes(` name=${this.name}`)).length;
  }

  async close(): Promise<void> {
    for (const { subscription } of this.#started) subscription.unsubscribe();
    await Promise.all(this.#started.map(({ closed }) => closed));
    for (const queue of this.#queues) {
      await queue.obliterate({ force: true });
      await queue.close();
    }
    const keys = await this.redis.keys(`*${this.name}*`);
    if (keys.length > 0) await this.redis.del(keys);
    // What BullMQ has sent without waiting for it is answered before the connection ends.
    for (const client of this.#clients) {
      await Promise.race([client.quit().catch(() => undefined), sleep(2_000, undefined, { ref: false })]);
      client.disconnect();
    }
  }
}
