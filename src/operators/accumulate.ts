import { defer, filter, map, type OperatorFunction } from 'rxjs';
import type { ChatEvent } from '../events/ChatEvent.js';
import type { ChatSnapshot } from '../events/ChatSnapshot.js';
import { SnapshotBuilder } from '../events/SnapshotBuilder.js';

/**
 * Emits the answer as it grows: after each piece, a snapshot of all that has come.
 *
 * ```
 * source:        -s-a-b-c|          s: start   a, b: text-delta 'Hel', 'lo'   c: complete
 * accumulate():  ---x-y-z|          x: 'Hel'   y: 'Hello'   z: 'Hello', done
 *
 * source:        -s-a-R-s-a-b-c|    R: retry with strategy 'restart'
 * accumulate():  ---x-0---x-y-z|    0: the empty snapshot, so that a view clears
 *
 * source:        -s-a-r-s-b-c|      r: retry with strategy 'resume'
 * accumulate():  ---x-----y-z|
 * ```
 *
 * - `text-delta`, `thinking-delta`, `tool-call-delta`, `tool-call`: a snapshot with the piece added. `message` is the
 *   answer so far as it could be sent back: a string while all of it is text, else thinking and text in their order of
 *   arrival; tool calls are in `toolCalls` from their first piece, and in `message` when they are whole.
 * - `complete`: the last snapshot of the answer, with `done: true`. `message`, `finishReason` and `usage` are the
 *   event's own; its message may hold what no delta shows (references, signatures).
 * - `retry` with `strategy: 'restart'`, `fallback`, and a `start` that no `resume` announced (a resubscription): the answer
 *   begins anew. Emits the empty snapshot, once, and only where there is something to clear.
 * - `start`, and `retry` with `strategy: 'resume'`: nothing. Where nothing has come before such a `retry` (`continueFrom`), the
 *   answer begins with the `partial` of its error.
 * - `error` events, and types that this library does not know: ignored.
 *
 * What follows a `complete` is another answer (the next step of an agent, the next stream of a `concatMap`) and begins
 * empty; the finished snapshot stays the latest until then. One answer at a time: where streams are merged, put
 * `accumulate()` on each, inside `mergeMap`.
 *
 * A snapshot is a plain object of its own and never changes; parts that did not change are the same objects as in the
 * one before. A piece costs the same however long the answer is. What is held is the answer itself, so `maxTokens` is
 * its bound; a list of many tool calls is copied with each of their pieces.
 *
 * Completes and fails as the source does; the error is the source's own, and the snapshot before it shows how far the
 * answer had come. Unsubscribing unsubscribes from the source.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { accumulate, chatStream } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Write a haiku.' }] })
 *   .pipe(accumulate())
 *   .subscribe(({ text, done, usage }) => {
 *     console.clear();
 *     console.log(text);
 *     if (done) console.log(`${usage?.totalTokens ?? 0} tokens`);
 *   });
 * ```
 *
 * @see {@link ChatSnapshot}
 * @see {@link text} for the pieces alone
 */
export function accumulate(): OperatorFunction<{ readonly type: string }, ChatSnapshot> {
  return (source) =>
    defer(() => {
      const answer = new SnapshotBuilder();
      return source.pipe(
        map((event) => answer.take(event as ChatEvent)),
        filter((snapshot) => snapshot !== undefined),
      );
    });
}
