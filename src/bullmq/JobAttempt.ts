import type { Job } from 'bullmq';
import { filter, type Observable, type ObservableInput } from 'rxjs';
import { RxMistralError, type RxMistralErrorKind } from '../errors/RxMistralError.js';
import { exponentialBackoff } from '../policies/backoff.js';
import { isRetryableError } from '../policies/retryable.js';
import type { EventLog } from '../redis/EventLog.js';
import { forgetStops, isCancelled } from './cancellations.js';
import type { JobCompleteEvent, JobEvent, JobFailedEvent, JobNews } from './JobEvent.js';
import { JobHistory, readJobHistory } from './JobHistory.js';
import { jobKeyOf } from './jobKey.js';
import { defaultMaxAge, jobLogOf } from './JobLog.js';
import { jsonLength } from './jsonLength.js';
import { keepLogKey, logKeyOf } from './logKey.js';
import { type JobEnd, JobRun, type JobStop } from './JobRun.js';
import { JobWriter } from './JobWriter.js';
import type { JobEventsOptions, ProcessQueueOptions } from './ProcessQueueOptions.js';
import type { QueueJob } from './QueueJob.js';
import type { JobRedis } from './redisOf.js';

const defaultInterval = 20;
const defaultMaxBuffered = 8_388_608;
const defaultMaxResult = 8_388_608;
const defaultMaxRetryAfter = 3_600_000;
const defaultMaxStalledCount = 3;
const defaultBackoff = exponentialBackoff({ initial: 2_000, max: 60_000 });

/** What an attempt is made from. */
export interface JobAttemptInit<Data, E> {
  readonly job: Job<Data>;
  /** With its prefix. */
  readonly queue: string;
  readonly redis: JobRedis;
  readonly options: ProcessQueueOptions;
  readonly onEvent: (event: JobEvent<E>) => void;
}

interface Log {
  readonly events: EventLog;
  readonly key: string;
  /** The name of this attempt as its writer. */
  readonly name: string;
}

/** One attempt of a job: its Observable, and its part in the log. */
export class JobAttempt<Data, E> {
  readonly jobId: string;
  readonly #init: JobAttemptInit<Data, E>;
  readonly #attempt: number;
  readonly #jobKey: string;
  readonly #history: JobHistory;
  readonly #log: Log | undefined;
  readonly #writer: JobWriter | undefined;
  readonly #run: JobRun<E>;

  private constructor(init: JobAttemptInit<Data, E>, history: JobHistory, log: Log | undefined, last: number) {
    const { job, queue, options } = init;
    this.#init = init;
    this.jobId = job.id ?? '';
    this.#attempt = attemptOf(job);
    this.#jobKey = jobKeyOf(queue, this.jobId);
    this.#history = history;
    this.#log = log;
    this.#writer = log && this.#writerOf(log, last);
    const { backoff = defaultBackoff, isRetryable = isRetryableError, maxRetryAfter = defaultMaxRetryAfter } = options;
    // eslint-disable-next-line no-restricted-properties -- the door that chance comes in by
    const { random = Math.random } = options;
    const policy = { attempts: job.opts.attempts ?? 1, backoff, isRetryable, maxRetryAfter, random };
    this.#run = new JobRun(history, this.#attempt, policy, options);
  }

  /** Takes the log of the job over; `undefined` where another worker has taken it from this one. */
  static async begin<Data, E>(init: JobAttemptInit<Data, E>): Promise<JobAttempt<Data, E> | undefined> {
    const { job, queue, redis, options } = init;
    const jobId = job.id ?? '';
    const { events = {}, maxStalledCount = defaultMaxStalledCount, scheduler } = options;
    const log =
      events === false
        ? undefined
        : { events: jobLogOf(redis, queue, events, scheduler), key: logKeyOf(jobId, job.timestamp), name: crypto.randomUUID() };
    // Both are waited for: what fails alone, with nobody to hear of it, would end the process.
    const [last, wasCancelled] = await Promise.all([log?.events.take(log.key, log.name) ?? 0, isCancelled(redis, jobKeyOf(queue, jobId))]);
    if (last === undefined) return undefined;
    const history = log !== undefined && last > 0 ? await readJobHistory(log.events, log.key, jobId, last) : new JobHistory();
    const attempt = new JobAttempt(init, history, log, last);
    if (wasCancelled) attempt.stop('cancelled');
    else if (job.stalledCounter > maxStalledCount) attempt.stop('stalled');
    return attempt;
  }

  /** Ends it, with its call to Mistral; the first reason counts. */
  stop(reason: JobStop | RxMistralError): void {
    this.#run.stop(reason);
  }

  /** Emits when it must not go on with what comes behind its end. */
  get departures(): Observable<'released' | 'lost'> {
    return this.#run.stops.pipe(filter((reason) => reason === 'released' || reason === 'lost'));
  }

  /** A message that the job is cancelled may have been missed. */
  lookForCancellation(): void {
    isCancelled(this.#init.redis, this.#jobKey).then(
      (isSo) => {
        if (isSo) this.stop('cancelled');
      },
      // It is looked for again.
      () => undefined,
    );
  }

  /** Runs it to its end, which is in the log when this resolves. */
  async run(project: (job: QueueJob<Data>) => ObservableInput<E>): Promise<JobEnd> {
    const { job } = this.#init;
    const { end: before } = this.#history;
    // It had come to its end, and its worker was killed before BullMQ was told. Whoever watched that worker may have been told.
    if (before !== undefined && isOwnEnd(before, job)) return this.#finish(before);
    this.#tell({ type: 'job-start' });
    const queueJob = { id: this.jobId, name: job.name, data: job.data, attempt: this.#attempt, partial: this.#history.partial, bullJob: job };
    const end = await this.#run.end(
      () => project(queueJob),
      (value) => {
        this.#tell({ type: 'job-value', value });
      },
    );
    return this.#settle(end);
  }

  async #settle(end: JobEnd): Promise<JobEnd> {
    if (end.type === 'lost') return this.#lose();
    const written = end.type === 'job-complete' ? this.#bounded(end) : end;
    const event = this.#write(written);
    // A worker that slept for too long comes to an end that is no longer the job's.
    if ((await this.#writer?.flush()) === false) return this.#lose();
    this.#init.onEvent(event);
    return written.type === 'job-complete' || written.type === 'job-failed' ? this.#finish(written) : written;
  }

  async #finish(end: Extract<JobEnd, { type: 'job-complete' | 'job-failed' }>): Promise<JobEnd> {
    const { job, queue, redis } = this.#init;
    if (this.#log !== undefined) {
      const { events, key, name } = this.#log;
      const { maxAge = defaultMaxAge } = this.#logging;
      await Promise.all([events.end(key, name), keepLogKey(redis, queue, this.jobId, job.timestamp, maxAge)]);
    }
    if (end.type === 'job-failed') await forgetStops(redis, this.#jobKey);
    return end;
  }

  get #logging(): JobEventsOptions {
    const { events } = this.#init.options;
    return events === false ? {} : (events ?? {});
  }

  #writerOf({ events: log, key, name: writer }: Log, last: number): JobWriter {
    const { interval = defaultInterval, maxBuffered = defaultMaxBuffered } = this.#logging;
    const onLost = (error: RxMistralError | undefined): void => {
      this.stop(error ?? 'lost');
    };
    const { scheduler } = this.#init.options;
    return new JobWriter({ log, key, writer, attempt: this.#attempt, last, interval, maxBuffered, onLost, scheduler });
  }

  #lose(): JobEnd {
    this.#writer?.close();
    return { type: 'lost' };
  }

  #bounded(end: Extract<JobEnd, { type: 'job-complete' }>): Extract<JobEnd, { type: 'job-complete' | 'job-failed' }> {
    const { maxResult = defaultMaxResult } = this.#init.options;
    const length = jsonLength(end.result);
    if (length === undefined) return failed('validation', 'The result of the job has no JSON');
    return length > maxResult ? failed('limit', `The result of the job is longer than ${maxResult} characters (\`maxResult\`)`) : end;
  }

  #tell(news: JobNews<E>): void {
    this.#init.onEvent(this.#write(news));
  }

  #write(news: JobNews<E>): JobEvent<E> {
    const id = this.#writer?.add(news);
    // The type of an event is that of its news.
    return { ...news, jobId: this.jobId, id: id === undefined ? '' : String(id), attempt: this.#attempt };
  }
}

function attemptOf({ attemptsMade }: Job): number {
  return attemptsMade + 1;
}

// A failure that BullMQ knows of is no end where somebody has retried the job by hand: that is a later attempt, or the first one again.
function isOwnEnd(end: JobCompleteEvent | JobFailedEvent, job: Job): boolean {
  if (end.type === 'job-complete') return true;
  return end.attempt === attemptOf(job) && (end.attempt > 1 || (job.stacktrace ?? []).length === 0);
}

function failed(kind: RxMistralErrorKind, message: string): Extract<JobEnd, { type: 'job-failed' }> {
  return { type: 'job-failed', error: new RxMistralError({ kind, message }) };
}
