import { Gcra } from './gcra.js';
import { hasZeroAllowance } from './retryable.js';
import { parseRetryAfter } from './retryAfter.js';

/** A limit that a server has told. */
export interface LearntLimit {
  readonly limit: number;
  /** In milliseconds. */
  readonly interval: number;
}

const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

/** What a rate limiter learns from responses: pure, the caller brings the time. */
export class LearntLimits {
  readonly #interval: number;
  #requests: LearntLimit | undefined;
  #requestPace: Gcra | undefined;
  #tokens: LearntLimit | undefined;
  #tokenPace: Gcra | undefined;
  // What the server said it has left, less what has started since.
  #headroom: number | undefined;
  #toldAt = 0;
  #refusals = 0;

  /** @param interval What the limits in the headers are for, in milliseconds. */
  constructor(interval: number) {
    this.#interval = interval;
  }

  get requests(): LearntLimit | undefined {
    return this.#requests;
  }

  get requestPace(): Gcra | undefined {
    return this.#requestPace;
  }

  get tokens(): LearntLimit | undefined {
    return this.#tokens;
  }

  get tokenPace(): Gcra | undefined {
    return this.#tokenPace;
  }

  /** A call has started. */
  started(weight: number): void {
    if (this.#headroom !== undefined) this.#headroom -= weight;
  }

  /** A call that was to start was never made. */
  neverStarted(weight: number): void {
    if (this.#headroom !== undefined) this.#headroom += weight;
  }

  /** Whether the server has room for one more; where nothing is running, one always tries. */
  mayStart(weight: number, running: number, now: number): boolean {
    return running === 0 || this.remaining(running, now) >= weight;
  }

  /** How many more the server has room for. */
  remaining(running: number, now: number): number {
    if (this.#headroom === undefined || this.forgetsIn(now) <= 0) return Infinity;
    return Math.max(this.#headroom, running === 0 ? 1 : 0);
  }

  /** How long what the server had left counts: behind its interval it has begun anew. */
  forgetsIn(now: number): number {
    return Math.max(0, this.#toldAt + this.#interval - now);
  }

  /**
   * Learns from a response.
   *
   * @param running How many calls are under way; some of them the server has not counted yet.
   * @param pausedUntil Until when everybody is held back already.
   * @returns for how long everybody is to be held back, in milliseconds.
   */
  observe(status: number, headers: Pick<Headers, 'get'>, running: number, now: number, pausedUntil: number): number {
    if (hasZeroAllowance(headers)) return 0;
    this.#learnRequests(readCount(headers, 'x-ratelimit-limit-req-minute'));
    this.#learnTokens(readCount(headers, 'x-ratelimit-limit-tokens-minute'));
    const remaining = readCount(headers, 'x-ratelimit-remaining-req-minute');
    if (remaining !== undefined) {
      // This one has been counted, the others perhaps not.
      this.#headroom = remaining - Math.max(0, running - 1);
      this.#toldAt = now;
    }
    if (status !== 429) {
      if (status < 400) this.#refusals = 0;
      return 0;
    }
    const asked = parseRetryAfter(headers, now);
    if (asked !== undefined) return asked;
    // Those that were under way together are one refusal.
    if (pausedUntil > now) return 0;
    this.#refusals += 1;
    return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#refusals - 1, 16));
  }

  #learnRequests(limit: number | undefined): void {
    if (limit === undefined || limit === this.#requests?.limit) return;
    this.#requests = { limit, interval: this.#interval };
    this.#requestPace = new Gcra({ ...this.#requests, burst: 1 }, this.#requestPace);
  }

  #learnTokens(limit: number | undefined): void {
    if (limit === undefined || limit === this.#tokens?.limit) return;
    this.#tokens = { limit, interval: this.#interval };
    this.#tokenPace = new Gcra({ ...this.#tokens, burst: 1 }, this.#tokenPace);
  }
}

// Headers are the word of a stranger: what is no count is not there.
function readCount(headers: Pick<Headers, 'get'>, name: string): number | undefined {
  const text = headers.get(name)?.trim() ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
