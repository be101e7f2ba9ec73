import { defer, type MonoTypeOperatorFunction, tap } from 'rxjs';
import { currentStage, withinStage } from '../control/stage.js';
import type { UsageMeter } from '../control/usageMeter.js';
import { expectMethods, expectObject, expectText, fail } from '../errors/expect.js';
import { UsageWatch } from '../events/UsageWatch.js';

/** Options of {@link trackUsage}. */
export interface TrackUsageOptions {
  /**
   * The model of what names none: a call that fails before it is answered, the usage of speech and of conversations.
   * @defaultValue none: such usage is counted without a name, and has no price
   */
  readonly model?: string | undefined;
}

/**
 * Counts what the answers of a stream cost, in a meter that any number of streams share.
 *
 * ```
 * source:             -s-t-t-c|      s: start   t: text-delta   c: complete, with the usage
 * trackUsage(meter):  -s-t-t-c|
 * meter:              -------m       m: 1 call, and what the usage says
 *
 * source:             -s-t-r---s-t-c|    r: retry
 * trackUsage(meter):  -s-t-r---s-t-c|
 * meter:              -------------m     m: 1 call, 1 retry, the usage, and an estimate for the attempt that was cut
 *
 * source:             -s-t-#
 * meter:              -----m         m: 1 call, and an estimate
 * ```
 *
 * **Values** pass as they come, the same objects. It takes any union of events, and what else a source of this library
 * emits:
 *
 * - the events of a chat: `complete` has the usage. Each `complete` is one answer, and sums over several (the
 *   `turn-complete` of an agent) are not read, so that nothing is counted twice;
 * - `error` events, as the failure of their call;
 * - whole responses with a `usage` (`chatComplete`, `embeddings`, …), chunks (`chatChunks`), and the last event of a
 *   transcription or of speech.
 *
 * **Each subscription is a call**, counted when it ends, also where nothing comes of it. A further answer in it (the next
 * step of an agent, the next stream of a `concatMap`) is a further call. A resubscription above it is a retry: of
 * `retryWithBackoff` and of the `retry` option of sources it hears, of rxjs's own `retry` it does not.
 *
 * **What was cut was paid for.** The server says what an answer took with its last chunk only. An attempt that had begun
 * to answer and then failed, was restarted or resumed, or was unsubscribed from, is therefore estimated, and counted
 * apart from what the server reported:
 *
 * - output: a token for each 4 characters that came (text, thinking, arguments of tool calls), and at least one for each
 *   delta. An echo is not counted;
 * - input: that of the attempt which came to the end, since all have the same prompt; less what a resumed attempt was
 *   given of the answer. Where none came to the end it is not known, and counted as unknown.
 *
 * It is meant for the API's way to report a usage once; a server that reports it with every chunk would have resumed
 * attempts both in the usage of `complete` and estimated.
 *
 * **Completion and errors** pass, the errors as they are; what the meter throws is an error of the result.
 * **Unsubscribing** unsubscribes from the source, and counts what is under way as cancelled. Nothing is held but a few
 * numbers for each answer under way: streams may be merged before it, told apart by the `requestId` of their events, at
 * most 10,000 at a time (the oldest is then counted as cut).
 *
 * Put it directly behind a source: behind `text()` or `accumulate()` it sees less. A call that fails before its first
 * event is only seen where the failure passes by: behind `mergeMap` with a `catchError` inside it is not.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { from, mergeMap } from 'rxjs';
 * import { chatStream, createUsageMeter, text, trackUsage } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const meter = createUsageMeter({ prices: { 'mistral-small-latest': { input: 0.1, output: 0.3 } } });
 *
 * from(['Write a haiku.', 'Write a limerick.'])
 *   .pipe(
 *     mergeMap((content) =>
 *       chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content }] }).pipe(
 *         trackUsage(meter),
 *         text(),
 *       ),
 *     ),
 *   )
 *   .subscribe((piece) => process.stdout.write(piece));
 *
 * meter.state$.subscribe(({ calls, outputTokens, cost, estimated }) => {
 *   console.log(`\n${calls} calls, ${outputTokens} tokens, $${cost ?? '?'} (and about $${estimated.cost ?? '?'})`);
 * });
 * ```
 *
 * @throws TypeError when called with a meter or an option that is none.
 * @see {@link createUsageMeter}
 */
export function trackUsage<T>(meter: UsageMeter, options: TrackUsageOptions = {}): MonoTypeOperatorFunction<T> {
  if ((meter as unknown) === undefined) fail('meter', 'a UsageMeter', meter);
  expectMethods('meter', meter, 'a UsageMeter', ['record']);
  expectObject('options', options);
  const { model } = options;
  expectText('model', model);
  return (source) =>
    defer(() => {
      const watch = new UsageWatch((usage) => {
        meter.record({ ...usage, model: usage.model ?? model });
      });
      const end = (): void => {
        watch.end();
      };
      return withinStage(countRetries(watch), source).pipe(
        tap({
          next: (value) => {
            watch.take(value);
          },
          error: (error: unknown) => {
            watch.end(error);
          },
          complete: end,
          unsubscribe: end,
        }),
      );
    });
}

// A stage of its own, because the retries of `retryWithBackoff` are no events; else it is the stage around it.
function countRetries(watch: UsageWatch): Parameters<typeof withinStage>[0] {
  const outer = currentStage();
  return {
    inside: outer?.inside,
    outside: outer?.inside,
    waited: (milliseconds) => outer?.waited(milliseconds),
    retried: (retry) => {
      watch.retried();
      outer?.retried(retry);
    },
  };
}
