import { performance } from 'node:perf_hooks';

import { jsonAnswer, type JsonAnswer } from './answer.js';
import { rateLimitedBody } from './errorBodies.js';
import type { Allowance, RateLimitOptions } from './options.js';

/** What the limiter says of one request. */
export interface Verdict {
  /** For the response, whichever it is. */
  readonly headers: Readonly<Record<string, string>>;
  /** The 429, if the request is refused. */
  readonly refusal: JsonAnswer | undefined;
}

/** Counts requests and tokens in fixed windows; a window begins with the first request after the one before has ended. */
export class RateLimiter {
  readonly #options: RateLimitOptions;
  readonly #requests: Window | undefined;
  readonly #tokens: Window | undefined;

  constructor(options: RateLimitOptions) {
    this.#options = options;
    this.#requests = options.requests && new Window(options.requests);
    this.#tokens = options.tokens && new Window(options.tokens);
  }

  take(tokens: number): Verdict {
    const now = performance.now();
    const windows: (readonly [Window, number])[] = [];
    if (this.#requests) windows.push([this.#requests, 1]);
    if (this.#tokens) windows.push([this.#tokens, tokens]);

    const exhausted = windows.filter(([window, cost]) => !window.admits(cost, now)).map(([window]) => window);
    if (exhausted.length === 0) for (const [window, cost] of windows) window.take(cost);

    const headers = {
      ...(this.#requests && {
        'x-ratelimit-limit-req-minute': String(this.#requests.limit),
        'x-ratelimit-remaining-req-minute': String(this.#requests.remaining),
      }),
      ...(this.#tokens && {
        'x-ratelimit-limit-tokens-minute': String(this.#tokens.limit),
        'x-ratelimit-remaining-tokens-minute': String(this.#tokens.remaining),
        'x-ratelimit-tokens-query-cost': String(tokens),
      }),
    };
    if (exhausted.length === 0) return { headers, refusal: undefined };
    const wait = Math.max(...exhausted.map((window) => window.reopensIn(now)));
    return { headers, refusal: jsonAnswer(429, rateLimitedBody(), this.#retryHeaders(wait)) };
  }

  #retryHeaders(wait: number): Readonly<Record<string, string>> {
    // Without any allowance there is no time to come back at.
    if (wait === Infinity) return {};
    switch (this.#options.retryAfter ?? 'seconds') {
      case 'seconds':
        return { 'retry-after': String(Math.ceil(wait / 1000)) };
      case 'http-date':
        // A date has whole seconds: rounded up, or it would lie within the window.
        return { 'retry-after': new Date(Math.ceil((Date.now() + wait) / 1000) * 1000).toUTCString() };
      case 'retry-after-ms':
        return { 'retry-after-ms': String(Math.ceil(wait)) };
      case 'none':
        return {};
    }
  }
}

class Window {
  readonly limit: number;
  remaining: number;
  readonly #interval: number;
  #endsAt = -Infinity;

  constructor({ limit, interval = 60_000 }: Allowance) {
    this.limit = limit;
    this.remaining = limit;
    this.#interval = interval;
  }

  /** A cost above the whole limit is let through by a full window: it could never be otherwise. */
  admits(cost: number, now: number): boolean {
    if (now >= this.#endsAt) {
      this.#endsAt = now + this.#interval;
      this.remaining = this.limit;
    }
    return this.limit > 0 && (cost <= this.remaining || this.remaining === this.limit);
  }

  take(cost: number): void {
    this.remaining = Math.max(0, this.remaining - cost);
  }

  reopensIn(now: number): number {
    return this.limit === 0 ? Infinity : this.#endsAt - now;
  }
}
