import { catchError, concat, defer, map, type Observable, takeWhile, tap, throwError } from 'rxjs';
import { expectFunction, expectText, fail } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import type { PartialMessage } from '../errors/PartialMessage.js';
import { isRxMistralError, RxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import type { ChatEvent } from '../events/ChatEvent.js';
import { SnapshotBuilder } from '../events/SnapshotBuilder.js';
import { withRevivedError } from '../events/withRevivedError.js';
import type { EventStreamInit } from './EventStreamInit.js';
import { readStream } from './eventStream.js';
import { randomKey } from './randomKey.js';
import type { ServerSentEvent } from './ServerSentEvent.js';
import { type Accept, readSettings } from './StreamSettings.js';

/** Options of {@link remoteChat}: those of `eventStream`, and these. */
export interface RemoteChatInit<E = ChatEvent> extends Omit<EventStreamInit, 'body'> {
  /**
   * Names the answer to the server, in the header `Idempotency-Key`, so that a request that is sent again begins no second one.
   * @defaultValue 32 random hexadecimal digits, new for each subscription
   */
  readonly key?: string | undefined;
  /** Which event is the last one. @defaultValue one of type `complete` */
  readonly isLast?: ((event: E) => boolean) | undefined;
}

/**
 * The chat events that a server of your own sends (`toServerSentEvents`, `pipeEventStream`, `eventStreamResponse`): in a
 * browser, what `chatStream` is on the server.
 *
 * ```
 * server       -s-t-t-#                     the connection is lost
 * server                  -t-t-(c|)         it goes on behind the last event
 * remoteChat   -s-t-t------t-t-(c|)
 * ```
 *
 * **Cold**: a subscription is a request, with `body` as JSON (a POST), or without one (a GET: to join an answer). Unsubscribing
 * closes the socket; what that means for the model is the server's choice (`onDisconnect`).
 *
 * **Reconnects** as {@link eventStream} does, with the ids that a server with a `replay` store gives: no event is lost and none
 * comes twice. A repeat is left out, and where one is missing, the connection is made anew from the last one that came. From a
 * server that gives no ids, an answer that has begun is not asked for again.
 *
 * **Completes** behind the last event.
 *
 * **Fails** with the error that the server sent, as an `RxMistralError` like any other; with a `TruncatedStreamError` where
 * the stream ended before its last event; with one of kind `protocol` for an event that is none; and as {@link eventStream} does.
 * What ends an answer behind its first token carries `partial`.
 *
 * @param url Relative to the page in a browser.
 * @throws TypeError at once when an option is out of its bounds, or `body` has no JSON.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { of } from 'rxjs';
 * import { accumulate, type ChatEvent } from 'rxmistral';
 * import { pipeEventStream } from 'rxmistral/node';
 * import { remoteChat } from 'rxmistral/sse';
 *
 * const answer = of<ChatEvent[]>(
 *   { type: 'text-delta', requestId: 'r', index: 0, text: 'Hello' },
 *   { type: 'complete', requestId: 'r', id: 'c', model: 'm', message: { role: 'assistant', content: 'Hello' }, finishReason: 'stop', usage: undefined },
 * );
 * const server = createServer((_request, response) => void pipeEventStream(answer, response)).listen(0, '127.0.0.1', () => {
 *   const { port } = server.address() as { port: number };
 *   remoteChat(`http://127.0.0.1:${port}/`, { prompt: 'Hi' })
 *     .pipe(accumulate())
 *     .subscribe({ next: ({ text, done }) => console.log(text, done), complete: () => server.close() });
 * });
 * ```
 */
export function remoteChat<E extends { readonly type: string } = ChatEvent>(
  url: string | URL,
  body?: unknown,
  init: RemoteChatInit<E> = {},
): Observable<E> {
  const { key, isLast = (event: E) => event.type === 'complete', ...rest } = init;
  expectText('key', key);
  if (key !== undefined && !/^[\t\x20-\x7e\x80-\xff]+$/.test(key)) fail('key', 'a text that a header can have', key);
  expectFunction('isLast', isLast);
  // What is wrong with them is said now.
  readSettings(url, rest);
  const request = requestOf(body, rest);

  return defer(() => {
    const headers = new Headers(request.headers);
    if (!headers.has('idempotency-key')) headers.set('idempotency-key', key ?? randomKey());
    const settings = readSettings(url, { ...request, headers }, true);
    const answer = new SnapshotBuilder();
    let partial: PartialMessage | undefined;
    const truncated = throwError(() => new TruncatedStreamError({ message: 'The stream ended before its last event' }));
    return concat(readStream(settings, () => inOrder(settings.lastEventId)), truncated).pipe(
      map((event) => parseEvent(event) as E),
      tap((event) => {
        // Other events than those of a chat change nothing.
        partial = (answer.take(event as unknown as ChatEvent)?.message as PartialMessage | undefined) ?? partial;
      }),
      takeWhile((event) => !isLast(event), true),
      catchError((error: unknown) => throwError(() => withPartial(error, partial))),
    );
  });
}

function requestOf(body: unknown, init: EventStreamInit): EventStreamInit {
  if (body === undefined) return init;
  const json = JSON.stringify(body) as string | undefined;
  if (json === undefined) fail('body', 'a value that has JSON', body);
  const headers = new Headers(init.headers);
  if (!headers.has('content-type')) headers.set('content-type', 'application/json');
  return { method: 'POST', ...init, headers, body: json };
}

// By the ids of our servers, which count from 1. What names no id, or another kind of one, passes.
function inOrder(lastEventId: string): Accept {
  let last = numberOf(lastEventId);
  return ({ id }, namesId) => {
    const place = namesId ? numberOf(id) : undefined;
    if (place === undefined) return true;
    if (last !== undefined && place <= last) return false;
    if (last !== undefined && place > last + 1) {
      throw new RxMistralError({ kind: 'protocol', message: `Event ${last + 1} of the stream is missing`, retryable: true });
    }
    last = place;
    return true;
  };
}

function numberOf(id: string): number | undefined {
  return /^\d{1,15}$/.test(id) ? Number(id) : undefined;
}

// The event with its error, where it has one, as it was on the server; that of an error event is thrown.
function parseEvent({ data }: ServerSentEvent): { readonly type: string } {
  const event = parseJson(data);
  if (!isRecord(event) || typeof event['type'] !== 'string') throw protocolError(data);
  const { type } = event;
  const revived = withRevivedError(event) as { readonly type: string; readonly error?: unknown };
  if (type === 'error' && !isRxMistralError(revived.error)) throw protocolError(data);
  if (type === 'error') throw revived.error;
  return revived;
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

// Nothing of the data: it may be the answer to a question of the user's.
function protocolError(data: string): RxMistralError {
  return new RxMistralError({ kind: 'protocol', message: `An event of the stream is no chat event (${data.length} characters)` });
}

function withPartial(error: unknown, partial: PartialMessage | undefined): unknown {
  return partial !== undefined && isRxMistralError(error) && error.partial === undefined ? error.with({ partial }) : error;
}
