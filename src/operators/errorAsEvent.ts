import { catchError, defer, of, tap, type OperatorFunction } from 'rxjs';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import type { ErrorEvent } from '../events/ChatEvent.js';

/**
 * Turns an error into a last event, so that a stream that many share does not die of it.
 *
 * ```
 * source:          -s-t-t-#      s: start   t: text-delta
 * errorAsEvent():  -s-t-t-(e|)   e: { type: 'error', requestId, error }
 * ```
 *
 * All events pass as they are. When the source fails, one {@link ErrorEvent} follows everything that came before, and
 * the stream completes. Its `requestId` is that of the last event that had one; where no event came, the error's own
 * (the server's id), or `''`. Many streams merged into one need it on each, inside `mergeMap`: behind the merge the
 * last event may be another call's, and the first error ends them all.
 *
 * `error` is always an `RxMistralError`. One of this family is passed on as it is; anything else (a `TypeError`
 * of your own `map`, a string that was thrown) is wrapped: of kind `timeout` (and retryable) for the `TimeoutError` of
 * rxjs's `timeout`, else of kind `validation`, the one kind that says that the fault lies on this side and that the
 * same again will not help. The original is in `cause` as a sanitised copy. An error thrown behind this operator is
 * not seen by it.
 *
 * In rxjs an error overtakes a queue: `concatMap`, `delay`, `observeOn` and their like drop what is still waiting when
 * the source fails. An event does not overtake, so put `errorAsEvent()` before them:
 *
 * ```
 * source:                           -a-b-c-#
 * concatMap(slow):                  -----a-#                 b and c are lost
 * errorAsEvent(), concatMap(slow):  -----a---b---c---(e|)
 * ```
 *
 * Completes when the source completes or fails; never fails by the source's error. Unsubscribing unsubscribes from
 * the source and emits nothing. Nothing is held but the last `requestId`.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { from, mergeMap } from 'rxjs';
 * import { chatStream, errorAsEvent } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * from(['Write a haiku.', 'Write a limerick.'])
 *   .pipe(
 *     mergeMap((content) =>
 *       chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content }] }).pipe(errorAsEvent()),
 *     ),
 *   )
 *   .subscribe((event) => {
 *     if (event.type === 'complete') console.log(event.requestId, event.message.content);
 *     if (event.type === 'error') console.log(event.requestId, event.error.kind, event.error.message);
 *   });
 * ```
 *
 * @see {@link ErrorEvent}
 */
export function errorAsEvent<
  E extends { readonly type: string; readonly requestId?: string | undefined },
>(): OperatorFunction<E, E | ErrorEvent> {
  return (source) =>
    defer(() => {
      let requestId: string | undefined;
      return source.pipe(
        tap((event) => {
          requestId = event.requestId ?? requestId;
        }),
        catchError((thrown: unknown) => {
          const error = toRxMistralError(thrown);
          return of<ErrorEvent>({ type: 'error', requestId: requestId ?? error.requestId ?? '', error });
        }),
      );
    });
}
