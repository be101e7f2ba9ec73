import { chatStream, createRateLimiter, exponentialBackoff, type MistralClient, type RetryConfig } from 'rxmistral';
import { drainOn, type DrainSignal, postWebhook, type PostWebhookOptions, type WebhookFailedEvent, type WebhookSecret } from 'rxmistral/node';
import { memoryReplayStore } from 'rxmistral/sse';
import { mergeMap, Subject } from 'rxjs';
import { Job, type JobRequest, type JobView } from './Job.js';

/** Options of a {@link JobQueue}. */
export interface JobQueueOptions {
  readonly client: MistralClient;
  /** What ends the intake; what was taken is finished. */
  readonly stop: DrainSignal;
  /** What the webhooks are signed with. */
  readonly secret: WebhookSecret;
  /** Where webhooks may go beside public https addresses. @defaultValue nowhere */
  readonly allow?: PostWebhookOptions<Job>['allow'];
  /** How webhooks are repeated. @defaultValue 4 retries, after 1 s to 30 s: a shutdown waits for them */
  readonly webhookRetry?: RetryConfig | undefined;
  /** The ceiling of the first wait before a job is tried again, in milliseconds. @defaultValue 2,000 */
  readonly retryDelay?: number | undefined;
  /** The most jobs that are known, those that have ended included. @defaultValue 1,000 */
  readonly maxJobs?: number | undefined;
  readonly model?: string | undefined;
}

/** What became of a request for a job. */
export type Submission =
  | { readonly outcome: 'accepted'; readonly job: Job }
  /** The key stands for another request. */
  | { readonly outcome: 'key-reused' }
  /** No place is free. */
  | { readonly outcome: 'full' }
  /** The process is about to end. */
  | { readonly outcome: 'stopping' };

/** A webhook that was given up. */
export interface DeadLetter {
  readonly webhookId: string;
  readonly jobId: string;
  readonly attempts: number;
  readonly error: WebhookFailedEvent<Job>['error'];
}

/**
 * The queue: five jobs at once, ten starts a second, three attempts with a backoff that grows from two seconds, and a signed
 * webhook at the end of each. All of it in the memory of this process.
 */
export class JobQueue {
  /** What the jobs tell, by their ids. */
  readonly replay;
  /** Resolves when, behind the signal, all that was taken has ended, and its webhooks are delivered or given up. */
  readonly drained: Promise<void>;
  readonly #maxJobs: number;
  readonly #jobs = new Map<string, Job>();
  readonly #keys = new Map<string, Job>();
  readonly #deadLetters = new Map<string, WebhookFailedEvent<Job>>();
  readonly #submitted = new Subject<Job>();
  readonly #webhooks = new Subject<Job>();

  constructor(options: JobQueueOptions) {
    const { client, stop, secret, allow, model = 'mistral-small-latest', retryDelay = 2_000, maxJobs = 1_000 } = options;
    this.#maxJobs = maxJobs;
    // A job may wait, and be asked for, for an hour.
    this.replay = memoryReplayStore({ maxStreams: maxJobs, maxAge: 3_600_000 });

    const limiter = createRateLimiter({ requests: { limit: 10, interval: 1_000 } });
    const retry = { maxRetries: 2, backoff: exponentialBackoff({ initial: retryDelay, jitter: 'equal' }) };
    const timeouts = { firstEvent: 30_000, idle: 30_000, total: 300_000 };
    const ask = ({ id, request: { prompt } }: Job) =>
      chatStream(client, { model, messages: [{ role: 'user', content: prompt }] }, { requestId: id, limiter, retry, timeouts, onDisconnect: 'restart' });

    this.#submitted
      .pipe(
        drainOn(stop),
        mergeMap((job) => job.run(ask(job)), 5),
      )
      // Jobs do not fail, they end as failed.
      .subscribe(this.#webhooks);

    const { webhookRetry = { maxRetries: 4, backoff: exponentialBackoff({ initial: 1_000, max: 30_000, factor: 4, jitter: 'equal' }) } } = options;
    this.drained = new Promise((resolve, reject) => {
      this.#webhooks
        .pipe(
          mergeMap((job) => (job.request.callbackUrl === undefined ? [] : [job])),
          postWebhook({
            url: ({ request }) => request.callbackUrl ?? '',
            secret,
            allow,
            retry: webhookRetry,
            // Of the job's own id: a webhook that is posted once more has the same.
            id: ({ id }) => `msg_${id}`,
            payload: ({ view, status }) => ({ type: `job.${status}`, timestamp: new Date().toISOString(), data: view }),
          }),
        )
        .subscribe({
          next: (event) => {
            if (event.type === 'webhook-failed') this.#deadLetters.set(event.id, event);
          },
          error: reject,
          complete: resolve,
        });
    });
  }

  /** Takes a job. A second request with the key of a first gets the same job. */
  submit(request: JobRequest, key?: string): Submission {
    const known = key === undefined ? undefined : this.#keys.get(key);
    if (known !== undefined) return isSame(known.request, request) ? { outcome: 'accepted', job: known } : { outcome: 'key-reused' };
    // Behind the signal nobody listens any more.
    if (!this.#submitted.observed) return { outcome: 'stopping' };
    if (!this.#makeRoom()) return { outcome: 'full' };
    const job = new Job(request, this.replay);
    this.#jobs.set(job.id, job);
    if (key !== undefined) this.#keys.set(key, job);
    this.#submitted.next(job);
    return { outcome: 'accepted', job };
  }

  find(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  /** Ends a job before its time. Returns whether there was something to end. */
  cancel(job: Job): boolean {
    const isCancelled = job.cancel();
    if (isCancelled) this.#webhooks.next(job);
    return isCancelled;
  }

  /** The jobs that have failed for good. */
  get failedJobs(): readonly JobView[] {
    return [...this.#jobs.values()].filter(({ status }) => status === 'failed').map(({ view }) => view);
  }

  /** The webhooks that were given up. */
  get deadLetters(): readonly DeadLetter[] {
    return [...this.#deadLetters.values()].map(({ id, input, attempts, error }) => ({ webhookId: id, jobId: input.id, attempts, error }));
  }

  /** Posts a dead letter once more, under the same id. Returns whether there is one. */
  repost(webhookId: string): boolean {
    const letter = this.#deadLetters.get(webhookId);
    if (letter === undefined || !this.#submitted.observed) return false;
    this.#deadLetters.delete(webhookId);
    this.#webhooks.next(letter.input);
    return true;
  }

  // The job that came first is forgotten first, of those that have ended.
  #makeRoom(): boolean {
    if (this.#jobs.size < this.#maxJobs) return true;
    const oldest = [...this.#jobs.values()].find(({ status }) => status !== 'queued' && status !== 'running');
    if (oldest === undefined) return false;
    this.#jobs.delete(oldest.id);
    for (const [key, job] of this.#keys) if (job === oldest) this.#keys.delete(key);
    this.#deadLetters.delete(`msg_${oldest.id}`);
    return true;
  }
}

function isSame(one: JobRequest, other: JobRequest): boolean {
  return one.prompt === other.prompt && one.callbackUrl === other.callbackUrl;
}
