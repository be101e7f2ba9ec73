import type { Observable } from 'rxjs';

/** What is asked of a {@link RateLimiter}. */
export interface PermitRequest {
  /** What it is estimated to cost in tokens; a function is called only where tokens are limited. @defaultValue 0 */
  readonly tokens?: number | (() => number) | undefined;
  /** For how many requests it counts: an integer of at least 1. @defaultValue 1 */
  readonly weight?: number | undefined;
}

/** Leave to make one call. It is to be settled or released, once: what comes after that counts nothing. */
export interface Permit {
  /** The call has ended. `tokens` is what it really cost; without it the estimate stands. */
  settle(tokens?: number): void;
  /** The call was never made: what it would have cost is given back. */
  release(): void;
}

/** What a limiter allows of one kind. */
export interface Allowance {
  readonly limit: number;
  /** In milliseconds. */
  readonly interval: number;
}

/** A {@link RateLimiter} as it stands. */
export interface RateLimiterState {
  /** How many requests could start now, at once; 0 while it is paused or others wait. */
  readonly available: number;
  /** How many wait for a permit. */
  readonly waiting: number;
  /** Permits that are neither settled nor released. */
  readonly running: number;
  /** Until when it is paused, by the clock of its scheduler. */
  readonly pausedUntil: number | undefined;
  /** What the server's headers have told. */
  readonly learnt: { readonly requests: Allowance | undefined; readonly tokens: Allowance | undefined };
}

/**
 * A limit on calls that pipelines share: in this process, by {@link createRateLimiter}, or over many machines. All it
 * gives is Observables, so a limiter may ask a store that is far away, and fail where that is.
 */
export interface RateLimiter {
  /** Emits one permit, when there is one, and completes. Unsubscribing before leaves the queue, and costs nothing. */
  acquire(request?: PermitRequest): Observable<Permit>;
  /** Holds all permits back for so many milliseconds; of several pauses, the one that ends last counts. */
  pause(milliseconds: number): void;
  /**
   * About how many tokens the request of a source will cost: what a source asks its permit with. Without it, what the
   * request costs is known when it is settled, and not before.
   */
  readonly estimateTokens?: ((request: unknown) => number) | undefined;
  /** Tells of a response, so that the limiter can learn from its headers; a 429 pauses it. */
  observe(status: number, headers: Pick<Headers, 'get'>): void;
  /** The state now, and when it changes. Never completes, never fails. */
  readonly state$: Observable<RateLimiterState>;
}
