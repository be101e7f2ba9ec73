import type { FaultScript } from './faultRules.js';
import type { ReplyScript, ToolCallStyle } from './reply.js';

/** An allowance of so many per interval. 0 allows none at all, as a key without access to a model has it. */
export interface Allowance {
  readonly limit: number;
  /** In ms. @defaultValue 60_000 */
  readonly interval?: number | undefined;
}

/** Limits as Mistral sets them, in fixed windows, announced in its headers on every answer but those about models. */
export interface RateLimitOptions {
  readonly requests?: Allowance | undefined;
  /** Tokens of prompt and answer together. */
  readonly tokens?: Allowance | undefined;
  /**
   * How a 429 says when to come back: `Retry-After` in whole seconds (rounded up) or as a date, `retry-after-ms`, or not at all.
   * A zero allowance never says.
   *
   * @defaultValue 'seconds'
   */
  readonly retryAfter?: 'seconds' | 'http-date' | 'retry-after-ms' | 'none' | undefined;
}

/** Options of {@link startSimulator}. All times are in milliseconds. */
export interface SimulatorOptions {
  /** 0 takes a free one. @defaultValue 0 */
  readonly port?: number | undefined;
  /** @defaultValue '127.0.0.1' */
  readonly host?: string | undefined;
  /** Answers depend on this and on the request, nothing else. @defaultValue 1 */
  readonly seed?: number | string | undefined;
  /** Before the response's headers. @defaultValue 0 */
  readonly latency?: number | undefined;
  /** Between two events of a stream. Not together with `tokensPerSecond`. @defaultValue 0 */
  readonly chunkDelay?: number | undefined;
  /** A rate of events, kept on average whatever the timers' grain; an event holds about one token. */
  readonly tokensPerSecond?: number | undefined;
  /**
   * How undelayed events meet the socket: `'burst'`, an HTTP chunk each, as fast as the socket takes them;
   * `'one-per-event'`, each in a write and a turn of the event loop of its own; `'coalesced'`, the whole body in one write.
   *
   * @defaultValue 'burst'
   */
  readonly writes?: 'burst' | 'one-per-event' | 'coalesced' | undefined;
  /** The only key let in; others get a 401. @defaultValue any key, but there must be one */
  readonly apiKey?: string | undefined;
  /** What to answer completions and audio with. @defaultValue answers from the seed */
  readonly reply?: ReplyScript | undefined;
  /** What goes wrong. @defaultValue nothing */
  readonly faults?: FaultScript | undefined;
  /** @defaultValue none, and no headers about it */
  readonly rateLimit?: RateLimitOptions | undefined;
  /** How tool calls are written. @defaultValue drawn from the seed, answer by answer */
  readonly toolCallStyle?: ToolCallStyle | undefined;
  /** What is echoed of a trailing assistant message with `prefix: true`. @defaultValue 'trimmed': all but the whitespace at its end */
  readonly prefixEcho?: 'trimmed' | 'exact' | 'none' | undefined;
  /**
   * About how many tokens the seeded answers, transcriptions and pages have, 1 to 1,000,000 (`max_tokens` cuts answers).
   *
   * @defaultValue 20 to 120, by the seed
   */
  readonly answerTokens?: number | undefined;
  /** Which of Mistral's two shapes a 422 takes: `{detail:[…]}` or `{object:"error", message:{detail:[…]}, …}`. @defaultValue 'detail' */
  readonly validationErrors?: 'detail' | 'error-detail' | undefined;
  /** Larger request bodies get a 413. @defaultValue 64 MiB */
  readonly maxBodyBytes?: number | undefined;
  /** How many requests `Simulator.requests` keeps; the oldest go first. @defaultValue 10_000 */
  readonly maxRecordedRequests?: number | undefined;
}
