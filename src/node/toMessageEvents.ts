import { catchError, defer, map, of, type OperatorFunction } from 'rxjs';
import { EventEncoder } from '../sse/EventEncoder.js';
import { expectServingOptions, type UnsharedServingOptions } from '../sse/ServingOptions.js';

/** An event as NestJS takes it of an `@Sse()` handler: its `MessageEvent`. */
export interface NestMessageEvent {
  /** The JSON of the value. */
  readonly data: string;
  /** Always there: where it is missing, Nest counts ids of its own. */
  readonly id: string;
  /** The name of the event; none is `message` to the client. */
  readonly type?: string;
  /** The reconnection time in milliseconds, in the first event. */
  readonly retry?: number;
}

/** Options of {@link toMessageEvents}. */
export type ToMessageEventsOptions<T> = Pick<UnsharedServingOptions<T>, 'event' | 'id' | 'retry'>;

/**
 * Makes of values what an `@Sse()` handler of NestJS returns.
 *
 * ```
 * source             -a-b-#
 * toMessageEvents()  -a-b-(e|)     each as { data: JSON }; e: of { type: 'error', requestId, error }
 * ```
 *
 * **Ids**: without `id`, each event says that it has none (`id: ''`). Nest would number them by itself, anew for each connection, and
 * a client that reconnects would take the events of a new answer for the rest of the old one. `id` is for a source that can go on behind one.
 * An answer that outlives its connections belongs to a `replay` store: `pipeEventStream(answer, response, { replay, key, lastEventId })` in a
 * handler that takes Nest's response, `@Res()`.
 *
 * An error of the source is its last event, an `ErrorEvent` as of `errorAsEvent()`: of an Observable that fails, Nest would tell
 * the client "Internal server error". A value that has no JSON is such an error. **Completes** with the source; never fails. Nest
 * **unsubscribes** when the client has gone, and with it from the source. What a client does not read waits in Nest, which gives
 * it up behind 4 MiB (`@Sse(path, { maxPendingDataLength })`).
 *
 * @throws TypeError at once when an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { of } from 'rxjs';
 * import { toMessageEvents } from 'rxmistral/node';
 *
 * // @Sse('chat') chat() { return chatStream(this.client, request).pipe(toMessageEvents()); }
 * of({ type: 'text-delta', text: 'Hi' })
 *   .pipe(toMessageEvents({ retry: 1_000 }))
 *   .subscribe(console.log); // { data: '{"type":"text-delta","text":"Hi"}', id: '', retry: 1000 }
 * ```
 */
export function toMessageEvents<T>(options: ToMessageEventsOptions<T> = {}): OperatorFunction<T, NestMessageEvent> {
  expectServingOptions<T>(options);
  const { id = () => '', event, retry } = options;
  return (source) =>
    defer(() => {
      let noId = '';
      const encoder = new EventEncoder<T, string>({ id, errorId: () => '', event });
      return source.pipe(
        map((value) => encoder.encode(value)),
        catchError((error: unknown) => of(encoder.encodeError(error))),
        map((encoded, index): NestMessageEvent => {
          // Behind ids, an event without one leaves the client its last: an id with a NULL in it is to be ignored.
          if (encoded.id !== '') noId = '\0';
          return {
            data: encoded.data,
            id: encoded.id === '' ? noId : encoded.id,
            ...(encoded.event === '' ? {} : { type: encoded.event }),
            ...(retry === undefined || index > 0 ? {} : { retry }),
          };
        }),
      );
    });
}
