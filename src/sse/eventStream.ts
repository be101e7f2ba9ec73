import { catchError, defer, EMPTY, fromEvent, map, NEVER, type Observable, of, retry, takeUntil, throwError } from 'rxjs';
import { isRxMistralError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import { connectStream } from './connectStream.js';
import type { EventStreamInit } from './EventStreamInit.js';
import type { ServerSentEvent } from './ServerSentEvent.js';
import { type Accept, readSettings, type StreamSettings } from './StreamSettings.js';
import { StreamState } from './StreamState.js';

/**
 * Reads an event stream over `fetch`, and goes on with it where its connection is lost.
 *
 * ```
 * connection   -a-b-#
 * connection           -c-d-#          asked for what comes behind b
 * connection                   |       204: there is no more
 *              -a-b----c-d-----|
 * ```
 *
 * It reads by the rules of the WHATWG text, as a browser's `EventSource` does, and may do what that may not: a POST, headers,
 * a `fetch` of your own. **Cold**: a subscription is a request; unsubscribing closes the socket.
 *
 * **It reconnects** where the connection breaks, cannot be made, or is ended by the server, and after a 408, 429 or 5xx: with
 * the header `Last-Event-ID`, behind a backoff, and never earlier than `retry:` or `Retry-After` say. A request that is not
 * a GET is sent again only where the server can tell it from a new one: behind an event with an id, or, as long as none has
 * come, where it has a header `Idempotency-Key`. A body that is a `ReadableStream` is never sent again.
 *
 * **Completes** when the server answers 204; with `reconnect: false` also at the end of the body. An event that has no blank
 * line behind it by then is dropped, as the text says.
 *
 * **Fails** with an `RxMistralError`: of kind `connection`, `timeout` or `truncated` (the server ended the stream) where the
 * attempts are used up, `http` or `rate-limit` for a status other than 200 and 204, `protocol` for another content type than
 * `text/event-stream`, `limit` for an event that is larger than `maxEventBytes`, `validation` where no request can be made of
 * what was given, or where its `signal` was aborted. Redirects are followed as `fetch` does.
 *
 * **Bounds**: an event 8 MiB, five attempts in a row without an event, the body of an error 64 KiB.
 *
 * @param input The URL, relative to the page in a browser, or a `Request`.
 * @throws TypeError at once when an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { map } from 'rxjs';
 * import { eventStream } from 'rxmistral/sse';
 *
 * // A server that cuts the connection behind each event.
 * const server = createServer((request, response) => {
 *   const next = Number(request.headers['last-event-id'] ?? 0) + 1;
 *   if (next > 3) response.writeHead(204).end();
 *   else response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`retry: 10\nid: ${next}\ndata: ${next}\n\n`);
 * }).listen(0, '127.0.0.1', () => {
 *   const { port } = server.address() as { port: number };
 *   eventStream(`http://127.0.0.1:${port}/`, { reconnect: { onReconnect: ({ lastEventId }) => console.log('cut behind', lastEventId) } })
 *     .pipe(map(({ data }) => data))
 *     .subscribe({ next: console.log, complete: () => server.close() }); // 1, 2, 3
 * });
 * ```
 *
 * @see {@link remoteChat} for the chat events of a server of your own
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventStream(input: string | URL | Request, init: EventStreamInit = {}): Observable<ServerSentEvent> {
  return readStream(readSettings(input, init), () => () => true);
}

/** The events of a stream over all its connections; `begin` makes what judges them, once a subscription. */
export function readStream(settings: StreamSettings, begin: () => Accept): Observable<ServerSentEvent> {
  return defer(() => {
    const state = new StreamState(settings);
    const accept = begin();
    const events = defer(() => connectStream(settings, state, accept)).pipe(
      retry({ delay: (error: unknown) => state.wait(error) }),
      takeUntil(abortOf(settings)),
    );
    return settings.reconnect === false ? events.pipe(endWithBody) : events;
  });
}

// Fails when the user's signal is aborted: `takeUntil` hands an error on.
function abortOf({ input, request }: StreamSettings): Observable<never> {
  const signal = request.signal ?? (input instanceof Request ? input.signal : undefined);
  if (signal === undefined) return NEVER;
  const aborted: Observable<unknown> = signal.aborted ? of(undefined) : fromEvent(signal, 'abort');
  return aborted.pipe(
    map(() => {
      throw toRxMistralError(signal.reason).with({ retryable: false });
    }),
  );
}

// Where nobody reconnects, the end of the body is the end.
function endWithBody(events: Observable<ServerSentEvent>): Observable<ServerSentEvent> {
  return events.pipe(
    catchError((error: unknown) => (isRxMistralError(error) && error.kind === 'truncated' ? EMPTY : throwError(() => error))),
  );
}
