import type { ObservableInput } from 'rxjs';
import { byteStream } from './byteStream.js';
import { openServing } from './openServing.js';
import { expectServingOptions, type ServingOptions, type SharedServingOptions } from './ServingOptions.js';

/**
 * The values of a source as an event stream, in bytes: the body of a response.
 *
 * ```
 * source   -a-----b-#
 * bytes    -a--:--b-(e|)     each as JSON, with its id; `:` a heartbeat; e: { type: 'error', requestId, error }
 * ```
 *
 * **Errors** of the source are its last event, an `ErrorEvent` as of `errorAsEvent()`, and the end of the stream: a client
 * that only saw its connection break would ask again. Its `cause` stays here. Values have to be JSON; one that is not is such an error.
 *
 * **On demand**: a piece is made when it is asked for; what comes in between waits, `maxBuffered` characters at most. A source
 * that is further ahead is unsubscribed from, and the stream breaks with an error of kind `limit`; likewise for a client that
 * takes nothing for `stallTimeout`.
 *
 * **Cancelling** the stream (which a server does when the client has gone) unsubscribes from the source.
 *
 * **With `replay`** the source belongs to the `key`, and not to a connection. The first request subscribes to it; whoever comes
 * with the same key, at the same time or later, gets the same events:
 *
 * - with `lastEventId`, exactly those behind it, and then what comes live;
 * - without one, all from the beginning.
 *
 * The source is subscribed to once. When its last client has gone, it is stopped or goes on, as `onDisconnect` says;
 * `replay.end(key)` stops it at once, from anywhere. A client holds nothing but its place in the store, however slowly it
 * reads; one that falls behind what the store keeps breaks with an error of kind `limit`. A client whose place is not kept
 * any more gets an error event of status 410 and no others; where there is no such stream and no source, one of 404. As a whole
 * response, with these as its status and 204 for a client that has had everything: `eventStreamResponse` of `rxmistral/node`.
 *
 * @param source With `replay` it may be `undefined`: for a client that may join a stream and not begin one.
 * @throws TypeError at once when an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatStream } from 'rxmistral';
 * import { memoryReplayStore, toServerSentEvents } from 'rxmistral/sse';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const replay = memoryReplayStore();
 *
 * // A fetch handler: a POST begins an answer, and the same POST with `Last-Event-ID` goes on with it.
 * async function handle(request: Request): Promise<Response> {
 *   const { id, content } = (await request.json()) as { id: string; content: string };
 *   const answer = chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content }] });
 *   const lastEventId = request.headers.get('last-event-id');
 *   return new Response(toServerSentEvents(answer, { replay, key: id, lastEventId }), {
 *     headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' },
 *   });
 * }
 *
 * const body = JSON.stringify({ id: crypto.randomUUID(), content: 'Name three rivers.' });
 * handle(new Request('http://localhost/', { method: 'POST', body }))
 *   .then((response) => response.text())
 *   .then(console.log);
 * ```
 *
 * @see {@link memoryReplayStore}
 */
export function toServerSentEvents<T>(source: ObservableInput<T>, options?: ServingOptions<T>): ReadableStream<Uint8Array>;
export function toServerSentEvents<T>(source: ObservableInput<T> | undefined, options: SharedServingOptions<T>): ReadableStream<Uint8Array>;
export function toServerSentEvents<T>(source: ObservableInput<T> | undefined, options: ServingOptions<T> = {}): ReadableStream<Uint8Array> {
  expectServingOptions(options);
  return byteStream(openServing(source, options), options);
}
