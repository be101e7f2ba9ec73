import type { BatchFaultScript, FaultScript } from './faultRules.js';
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

/**
 * How batch jobs run: in milliseconds what takes hours. Without any of these a job is done as soon as its answers are made.
 *
 * A job is `QUEUED` and then `RUNNING`, and does its requests one after the other, in an order drawn from the seed, which is the
 * order of the lines in its files. Requests that the endpoint would refuse fail, and stand in the error file. An input line that
 * is no request lets the job end as `FAILED` before it runs.
 */
export interface BatchOptions {
  /** How long a job is `QUEUED`. @defaultValue 0 */
  readonly queueTime?: number | undefined;
  /** How long a request takes; fractions are fine. Not together with `duration`. @defaultValue 0 */
  readonly requestTime?: number | undefined;
  /** How long a job is `RUNNING`, however many requests it has. */
  readonly duration?: number | undefined;
  /** How long it takes from `CANCELLATION_REQUESTED` to `CANCELLED`. @defaultValue 0 */
  readonly cancelTime?: number | undefined;
  /** How long an hour of `timeout_hours` is; the time runs from the job's creation. @defaultValue 3_600_000 */
  readonly hour?: number | undefined;
  /**
   * What answers are made of: `'engine'`, the same as those of the live endpoints, to the byte; `'short'`, for completions, the
   * first 64 characters of the request's last message, which costs a tenth, and still tells which request was answered.
   *
   * @defaultValue 'engine'
   */
  readonly answer?: 'engine' | 'short' | undefined;
  /**
   * Whether the list of jobs is filtered by metadata. (The SDK sends each entry as a query parameter of its own; whether
   * Mistral's server knows what to make of that is not documented.)
   *
   * @defaultValue true
   */
  readonly metadataFilter?: boolean | undefined;
  /** A job with more requests is refused with a 400. @defaultValue 1_000_000 */
  readonly maxRequests?: number | undefined;
  /** What goes wrong with jobs. What goes wrong with requests and downloads is told by `SimulatorOptions.faults`. @defaultValue nothing */
  readonly faults?: BatchFaultScript | undefined;
}

/** How long conversations are known, and what is kept of a turn that broke. */
export interface ConversationOptions {
  /** How long a conversation is known after its last turn, in ms. Then it is a 404. @defaultValue as long as the simulator runs */
  readonly expireAfter?: number | undefined;
  /**
   * What the history keeps of a turn whose response was cut, or whose client left before its end: `'whole'`, since the server went
   * on by itself; `'inputs'`, without what the model said; `'nothing'`, as if it had never been asked.
   *
   * @defaultValue 'whole'
   */
  readonly cutTurn?: 'whole' | 'inputs' | 'nothing' | undefined;
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
  /** How batch jobs run, and what goes wrong with them. @defaultValue at once, and nothing */
  readonly batch?: BatchOptions | undefined;
  /** How long conversations are known, and what is kept of a turn that broke. @defaultValue always, and all */
  readonly conversations?: ConversationOptions | undefined;
  /** Larger files get a 413. @defaultValue 512 MiB */
  readonly maxFileBytes?: number | undefined;
  /** Whether a download that asks for a `Range` gets that part, as a 206; otherwise it gets the whole. @defaultValue false */
  readonly fileRanges?: boolean | undefined;
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
  /** Larger request bodies get a 413, those of file uploads excepted. @defaultValue 64 MiB */
  readonly maxBodyBytes?: number | undefined;
  /** How many requests `Simulator.requests` keeps; the oldest go first. @defaultValue 10_000 */
  readonly maxRecordedRequests?: number | undefined;
}
