import type { Observable } from 'rxjs';

/** An event as a replay store keeps it. Plain JSON. */
export interface ReplayEvent {
  /** Its place in its stream: the first is 1, and none is left out. What a client sends back as `Last-Event-ID`. */
  readonly id: number;
  /** The name that the client is told; `''` for none. */
  readonly event: string;
  readonly data: string;
}

/**
 * Where a client stands in a stream:
 *
 * - `open`: events are there behind its place, or may still come.
 * - `ended`: it has had them all, and there will be no more.
 * - `expired`: the next event is kept no more, or the place was never one of this stream.
 * - `unknown`: there is no such stream (any more).
 */
export type ReplayPlace = 'open' | 'ended' | 'expired' | 'unknown';

/** What stands behind a place: events, at least one of them, in order and without a gap; or why there are none. */
export type ReplayPage =
  | { readonly place: 'open'; readonly events: readonly ReplayEvent[] }
  | { readonly place: Exclude<ReplayPlace, 'open'> };

/**
 * Keeps the events of streams for clients that come back, come late, or read slowly: in memory (`memoryReplayStore`), or where
 * several processes share them. A stream has one writer, who made it, and any number of readers, each of whom holds
 * nothing but its place. A store of one's own implements these six; what may answer with a promise may answer at once.
 */
export interface ReplayStore {
  /** Makes the stream. `true` for one caller: the writer. `false` where there is such a stream already. */
  create(key: string): boolean | PromiseLike<boolean>;
  /** Adds events, whose ids go on where the last ones ended. Called by the writer, one call at a time. */
  append(key: string, events: readonly ReplayEvent[]): void | PromiseLike<void>;
  /** No more events will come. Anyone may say so: it is how an answer is stopped. */
  end(key: string): void | PromiseLike<void>;
  /**
   * Counts the subscriber among the readers of the stream, for as long as it is subscribed. Emits once, where it stands behind
   * the event `after` (0: at the beginning), and does not complete. Only in an `open` place does it count.
   */
  join(key: string, after: number): Observable<ReplayPlace>;
  /**
   * The events behind `after`, at most `limit` of them, as soon as there is one: emits one page and completes. Unsubscribing
   * ends the wait.
   */
  read(key: string, after: number, limit: number): Observable<ReplayPage>;
  /** The number of readers, from the first one on, whenever it changes; completes when the stream has ended, or is unknown. */
  readers(key: string): Observable<number>;
}
