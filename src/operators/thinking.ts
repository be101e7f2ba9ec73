import { filter, map, type OperatorFunction } from 'rxjs';
import type { ThinkingDeltaEvent } from '../events/ChatEvent.js';

/**
 * Emits the text of the model's thinking, piece by piece.
 *
 * ```
 * source:      -s-h-h-t-c|     s: start   h: thinking-delta   t: text-delta   c: complete
 * thinking():  ---h-h----|
 * ```
 *
 * Each `thinking-delta` becomes its `text`, at the moment it arrives; all other events are left out, those of types
 * that this library does not know too. It works on any union of events: `ChatEvent`, `ChatEvent | ErrorEvent`,
 * `AgentEvent`, one of your own. Only reasoning models think aloud: for the others it emits nothing.
 *
 * Completes and fails as the source does; the error is the source's own. Unsubscribing unsubscribes from the source.
 * Nothing is held.
 *
 * After a restart (a `retry` event with `strategy: 'restart'`) the thinking begins anew: where that can happen, show
 * `accumulate()` instead.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { connect, map, merge } from 'rxjs';
 * import { chatStream, text, thinking } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * // `connect` shares one call between the two.
 * chatStream(client, { model: 'magistral-small-latest', messages: [{ role: 'user', content: 'Is 1,009 prime?' }] })
 *   .pipe(
 *     connect((events) =>
 *       merge(
 *         events.pipe(thinking(), map((piece) => `\u001b[2m${piece}\u001b[0m`)), // dim
 *         events.pipe(text()),
 *       ),
 *     ),
 *   )
 *   .subscribe((piece) => process.stdout.write(piece));
 * ```
 *
 * @see {@link text} for the answer's text
 * @see {@link accumulate} for the thinking so far
 */
export function thinking(): OperatorFunction<{ readonly type: string }, string> {
  return (source) =>
    source.pipe(
      filter(isThinkingDelta),
      map((event) => event.text),
    );
}

function isThinkingDelta(event: { readonly type: string }): event is ThinkingDeltaEvent {
  return event.type === 'thinking-delta';
}
