import type { RxMistralError } from '../errors/RxMistralError.js';
import { type Backoff, type BackoffStep, nextDelay } from '../policies/backoff.js';
import { decideRetry } from '../policies/retryDecision.js';

/** What becomes of an attempt that has failed. */
export type JobOutcome =
  | { readonly type: 'job-paused'; readonly delayMs: number; readonly error: RxMistralError }
  | { readonly type: 'job-retry'; readonly delayMs: number; readonly error: RxMistralError }
  | { readonly type: 'job-failed'; readonly error: RxMistralError };

/** What is decided by. */
export interface JobPolicy {
  /** How many attempts the job has. */
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly isRetryable: (error: unknown) => boolean;
  /** The longest wait that a server may ask for, in milliseconds. */
  readonly maxRetryAfter: number;
  readonly random: () => number;
}

// Where a 429 does not say for how long.
const defaultPause = 5_000;

/**
 * What becomes of attempt number `attempt` (from 1) that has failed with `error`. A 429 uses no attempt: it tells of all the calls
 * of the queue, and nothing of this job. What is retryable uses one, and waits for the backoff, or for the server's time where
 * that is longer. All else is final.
 */
export function decideJobOutcome(policy: JobPolicy, attempt: number, error: RxMistralError): JobOutcome {
  const { attempts, isRetryable, maxRetryAfter, random } = policy;
  if (error.kind === 'rate-limit' && isRetryable(error)) {
    const delayMs = Math.ceil(error.retryAfterMs ?? defaultPause);
    return delayMs > maxRetryAfter ? { type: 'job-failed', error } : { type: 'job-paused', delayMs: Math.max(delayMs, 1), error };
  }
  const retries = attempt - 1;
  const decision = decideRetry(
    { maxRetries: attempts - 1, isRetryable, respectRetryAfter: true, maxRetryAfter, maxElapsed: Infinity },
    { retries, elapsedMs: 0, backoff: backoffAfter(policy.backoff, retries, random) },
    error,
    random,
  );
  return decision.retry ? { type: 'job-retry', delayMs: decision.delayMs, error } : { type: 'job-failed', error };
}

// The worker of the next attempt may be another process: what a backoff remembers is worked out anew.
function backoffAfter(backoff: Backoff, retries: number, random: () => number): Backoff {
  let step: Pick<BackoffStep, 'next'> = { next: backoff };
  for (let attempt = 1; attempt <= retries; attempt += 1) step = nextDelay(step.next, { attempt, random });
  return step.next;
}
