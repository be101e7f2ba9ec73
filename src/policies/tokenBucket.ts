/** What a {@link TokenBucket} is made from. */
export interface TokenBucketOptions {
  /** The most tokens it holds. */
  readonly capacity: number;
  /** The tokens in it at first. */
  readonly initial: number;
  /** The tokens that time adds, each second. */
  readonly refillPerSecond: number;
  /** The time at first, in milliseconds. */
  readonly now: number;
}

/**
 * A token bucket: time and deposits fill it up to its capacity, what flows over is lost, and a withdrawal succeeds
 * only where all of its tokens are there. So in any stretch of time no more is withdrawn than
 * `capacity + refillPerSecond · seconds + deposits`.
 *
 * The refill is not a timer. It is worked out from the time that has passed when someone looks, as in the meter of
 * RFC 2697, section 3 (there with whole tokens). Pure arithmetic: the caller brings the time.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2697#section-3
 */
export class TokenBucket {
  readonly #capacity: number;
  readonly #refillPerSecond: number;
  #tokens: number;
  #filledAt: number;

  constructor({ capacity, initial, refillPerSecond, now }: TokenBucketOptions) {
    this.#capacity = capacity;
    this.#refillPerSecond = refillPerSecond;
    this.#tokens = Math.min(initial, capacity);
    this.#filledAt = now;
  }

  /** The tokens in it at `now`. */
  tokens(now: number): number {
    // A clock that was set back adds nothing, and the refill goes on from where it stands now.
    const seconds = Math.max(0, now - this.#filledAt) / 1_000;
    this.#filledAt = now;
    this.#tokens = Math.min(this.#capacity, this.#tokens + seconds * this.#refillPerSecond);
    return this.#tokens;
  }

  /** Adds `count` tokens, as far as there is room. */
  deposit(count: number, now: number): void {
    this.#tokens = Math.min(this.#capacity, this.tokens(now) + count);
  }

  /** Takes `count` tokens, or none and returns `false` where there are fewer. */
  withdraw(count: number, now: number): boolean {
    if (this.tokens(now) < count) return false;
    this.#tokens -= count;
    return true;
  }
}
