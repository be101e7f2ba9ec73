import type { JobsOptions } from 'bullmq';
import type { SchedulerLike } from 'rxjs';
import { expectDuration, expectFunction, expectInteger, expectObject, expectScheduler, expectText, fail } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { JobToAdd } from './BulkAdder.js';
import { withCallbackUrl } from './callbackUrl.js';
import { defaultRemoval } from './defaultRemoval.js';
import { jsonLength } from './jsonLength.js';

/** Options of `enqueue`, `enqueueAll` and `enqueueJob`. */
export interface EnqueueOptions<T> {
  /** The name of each job. @defaultValue `'job'` */
  readonly name?: string | undefined;
  /**
   * The id of each job. Adding the same one again does nothing, as long as BullMQ knows the job; behind its removal (`jobOptions`) it is a
   * new one, which runs, with a log of its own. Not a number, and
   * without colons.
   * @defaultValue BullMQ counts
   */
  readonly jobId?: ((data: T) => string) | undefined;
  /** From 1, the most urgent, to 2,097,151. Jobs without one go first. @defaultValue none */
  readonly priority?: number | ((data: T) => number) | undefined;
  /** How long a job waits before it may begin, in milliseconds. @defaultValue 0 */
  readonly delay?: number | ((data: T) => number) | undefined;
  /** How often a job may be tried: an integer of at least 1. @defaultValue 3 */
  readonly attempts?: number | undefined;
  /** Where a webhook goes at the end of a job, by workers with `webhook`. @defaultValue none */
  readonly callbackUrl?: string | ((data: T) => string | undefined) | undefined;
  /**
   * Other options of BullMQ for each job.
   * @defaultValue `{ removeOnComplete: { age: 86_400 }, removeOnFail: { age: 604_800 } }`: a day, and a week
   */
  readonly jobOptions?: Omit<JobsOptions, 'attempts' | 'backoff' | 'delay' | 'jobId' | 'parent' | 'priority' | 'repeat'> | undefined;
  /** The most jobs in one command: an integer of at least 1. @defaultValue 100 */
  readonly bulkSize?: number | undefined;
  /**
   * The most jobs that wait in the queue, those that are delayed too: while there are so many, none is added. Of this one producer:
   * several may each add up to it at once.
   * @defaultValue Infinity
   */
  readonly maxQueueLength?: number | undefined;
  /** How often a queue that is full is looked at, in milliseconds. @defaultValue 250 */
  readonly pollInterval?: number | undefined;
  /** The timers. @defaultValue asyncScheduler */
  readonly scheduler?: SchedulerLike | undefined;
}

/** @throws TypeError that names the option. */
export function expectEnqueueOptions<T>(options: EnqueueOptions<T>): void {
  expectObject('options', options);
  const { priority, delay, callbackUrl } = options;
  expectText('name', options.name);
  expectFunction('jobId', options.jobId);
  if (typeof priority !== 'function') expectPriority(priority);
  if (typeof delay !== 'function') expectDuration('delay', delay);
  expectInteger('attempts', options.attempts, 1);
  if (typeof callbackUrl !== 'function' && callbackUrl !== undefined) expectUrl(callbackUrl);
  expectObject('jobOptions', options.jobOptions);
  expectInteger('bulkSize', options.bulkSize, 1);
  expectInteger('maxQueueLength', options.maxQueueLength, 1, true);
  expectDuration('pollInterval', options.pollInterval, 1);
  expectScheduler('scheduler', options.scheduler);
}

/**
 * The job of a value.
 *
 * @throws TypeError where an option that is a function has answered with what is out of its bounds.
 */
export function jobOf<T>(data: T, options: EnqueueOptions<T>): JobToAdd {
  const { name = 'job', attempts = 3, jobOptions } = options;
  const jobId = options.jobId?.(data);
  if (jobId !== undefined) expectJobId(jobId);
  const priority = typeof options.priority === 'function' ? options.priority(data) : options.priority;
  expectPriority(priority);
  const delay = typeof options.delay === 'function' ? options.delay(data) : options.delay;
  expectDuration('delay', delay);
  const callbackUrl = typeof options.callbackUrl === 'function' ? options.callbackUrl(data) : options.callbackUrl;
  if (callbackUrl !== undefined) expectUrl(callbackUrl);
  const opts = {
    ...defaultRemoval,
    ...jobOptions,
    attempts,
    ...(jobId === undefined ? {} : { jobId }),
    ...(priority === undefined ? {} : { priority }),
    ...(delay === undefined ? {} : { delay }),
  };
  if (jsonLength(data) === undefined) throw new RxMistralError({ kind: 'validation', message: 'The data of a job has no JSON' });
  return { name, data, opts: withCallbackUrl(opts, callbackUrl) };
}

// BullMQ counts its own ids, and makes its keys with colons.
function expectJobId(jobId: string): void {
  expectText('jobId', jobId);
  if (jobId.includes(':') || /^\d+$/.test(jobId)) fail('jobId', 'a text without colons that is no number', jobId);
}

function expectPriority(priority: number | undefined): void {
  expectInteger('priority', priority, 1);
  if (priority !== undefined && priority > 2_097_151) fail('priority', 'an integer <= 2097151', priority);
}

function expectUrl(url: string): void {
  expectText('callbackUrl', url);
  if (!URL.canParse(url)) fail('callbackUrl', 'a URL', url);
}
