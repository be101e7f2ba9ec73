import { filter, map, type OperatorFunction } from 'rxjs';
import type { TextDeltaEvent } from '../events/ChatEvent.js';

/**
 * Emits the answer's text, piece by piece.
 *
 * ```
 * source:  -s-t-t-c|     s: start   t: text-delta   c: complete
 * text():  ---t-t--|
 * ```
 *
 * Each `text-delta` becomes its `text`, at the moment it arrives; all other events are left out, those of types that
 * this library does not know too. It works on any union of events: `ChatEvent`, `ChatEvent | ErrorEvent`,
 * `AgentEvent`, one of your own.
 *
 * Completes and fails as the source does; the error is the source's own. Unsubscribing unsubscribes from the source.
 * Nothing is held.
 *
 * After a restart (a `retry` event with `strategy: 'restart'`) the answer begins anew, and so do the pieces: what was
 * emitted before cannot be taken back. Where that can happen (`retry` with `onDisconnect: 'restart'`), show
 * `accumulate()` instead, which begins anew with it.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatStream, text } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Write a haiku.' }] })
 *   .pipe(text())
 *   .subscribe((piece) => process.stdout.write(piece));
 * ```
 *
 * @see {@link thinking} for the model's thinking
 * @see {@link accumulate} for the text so far
 */
export function text(): OperatorFunction<{ readonly type: string }, string> {
  return (source) =>
    source.pipe(
      filter(isTextDelta),
      map((event) => event.text),
    );
}

function isTextDelta(event: { readonly type: string }): event is TextDeltaEvent {
  return event.type === 'text-delta';
}
