import type { BulkJobOptions, Queue } from 'bullmq';
import { AsyncSubject, asyncScheduler, firstValueFrom, type Observable, race, type SchedulerLike, Subject, timer } from 'rxjs';
import { redisError } from '../redis/redisError.js';

/** A job that is to be added. */
export interface JobToAdd {
  readonly name: string;
  readonly data: unknown;
  readonly opts: BulkJobOptions;
}

/** How jobs are added. */
export interface BulkAdderOptions {
  readonly bulkSize: number;
  readonly maxQueueLength: number;
  readonly pollInterval: number;
  readonly scheduler?: SchedulerLike | undefined;
}

interface Waiting {
  readonly job: JobToAdd;
  readonly jobId: AsyncSubject<string>;
}

/** Adds jobs in bulk: those that come in one turn, and those that come while a bulk is under way, as far as the queue has room. */
export class BulkAdder {
  readonly #queue: Queue;
  readonly #options: BulkAdderOptions;
  readonly #waiting: Waiting[] = [];
  readonly #closed = new Subject<undefined>();
  #isRunning = false;
  #isClosed = false;

  constructor(queue: Queue, options: BulkAdderOptions) {
    this.#queue = queue;
    this.#options = options;
  }

  /** Emits the id of the job when it is in the queue. */
  add(job: JobToAdd): Observable<string> {
    const jobId = new AsyncSubject<string>();
    this.#waiting.push({ job, jobId });
    if (!this.#isRunning) {
      this.#isRunning = true;
      void this.#run();
    }
    return jobId;
  }

  /** Adds no more. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    this.#closed.next(undefined);
  }

  async #run(): Promise<void> {
    // What comes in this turn comes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      let bulk: Waiting[] = [];
      try {
        const room = await this.#room();
        bulk = this.#waiting.splice(0, room);
        const jobs = await this.#queue.addBulk(bulk.map(({ job }) => job));
        for (const [index, { jobId }] of bulk.entries()) {
          jobId.next(jobs[index]?.id ?? '');
          jobId.complete();
        }
      } catch (error) {
        // Where the queue could not be asked for its length, all fail.
        for (const { jobId } of bulk.length > 0 ? bulk : this.#waiting.splice(0)) jobId.error(redisError(error));
      }
    }
    this.#isRunning = false;
  }

  // How many may be added now; waits until it is one at least.
  async #room(): Promise<number> {
    const { bulkSize, maxQueueLength, pollInterval, scheduler = asyncScheduler } = this.#options;
    while (maxQueueLength !== Infinity && !this.#isClosed) {
      const room = maxQueueLength - (await this.#queue.count());
      if (room > 0) return Math.min(room, bulkSize);
      await firstValueFrom(race(timer(pollInterval, scheduler), this.#closed), { defaultValue: undefined });
    }
    return bulkSize;
  }
}
