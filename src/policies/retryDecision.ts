import { maxTimerMs } from '../errors/expect.js';
import { isRxMistralError } from '../errors/RxMistralError.js';
import { type Backoff, nextDelay } from './backoff.js';
import { randomBetween } from './randomBetween.js';

/** What is decided by: the same for every failure of a call. */
export interface RetryPolicy {
  /** The most retries; may be `Infinity`. */
  readonly maxRetries: number;
  /** Whether a retry may help against the error. */
  readonly isRetryable: (error: unknown) => boolean;
  /** Whether the server's `retryAfterMs` counts. */
  readonly respectRetryAfter: boolean;
  /** The longest wait that the server may ask for, in milliseconds. */
  readonly maxRetryAfter: number;
  /** No retry starts later than this after the call did, in milliseconds; may be `Infinity`. */
  readonly maxElapsed: number;
}

/** Where a call stands when it fails. */
export interface RetryState {
  /** The retries so far. */
  readonly retries: number;
  /** The time since the call started, in milliseconds. */
  readonly elapsedMs: number;
  /** The backoff to ask now. */
  readonly backoff: Backoff;
}

/** What {@link decideRetry} decides; `backoff` is the one to ask at the next failure. */
export type RetryDecision =
  | { readonly retry: true; readonly delayMs: number; readonly backoff: Backoff }
  | { readonly retry: false };

const final: RetryDecision = { retry: false };

// How far behind the server's time those come back who were all told the same, as a share of the wait.
const spread = 0.1;

/**
 * Whether and when to retry after `error`. The rules, in this order:
 *
 * 1. No more than `maxRetries`, and only what `isRetryable` says.
 * 2. Never earlier than the server said: the delay is the backoff's, or the server's where that is longer. A wait that
 *    is longer than `maxRetryAfter`, or than a timer can take, is not cut: the error is final.
 * 3. No wait for a retry that would start after `maxElapsed`: the error is final now.
 * 4. Behind the server's time, by chance, up to a tenth of its wait: all who were told the same would come back in the
 *    same instant. It makes nothing final: it is cut where it would pass `maxElapsed` or what a timer can take. A
 *    backoff that is longer has a spread of its own.
 *
 * The delay is in whole milliseconds, rounded up.
 *
 * @throws TypeError when the backoff's delay is NaN or negative. Whatever `isRetryable` throws.
 */
export function decideRetry(
  policy: RetryPolicy,
  state: RetryState,
  error: unknown,
  random: () => number,
): RetryDecision {
  if (state.retries >= policy.maxRetries || !policy.isRetryable(error)) return final;

  const serverDelayMs = policy.respectRetryAfter ? retryAfterOf(error) : 0;
  if (serverDelayMs > Math.min(policy.maxRetryAfter, maxTimerMs)) return final;

  const { delayMs: backoffMs, next } = nextDelay(state.backoff, { attempt: state.retries + 1, random });
  const leastMs = Math.max(backoffMs, Math.ceil(serverDelayMs));
  const mostMs = Math.min(maxTimerMs, policy.maxElapsed - state.elapsedMs);
  if (leastMs > mostMs) return final;
  const spreadMs = serverDelayMs > 0 ? randomBetween(serverDelayMs, serverDelayMs * (1 + spread), random) : 0;
  return { retry: true, delayMs: Math.max(leastMs, Math.floor(Math.min(spreadMs, mostMs))), backoff: next };
}

function retryAfterOf(error: unknown): number {
  const retryAfterMs = isRxMistralError(error) ? (error.retryAfterMs ?? 0) : 0;
  // An error may come from another process's JSON: what is no number asks for nothing.
  return retryAfterMs > 0 ? retryAfterMs : 0;
}
