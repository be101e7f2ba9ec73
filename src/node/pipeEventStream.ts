import type { ServerResponse } from 'node:http';
import {
  defer,
  EMPTY,
  finalize,
  fromEvent,
  ignoreElements,
  merge,
  type Observable,
  type ObservableInput,
  of,
  Subject,
  type Subscription,
  switchMap,
  take,
  takeUntil,
  tap,
} from 'rxjs';
import { stallWatchdog } from '../sse/byteStream.js';
import { openServing, type Serving } from '../sse/openServing.js';
import type { PieceTaker } from '../sse/Pieces.js';
import { expectServingOptions, type ServingOptions, type SharedServingOptions } from '../sse/ServingOptions.js';
import { tellError } from '../sse/tellError.js';
import { eventStreamHeaders } from './eventStreamHeaders.js';

/**
 * Answers with a source as an event stream: for `node:http` and what is made of it (Express, Fastify's `reply.raw`).
 *
 * ```
 * source       -a-b-c-----|
 * response     -a-b-----c-|       b filled the socket: c is written when it drains
 * ```
 *
 * Writes the head and the events, and ends the response; see {@link eventStreamResponse} for the statuses with `replay`, and
 * {@link toServerSentEvents} for what else the options mean. It writes no more than the socket takes: where `write` says that
 * it is full, the next event waits for `drain`.
 *
 * **When the client has gone** the source is unsubscribed from (with `replay`, as `onDisconnect` says). A client that never reads
 * is given up: its socket is destroyed, and `onError` is told with an error of kind `limit`.
 *
 * **Unsubscribing** ends the response: a client that reconnects comes back, to another process perhaps.
 *
 * @param source With `replay` it may be `undefined`: for a client that may join a stream and not begin one.
 * @param response One whose head has not been written yet; headers that were set on it go along.
 * @throws TypeError at once when an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatStream } from 'rxmistral';
 * import { pipeEventStream } from 'rxmistral/node';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * const server = createServer((_request, response) => {
 *   const messages = [{ role: 'user' as const, content: 'Name three rivers.' }];
 *   pipeEventStream(chatStream(client, { model: 'mistral-small-latest', messages }), response);
 * }).listen(0, '127.0.0.1', () => {
 *   const { port } = server.address() as { port: number };
 *   fetch(`http://127.0.0.1:${port}/`)
 *     .then((response) => response.text())
 *     .then((text) => {
 *       console.log(text);
 *       server.close();
 *     });
 * });
 * ```
 */
export function pipeEventStream<T>(source: ObservableInput<T>, response: ServerResponse, options?: ServingOptions<T>): Subscription;
export function pipeEventStream<T>(source: ObservableInput<T> | undefined, response: ServerResponse, options: SharedServingOptions<T>): Subscription;
export function pipeEventStream<T>(source: ObservableInput<T> | undefined, response: ServerResponse, options: ServingOptions<T> = {}): Subscription {
  expectServingOptions(options);
  const stalled = new Subject<never>();
  const watchdog = stallWatchdog(options, (error) => {
    stalled.error(error);
  });
  const send = (serving: Serving): Observable<unknown> => {
    if (serving.status !== 200) {
      sendStatus(serving, response);
      return of(undefined);
    }
    response.writeHead(200, eventStreamHeaders);
    response.flushHeaders();
    const ended = new Subject<void>();
    const taker: PieceTaker = {
      take: (piece) => {
        const hasRoom = response.write(piece);
        if (!hasRoom) watchdog.start();
        return hasRoom;
      },
      end: () => {
        ended.next();
      },
    };
    const drained = fromEvent(response, 'drain').pipe(
      tap(() => {
        watchdog.pause();
        serving.pieces.resume(taker);
      }),
      ignoreElements(),
    );
    const begun = defer(() => {
      serving.pieces.resume(taker);
      return EMPTY;
    });
    return merge(ended, drained, begun);
  };

  // A response that is destroyed has told of its `close` already.
  const gone = response.destroyed ? of(true) : fromEvent(response, 'close');
  return openServing(source, options)
    .pipe(
      switchMap(send),
      take(1),
      takeUntil(stalled),
      takeUntil(gone),
      finalize(() => {
        watchdog.stop();
        if (!response.destroyed) response.end();
      }),
    )
    .subscribe({
      error: (error: unknown) => {
        response.destroy();
        tellError(options, error);
      },
    });
}

function sendStatus(serving: Exclude<Serving, { readonly status: 200 }>, response: ServerResponse): void {
  if (serving.status === 204) response.writeHead(204);
  else response.writeHead(serving.status, { 'content-type': 'application/json' }).write(JSON.stringify(serving.error));
}
