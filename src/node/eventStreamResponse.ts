import { concat, finalize, firstValueFrom, NEVER, type ObservableInput, of, ReplaySubject } from 'rxjs';
import { byteStream } from '../sse/byteStream.js';
import { openServing, type Serving } from '../sse/openServing.js';
import { expectServingOptions, type ServingOptions, type SharedServingOptions, type UnsharedServingOptions } from '../sse/ServingOptions.js';
import { eventStreamHeaders } from './eventStreamHeaders.js';

/**
 * Answers with a source as an event stream: for handlers of `fetch`'s kind (Hono, Next, Bun, Deno).
 *
 * The body is {@link toServerSentEvents}; it ends, and the source with it, when the server cancels it because the client has
 * gone. With `replay` the store is asked first, so the response comes as a promise, and has the status that fits:
 *
 * | | |
 * |---|---|
 * | 200 | the events, from the beginning or behind `lastEventId` |
 * | 204 | the client has had everything: `EventSource` and `eventStream` do not come back |
 * | 404 | there is no such stream, and no source to begin it with |
 * | 410 | the events behind `lastEventId` are kept no more; nothing is begun |
 *
 * The last two have the JSON of an `RxMistralError` as their body.
 *
 * @param source With `replay` it may be `undefined`: for a client that may join a stream and not begin one.
 * @throws TypeError at once when an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatStream } from 'rxmistral';
 * import { eventStreamResponse } from 'rxmistral/node';
 * import { memoryReplayStore } from 'rxmistral/sse';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const replay = memoryReplayStore();
 *
 * // The key is the request's `Idempotency-Key`, which `remoteChat` sends.
 * export async function POST(request: Request): Promise<Response> {
 *   const { content } = (await request.json()) as { content: string };
 *   const answer = chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content }] });
 *   const key = request.headers.get('idempotency-key') ?? crypto.randomUUID();
 *   return eventStreamResponse(answer, { replay, key, lastEventId: request.headers.get('last-event-id') });
 * }
 *
 * // Another tab, or the page after a reload: joins an answer, and never begins one.
 * export async function GET(request: Request): Promise<Response> {
 *   const key = new URL(request.url).searchParams.get('key') ?? 'none';
 *   return eventStreamResponse(undefined, { replay, key, lastEventId: request.headers.get('last-event-id') });
 * }
 *
 * GET(new Request('http://localhost/?key=never-begun')).then(({ status }) => console.log(status)); // 404
 * ```
 */
export function eventStreamResponse<T>(source: ObservableInput<T>, options?: UnsharedServingOptions<T>): Response;
export function eventStreamResponse<T>(source: ObservableInput<T> | undefined, options: SharedServingOptions<T>): Promise<Response>;
export function eventStreamResponse<T>(source: ObservableInput<T> | undefined, options: ServingOptions<T> = {}): Response | Promise<Response> {
  expectServingOptions(options);
  const servings = openServing(source, options);
  if (options.replay === undefined) return new Response(byteStream(servings, options), { headers: eventStreamHeaders });

  const opened = new ReplaySubject<Serving>(1);
  const connection = servings.subscribe(opened);
  // It emits or fails, and never completes without a value.
  // eslint-disable-next-line rxjs-x/no-ignored-default-value
  return firstValueFrom(opened).then((serving) => {
    if (serving.status === 200) {
      // Open already: to be closed with its body.
      const open = concat(of(serving), NEVER).pipe(finalize(() => { connection.unsubscribe(); }));
      return new Response(byteStream(open, options, true), { headers: eventStreamHeaders });
    }
    connection.unsubscribe();
    const { status } = serving;
    return status === 204 ? new Response(null, { status }) : Response.json(serving.error, { status });
  });
}
