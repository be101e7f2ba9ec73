import type { FaultKind } from './faults.js';

/**
 * How a request ended: `'open'` not yet; `'completed'` the whole response was handed to the operating system;
 * `'client-closed'` the client went first; `'server-cut'` the simulator destroyed the socket (a `reset` fault, `close()`).
 */
export type Outcome = 'open' | 'completed' | 'client-closed' | 'server-cut';

/**
 * What the simulator saw of one request, live: the later fields change while the response runs.
 * Times are milliseconds on the clock of `performance.now()` in the simulator's process.
 */
export interface RecordedRequest {
  /** Its number, from 0, in the order in which the requests' headers arrived. */
  readonly index: number;
  /** Which connection it came on, from 0: equal numbers mean that the socket was reused. */
  readonly connection: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Such as `'?page=1'`, or `''`. */
  readonly query: string;
  /** By lower-case name; repeated ones are joined with `', '`. Nothing is redacted. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The parsed JSON; of a multipart form its fields by name (a list where a name is repeated), with `{ filename, contentType,
   * bytes, sha256 }` for a file; the text of anything else. `undefined` until it has been read, and where there is none.
   */
  readonly body: unknown;
  /** Of an upload, those that have come so far. */
  readonly bodyBytes: number;
  /** 1, or more where the same method, path and body came before: a retry, most likely. */
  readonly attempt: number;
  /** When its headers arrived. */
  readonly receivedAt: number;
  /** The faults that struck, in order. */
  readonly faults: readonly FaultKind[];
  /** `undefined` until the response's headers were written. */
  readonly status: number | undefined;
  /** Bytes of the response's body written to the socket, HTTP's chunk framing not counted. */
  readonly bytesWritten: number;
  /** Whole events written, `[DONE]` among them; 0 where the answer is no event stream. */
  readonly eventsWritten: number;
  /** When the client closed or reset the connection before the response had ended. */
  readonly closedByClientAt: number | undefined;
  /** When it was over, however it ended. */
  readonly finishedAt: number | undefined;
  readonly outcome: Outcome;
}

/** The simulator's own, writable view of a {@link RecordedRequest}. */
export type RequestRecord = { -readonly [Field in keyof RecordedRequest]: RecordedRequest[Field] };
