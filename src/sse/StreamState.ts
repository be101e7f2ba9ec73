import { type Observable, throwError, timer } from 'rxjs';
import { maxTimerMs } from '../errors/expect.js';
import { type Backoff, type BackoffContext, defaultBackoff } from '../policies/backoff.js';
import { randomBetween } from '../policies/randomBetween.js';
import { isRetryableError } from '../policies/retryable.js';
import { decideRetry, type RetryPolicy } from '../policies/retryDecision.js';
import type { ServerSentEvent } from './ServerSentEvent.js';
import type { StreamSettings } from './StreamSettings.js';

// How far behind the reconnection time those come back who were all told the same, as a share of it.
const spread = 0.1;

/** Where a stream stands, over all its connections: what it has read, and whether it may connect again. */
export class StreamState {
  readonly #settings: StreamSettings;
  readonly #policy: RetryPolicy;
  readonly #random: () => number;
  #lastEventId: string;
  #reconnectionMs = 0;
  #hasEvents = false;
  #isRepeatable = true;
  #mayBeginAnew = true;
  #hasKey = false;
  #retries = 0;
  #backoff: Backoff | undefined;

  constructor(settings: StreamSettings) {
    const { reconnect, lastEventId } = settings;
    const options = reconnect === false ? { maxRetries: 0 } : reconnect;
    this.#settings = settings;
    this.#lastEventId = lastEventId;
    // eslint-disable-next-line no-restricted-properties -- the door that chance comes in by
    this.#random = options.random ?? Math.random;
    this.#policy = {
      maxRetries: options.maxRetries ?? 5,
      isRetryable: isRetryableError,
      respectRetryAfter: true,
      maxRetryAfter: options.maxRetryAfter ?? 60_000,
      maxElapsed: Infinity,
    };
  }

  /** The id of the last event, to be sent as `Last-Event-ID`. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** An event has come: the attempts are counted anew. */
  received({ retry }: ServerSentEvent): void {
    this.#hasEvents = true;
    this.#retries = 0;
    this.#backoff = undefined;
    if (retry !== undefined) this.asked(retry);
  }

  /** The stream has come as far as this id. */
  reached(lastEventId: string): void {
    this.#lastEventId = lastEventId;
  }

  /** The server has named its reconnection time. */
  asked(reconnectionMs: number): void {
    this.#reconnectionMs = Math.min(reconnectionMs, maxTimerMs);
  }

  /** This request is about to be sent; `isRepeatable` where its body can be sent again. */
  sending({ method, headers }: Request, isRepeatable: boolean): void {
    this.#isRepeatable = isRepeatable;
    this.#mayBeginAnew = (method === 'GET' || method === 'HEAD') && !this.#settings.isAnswer;
    this.#hasKey = headers.has('idempotency-key');
  }

  /** The wait before the next connection; fails with `error` where it is final. */
  wait(error: unknown): Observable<unknown> {
    const { reconnect, scheduler } = this.#settings;
    const state = { retries: this.#retries, elapsedMs: 0, backoff: this.#backoffBehindServer() };
    const decision = reconnect !== false && this.#mayRepeat() && decideRetry(this.#policy, state, error, this.#random);
    if (decision === false || !decision.retry) return throwError(() => error);
    this.#retries += 1;
    this.#backoff = decision.backoff;
    const { delayMs } = decision;
    reconnect.onReconnect?.({ attempt: this.#retries, delayMs, error, lastEventId: this.#lastEventId });
    return timer(delayMs, scheduler);
  }

  // A GET may be sent again. Any other request, which may have cost something, only where the server can tell it from a new
  // one: by the id that it goes on behind, or, where no event has come, by its key. What has begun without ids would begin
  // anew.
  #mayRepeat(): boolean {
    if (!this.#isRepeatable) return false;
    return this.#mayBeginAnew || this.#lastEventId !== '' || (this.#hasKey && !this.#hasEvents);
  }

  // The user's backoff, which waits no less than the server asked.
  #backoffBehindServer(): Backoff {
    const { reconnect } = this.#settings;
    const backoff = this.#backoff ?? (reconnect === false ? undefined : reconnect.backoff) ?? defaultBackoff();
    const next = (context: BackoffContext) => {
      const step = backoff.next(context);
      const leastMs = this.#reconnectionMs;
      if (leastMs === 0) return step;
      const askedMs = Math.min(randomBetween(leastMs, leastMs * (1 + spread), context.random), maxTimerMs);
      return { ...step, delayMs: Math.max(step.delayMs, askedMs) };
    };
    return { next };
  }
}
