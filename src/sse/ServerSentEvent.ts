/** An event of an event stream, as a browser's `EventSource` would tell it. */
export interface ServerSentEvent {
  /** Its name; `'message'` where it has none. */
  readonly event: string;
  /** Its lines of data, joined with LF. */
  readonly data: string;
  /** The last id that the stream named, at this event or before it; `''` where none was. */
  readonly id: string;
  /** The reconnection time that the server asked for since the event before, in milliseconds. */
  readonly retry?: number | undefined;
}
