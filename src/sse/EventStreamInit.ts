import type { SchedulerLike } from 'rxjs';
import type { Backoff } from '../policies/backoff.js';

/** A reconnection that is about to be waited for. */
export interface Reconnection {
  /** Which one this is since the last event, from 1. */
  readonly attempt: number;
  /** How long it will be waited, in milliseconds. */
  readonly delayMs: number;
  /** What ended the connection, or kept it from coming about. */
  readonly error: unknown;
  /** Behind which event the stream is to go on; `''` where none had an id. */
  readonly lastEventId: string;
}

/** How to reconnect. */
export interface ReconnectOptions {
  /**
   * The most attempts in a row without an event: an integer of at least 0, or `Infinity`. An event begins the count anew.
   * @defaultValue 5
   */
  readonly maxRetries?: number | undefined;
  /**
   * How long to wait before each attempt. It is never less than the `retry:` of the stream, or the `Retry-After` of a
   * response, and behind these by chance up to a tenth longer.
   * @defaultValue `exponentialBackoff()`: full jitter under a ceiling that doubles from 500 ms to 30 s
   */
  readonly backoff?: Backoff | undefined;
  /**
   * The longest wait that a `Retry-After` may ask for, in milliseconds; where it asks for more, the error is final.
   * @defaultValue 60,000
   */
  readonly maxRetryAfter?: number | undefined;
  /** Called before each wait. What it throws ends the stream. */
  readonly onReconnect?: ((reconnection: Reconnection) => void) | undefined;
  /**
   * The source of chance: from 0 up to 1.
   * @defaultValue Math.random
   */
  readonly random?: (() => number) | undefined;
}

/** What sends a request: `fetch`, or anything with its shape. It must pass the signal on. */
export type FetchFunction = (request: Request, init: { readonly signal: AbortSignal }) => Promise<Response>;

/** Options of `eventStream`: those of `fetch`, and these. */
export interface EventStreamInit extends RequestInit {
  /** Whether and how to reconnect. @defaultValue `{}`; `false` ends the stream with its connection */
  readonly reconnect?: false | ReconnectOptions | undefined;
  /** Where to begin: the id of the last event that was received, at another time or in another place. @defaultValue `''` */
  readonly lastEventId?: string | undefined;
  /** @defaultValue the global `fetch` */
  readonly fetch?: FetchFunction | undefined;
  /**
   * The largest event, in bytes; a larger one is an error of kind `limit`.
   * @defaultValue 8,388,608 (8 MiB)
   */
  readonly maxEventBytes?: number | undefined;
  /**
   * The longest silence, in milliseconds, from the request to the first byte and between two. A connection that is silent
   * for longer counts as broken. For servers that send heartbeats: three times their interval is a good choice.
   * @defaultValue `Infinity`: a connection that has gone without a word is waited for
   */
  readonly idleTimeout?: number | undefined;
  /**
   * Called whenever a connection stands, the first and each that is made anew: the server has answered with an event stream,
   * of which nothing has been read yet. What it throws ends the stream.
   */
  readonly onOpen?: (() => void) | undefined;
  /** The clock and the timers. @defaultValue asyncScheduler */
  readonly scheduler?: SchedulerLike | undefined;
}
