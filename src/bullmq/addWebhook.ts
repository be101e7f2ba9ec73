import type { Job } from 'bullmq';
import type { RxMistralErrorJson } from '../errors/RxMistralError.js';
import { hexText } from '../policies/hexText.js';
import { callbackUrlOf } from './callbackUrl.js';
import { defaultRemoval } from './defaultRemoval.js';
import type { JobEnd } from './JobRun.js';
import type { JobWebhookOptions } from './ProcessQueueOptions.js';

/** What a webhook tells: `{ type, timestamp, data }`, as the Standard Webhooks specification recommends. */
export interface JobWebhookPayload {
  readonly type: 'job.completed' | 'job.failed';
  /** ISO 8601. */
  readonly timestamp: string;
  readonly data: {
    readonly queue: string;
    readonly jobId: string;
    readonly result?: unknown;
    readonly error?: RxMistralErrorJson | undefined;
  };
}

/** The data of a job whose work is a webhook. */
export interface JobWebhook {
  readonly url: string;
  /** The `webhook-id`: the same however often it is posted, and of this end of this job alone. */
  readonly id: string;
  readonly payload: JobWebhookPayload;
}

const defaultAttempts = 5;

/** Adds a job for the webhook of a job that has ended, where it wants one: once, however often it ends so. */
export async function addWebhook(
  { queue, attempts = defaultAttempts }: JobWebhookOptions,
  source: { readonly name: string; readonly qualifiedName: string },
  job: Job,
  end: Extract<JobEnd, { type: 'job-complete' | 'job-failed' }>,
  now: number,
): Promise<void> {
  const url = callbackUrlOf(job);
  if (url === undefined) return;
  const jobId = job.id ?? '';
  const id = await webhookIdOf(source.qualifiedName, job, end.type);
  const timestamp = new Date(now).toISOString();
  const payload: JobWebhookPayload =
    end.type === 'job-complete'
      ? { type: 'job.completed', timestamp, data: { queue: source.name, jobId, result: end.result } }
      : { type: 'job.failed', timestamp, data: { queue: source.name, jobId, error: end.error.toJSON() } };
  await queue.add('webhook', { url, id, payload } satisfies JobWebhook, { ...defaultRemoval, ...queue.defaultJobOptions, jobId: id, attempts });
}

// The id of a job may have characters that a header must not, or be that of a job of another queue, or of one that is long gone.
async function webhookIdOf(queue: string, { id, timestamp }: Job, type: string): Promise<string> {
  const text = JSON.stringify([queue, id, timestamp, type]);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return `msg_${hexText(new Uint8Array(digest))}`;
}
