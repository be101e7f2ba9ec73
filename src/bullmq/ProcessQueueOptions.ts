import type { ConnectionOptions, Queue, RateLimiterOptions } from 'bullmq';
import type { ObservableInput, SchedulerLike } from 'rxjs';
import {
  expectDuration,
  expectFunction,
  expectInteger,
  expectMethods,
  expectObject,
  expectOneOf,
  expectScheduler,
  expectText,
  fail,
} from '../errors/expect.js';
import type { RxMistralError } from '../errors/RxMistralError.js';
import { expectInput } from '../events/expectInput.js';
import type { Backoff } from '../policies/backoff.js';
import { expectJobLogOptions, type JobLogOptions } from './JobLog.js';

/** The log of events that a worker writes for each job. */
export interface JobEventsOptions extends JobLogOptions {
  /**
   * How long an event waits for those that are written with it, in milliseconds: what a watcher is late by, and what bounds the
   * commands to Redis, to one an interval for each running job.
   * @defaultValue 20
   */
  readonly interval?: number | undefined;
  /**
   * The most characters of events that wait for Redis. An attempt that is ahead by more fails with an error of kind `limit`.
   * @defaultValue 8,388,608
   */
  readonly maxBuffered?: number | undefined;
}

/** Webhooks at the end of jobs whose `enqueue` named a `callbackUrl`. Where none can be added, `onError` is told, and the job ends all the same. */
export interface JobWebhookOptions {
  /**
   * Where a job is added for each webhook: a queue of its own, with a worker of its own. Where the queue has no `defaultJobOptions` that
   * say otherwise, those that were delivered are kept for a day, and those that were given up for a week.
   */
  readonly queue: Queue;
  /** How often it is tried: an integer of at least 1. @defaultValue 5 */
  readonly attempts?: number | undefined;
}

/** Options of `processQueue`. */
export interface ProcessQueueOptions {
  /**
   * BullMQ's: best a client of `ioredis` with `maxRetriesPerRequest: null`, which stays the user's. BullMQ makes one connection more to
   * wait for jobs, and this library one to hear of cancellations.
   */
  readonly connection: ConnectionOptions;
  /** What all keys of BullMQ begin with; in a cluster with braces: `'{jobs}'`. @defaultValue `'bull'` */
  readonly prefix?: string | undefined;
  /** The most jobs that this worker runs at once: an integer of at least 1. @defaultValue 1 */
  readonly concurrency?: number | undefined;
  /** BullMQ's: the most jobs that all workers of the queue together begin in `duration` milliseconds. @defaultValue none */
  readonly limiter?: RateLimiterOptions | undefined;
  /** The longest time of an attempt, in milliseconds. One that is out of time has used an attempt. @defaultValue none */
  readonly timeout?: number | undefined;
  /**
   * What becomes of running jobs when the worker is closed: `drain` lets them come to their end, `abort` closes their sockets
   * and puts them back, without an attempt lost.
   * @defaultValue `'drain'`
   */
  readonly onUnsubscribe?: 'drain' | 'abort' | undefined;
  /** How long `drain` waits before it becomes an `abort`, in milliseconds. @defaultValue none: as long as the jobs take */
  readonly drainTimeout?: number | undefined;
  /**
   * Closes the worker at the first value, as an unsubscribe does; the Observable completes when it is closed.
   * @defaultValue never
   */
  readonly until?: ObservableInput<unknown> | undefined;
  /**
   * How long a retryable failure waits before its next attempt; where the server said longer, for that. It takes the place of the job's
   * own `backoff`.
   * @defaultValue `exponentialBackoff({ initial: 2_000, max: 60_000 })`
   */
  readonly backoff?: Backoff | undefined;
  /** Whether another attempt may help. @defaultValue `error.retryable` */
  readonly isRetryable?: ((error: unknown) => boolean) | undefined;
  /**
   * The longest wait that a server may ask for, in milliseconds. A failure that asks for more is final.
   * @defaultValue 3,600,000: an hour
   */
  readonly maxRetryAfter?: number | undefined;
  /**
   * The most characters that the result of a job may have as JSON. One that has more fails with an error of kind `limit`.
   * @defaultValue 8,388,608
   */
  readonly maxResult?: number | undefined;
  /** The log of the events of each job, which `jobEvents` reads. @defaultValue on; `false` for none, and for no `partial` */
  readonly events?: false | JobEventsOptions | undefined;
  /** @defaultValue none */
  readonly webhook?: JobWebhookOptions | undefined;
  /**
   * BullMQ's: how long a job is this worker's without hearing of it, in milliseconds. A worker that was killed is found out behind
   * it.
   * @defaultValue 30,000
   */
  readonly lockDuration?: number | undefined;
  /** BullMQ's: how often jobs of killed workers are looked for, in milliseconds. @defaultValue 30,000 */
  readonly stalledInterval?: number | undefined;
  /**
   * How often a job may be found without its worker before it fails, with an error of kind `limit` and the code `stalled`: one that
   * kills every worker must end. In place of BullMQ's, whose failures reach neither the log nor the webhook.
   * @defaultValue 3
   */
  readonly maxStalledCount?: number | undefined;
  /** Called with what fails beside the jobs: the connection to Redis above all, which is made again. It must not throw. */
  readonly onError?: ((error: RxMistralError) => void) | undefined;
  /** Called when the worker is closed, behind an unsubscribe too. It must not throw. */
  readonly onClosed?: (() => void) | undefined;
  /** The timers. @defaultValue asyncScheduler */
  readonly scheduler?: SchedulerLike | undefined;
  /** The source of chance: from 0 up to 1. @defaultValue Math.random */
  readonly random?: (() => number) | undefined;
}

/** @throws TypeError that names the option. */
export function expectProcessQueueOptions(options: ProcessQueueOptions): void {
  if ((options as unknown) === undefined) fail('options', 'an object', options);
  expectObject('options', options);
  const { connection, limiter, events, webhook } = options;
  if ((connection as unknown) === undefined) fail('connection', 'a client of ioredis', connection);
  expectObject('connection', connection);
  expectText('prefix', options.prefix);
  expectInteger('concurrency', options.concurrency, 1);
  expectObject('limiter', limiter);
  if (limiter !== undefined) {
    if ((limiter.max as unknown) === undefined) fail('limiter.max', 'an integer >= 1', limiter.max);
    if ((limiter.duration as unknown) === undefined) fail('limiter.duration', 'milliseconds', limiter.duration);
    expectInteger('limiter.max', limiter.max, 1);
    expectDuration('limiter.duration', limiter.duration, 1);
  }
  expectDuration('timeout', options.timeout, 1);
  expectOneOf('onUnsubscribe', options.onUnsubscribe, ['drain', 'abort']);
  expectDuration('drainTimeout', options.drainTimeout);
  if (options.until !== undefined) expectInput('until', options.until, 'an Observable or what is made one');
  expectMethods('backoff', options.backoff, 'a Backoff', ['next']);
  expectFunction('isRetryable', options.isRetryable);
  expectDuration('maxRetryAfter', options.maxRetryAfter);
  expectInteger('maxResult', options.maxResult, 1, true);
  if (events !== false) {
    expectObject('events', events);
    expectJobLogOptions(events);
    expectDuration('events.interval', events?.interval);
    expectInteger('events.maxBuffered', events?.maxBuffered, 1, true);
  }
  expectObject('webhook', webhook);
  if (webhook !== undefined) {
    if ((webhook.queue as unknown) === undefined) fail('webhook.queue', 'a Queue of BullMQ', webhook.queue);
    expectMethods('webhook.queue', webhook.queue, 'a Queue of BullMQ', ['add']);
    expectInteger('webhook.attempts', webhook.attempts, 1);
  }
  expectInteger('lockDuration', options.lockDuration, 100);
  expectInteger('stalledInterval', options.stalledInterval, 100);
  expectInteger('maxStalledCount', options.maxStalledCount, 0);
  expectFunction('onError', options.onError);
  expectFunction('onClosed', options.onClosed);
  expectScheduler('scheduler', options.scheduler);
  expectFunction('random', options.random);
}
