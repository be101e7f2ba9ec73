import { type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import { asyncScheduler, defer, firstValueFrom, map, type ObservableInput, race, Subscription, switchMap, timer } from 'rxjs';
import { anything } from '../redis/ChannelWatch.js';
import { redisError } from '../redis/redisError.js';
import { addWebhook } from './addWebhook.js';
import { watchCancellations } from './cancellations.js';
import { failedReason } from './failedReason.js';
import { JobAttempt } from './JobAttempt.js';
import type { JobEvent } from './JobEvent.js';
import type { JobEnd, JobStop } from './JobRun.js';
import { pausedCount, pauseQueue } from './pauseQueue.js';
import type { ProcessQueueOptions } from './ProcessQueueOptions.js';
import type { QueueJob } from './QueueJob.js';
import { redisOf } from './redisOf.js';
import { workerError } from './workerError.js';

// How long what Redis could not do waits before it is done again, in milliseconds.
const retryDelay = 1_000;

// The type of the backoff by which BullMQ asks the worker for the delay.
const ownBackoff = 'rxmistral';

/** What a worker is made from. */
export interface QueueWorkerInit<Data, E> {
  readonly name: string;
  readonly project: (job: QueueJob<Data>) => ObservableInput<E>;
  readonly options: ProcessQueueOptions;
  readonly onEvent: (event: JobEvent<E>) => void;
}

/** A worker of BullMQ whose jobs are Observables. */
export class QueueWorker<Data, E> {
  readonly #init: QueueWorkerInit<Data, E>;
  readonly #worker: Worker<Data>;
  readonly #attempts = new Map<string, JobAttempt<Data, E>>();
  // What came for attempts that take their logs over, and cannot be stopped yet.
  readonly #early = new Map<string, JobStop | typeof anything | undefined>();
  // What each attempt that has failed waits for, until BullMQ asks.
  readonly #delays = new WeakMap<object, number>();
  readonly #cancellations: Subscription;
  #isAborting = false;
  #wasReady = false;
  #closed: Promise<void> | undefined;

  constructor(init: QueueWorkerInit<Data, E>) {
    this.#init = init;
    const { name, options } = init;
    this.#worker = new Worker<Data>(name, (job, token, signal) => this.#process(job, token, signal), {
      connection: options.connection,
      ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
      concurrency: options.concurrency ?? 1,
      // Without a limiter BullMQ does not look at a pause. This one counts for no time, and is never full.
      limiter: options.limiter ?? { max: pausedCount, duration: 1 },
      lockDuration: options.lockDuration ?? 30_000,
      stalledInterval: options.stalledInterval ?? 30_000,
      // What is found too often without its worker fails here, with its log and its webhook, of which BullMQ knows nothing.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      settings: { backoffStrategy: (_attempts, _type, _error, job) => (job === undefined ? undefined : this.#delays.get(job)) ?? 0 },
    });
    this.#worker.on('error', (error) => {
      this.#tell(error);
    });
    this.#worker.once('ready', () => {
      this.#wasReady = true;
    });
    this.#worker.on('lockRenewalFailed', (jobIds) => {
      for (const jobId of jobIds) this.#stop(jobId, 'lost');
    });
    this.#cancellations = this.#watchCancellations();
  }

  /** Takes no new job, and resolves when those that run have ended: by themselves, or put back. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { onUnsubscribe = 'drain', drainTimeout, scheduler = asyncScheduler, onClosed } = this.#init.options;
    const aborting = new Subscription();
    if (onUnsubscribe === 'abort') this.#abort();
    else if (drainTimeout !== undefined) {
      aborting.add(
        timer(drainTimeout, scheduler).subscribe({
          next: () => {
            this.#abort();
          },
          // A timer has none.
          error: () => undefined,
        }),
      );
    }
    try {
      if (this.#wasReady) await this.#waitForRedis();
      await this.#worker.close();
    } catch (error) {
      this.#tell(error);
    } finally {
      aborting.unsubscribe();
      this.#cancellations.unsubscribe();
      onClosed?.();
    }
  }

  // BullMQ ends the connection by which it waits for jobs, and does not go on before it has ended: one that is between two attempts
  // to connect never does, and one that is connecting fails, behind which BullMQ waits for no job.
  async #waitForRedis(): Promise<void> {
    // It takes no job in the meantime.
    await this.#worker.pause(true);
    await this.#worker.backend.reconnectBlocking();
  }

  // Jobs that BullMQ was already fetching are put back as soon as they come.
  #abort(): void {
    this.#isAborting = true;
    for (const attempt of this.#attempts.values()) attempt.stop('released');
  }

  #stop(jobId: string, reason: JobStop): void {
    if (this.#early.has(jobId)) this.#early.set(jobId, reason);
    else this.#attempts.get(jobId)?.stop(reason);
  }

  #lookForCancellations(): void {
    for (const [jobId, early] of this.#early) this.#early.set(jobId, early ?? anything);
    for (const attempt of this.#attempts.values()) attempt.lookForCancellation();
  }

  async #process(job: Job<Data>, token: string | undefined, signal: AbortSignal | undefined): Promise<unknown> {
    const { project } = this.#init;
    const lost = this.#attempts.get(job.id ?? '');
    if (lost !== undefined) {
      // It has come back before this worker was told that it had lost it. BullMQ knows the locks that it renews by their jobs: where two
      // attempts of one are here, the end of the first is the end of both.
      lost.stop('lost');
      // So it is put back, and no other is taken before BullMQ has forgotten this attempt's lock.
      throw Worker.RateLimitError();
    }
    const attempt = await this.#begin(job).catch((error: unknown) => this.#putBack(job, token, error));
    // Another worker has taken the job over in the meantime.
    if (attempt === undefined) throw new WaitingError();

    const { jobId } = attempt;
    signal?.addEventListener('abort', () => {
      attempt.stop('cancelled');
    });
    if (this.#isAborting) attempt.stop('released');
    try {
      return await this.#settle(job, token, await this.#addWebhook(job, await attempt.run(project), attempt));
    } finally {
      this.#attempts.delete(jobId);
    }
  }

  async #begin(job: Job<Data>): Promise<JobAttempt<Data, E> | undefined> {
    const { options, onEvent } = this.#init;
    const jobId = job.id ?? '';
    this.#early.set(jobId, undefined);
    let early: JobStop | typeof anything | undefined;
    let attempt: JobAttempt<Data, E> | undefined;
    try {
      attempt = await JobAttempt.begin<Data, E>({ job, queue: this.#worker.qualifiedName, redis: await redisOf(this.#worker), options, onEvent });
    } finally {
      early = this.#early.get(jobId);
      this.#early.delete(jobId);
    }
    if (attempt === undefined) return undefined;
    this.#attempts.set(jobId, attempt);
    if (early === anything) attempt.lookForCancellation();
    else if (early !== undefined) attempt.stop(early);
    return attempt;
  }

  // A job whose log cannot be reached has not begun, and has used no attempt.
  async #putBack(job: Job<Data>, token: string | undefined, error: unknown): Promise<never> {
    const { scheduler = asyncScheduler } = this.#init.options;
    const told = redisError(error);
    this.#tell(told);
    if (told.kind !== 'connection') throw new Error(failedReason(told));
    await firstValueFrom(timer(retryDelay, scheduler), { defaultValue: undefined });
    if (token !== undefined) await job.moveToWait(token);
    throw new WaitingError();
  }

  // Does what BullMQ wants to see of an attempt that has ended so.
  async #settle(job: Job<Data>, token: string | undefined, end: JobEnd): Promise<unknown> {
    switch (end.type) {
      case 'job-complete':
        return end.result;
      case 'job-failed':
        throw new UnrecoverableError(failedReason(end.error));
      case 'job-retry': {
        this.#delays.set(job, end.delayMs);
        // The worker of the next attempt reads the job's own options.
        job.opts = { ...job.opts, backoff: { type: ownBackoff } };
        throw new Error(failedReason(end.error));
      }
      case 'job-paused':
        await pauseQueue(await redisOf(this.#worker), this.#worker.toKey('limiter'), end.delayMs);
        throw Worker.RateLimitError();
      case 'job-released':
        if (token !== undefined) await job.moveToWait(token);
        throw new WaitingError();
      case 'lost':
        throw new WaitingError();
    }
  }

  // A job that has ended has its webhook before BullMQ is told; where it cannot have it, another worker comes to the same end.
  async #addWebhook(job: Job<Data>, end: JobEnd, attempt: JobAttempt<Data, E>): Promise<JobEnd> {
    const { webhook, scheduler = asyncScheduler } = this.#init.options;
    if (webhook === undefined || (end.type !== 'job-complete' && end.type !== 'job-failed')) return end;
    for (;;) {
      try {
        await addWebhook(webhook, this.#worker, job, end, scheduler.now());
        return end;
      } catch (error) {
        this.#tell(error);
        // What no patience helps: the end of the job is in its log, and BullMQ must not know of another.
        if (redisError(error).kind !== 'connection') return end;
        const delay = timer(retryDelay, scheduler).pipe(map(() => undefined));
        const departure = await firstValueFrom(race(delay, attempt.departures), { defaultValue: undefined });
        if (departure !== undefined) return departure === 'lost' ? { type: 'lost' } : { type: 'job-released' };
      }
    }
  }

  #watchCancellations(): Subscription {
    const { scheduler } = this.#init.options;
    return defer(() => redisOf(this.#worker))
      .pipe(switchMap((redis) => watchCancellations(redis, this.#worker.qualifiedName, scheduler)))
      .subscribe({
        next: (message) => {
          if (message !== anything) this.#stop(message, 'cancelled');
          else this.#lookForCancellations();
        },
        error: (error: unknown) => {
          this.#tell(error);
        },
      });
  }

  #tell(error: unknown): void {
    this.#init.options.onError?.(workerError(error));
  }
}
