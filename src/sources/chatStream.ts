import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { Observable } from 'rxjs';
import type { ChatEvent } from '../events/ChatEvent.js';
import { type MistralClient, streamTransportOf } from '../transport/MistralClient.js';
import { chatStreamOperation } from '../transport/operations/chatStream.js';
import { type ChatStreamOptions, expectChatStreamOptions } from './CallOptions.js';
import { completionEvents } from './completionEvents.js';
import { continueMessages } from './continueMessages.js';
import { expectField, expectMessages, expectOneAnswer, expectStream } from './expectRequest.js';

/**
 * Streams the answer to a chat as events.
 *
 * ```
 * chatStream:  --s-t-t-t--(c|)     s: start   t: text-delta   c: complete
 * cut:         --s-t-#             a TruncatedStreamError with `partial`
 * restarted:   --s-t-r---s-t-t--(c|)     r: retry, strategy 'restart'
 * resumed:     --s-t-r---s---t--(c|)     r: retry, strategy 'resume'
 * continued:   r---s---t--(c|)           r: retry of an attempt that was cut elsewhere (`continueFrom`)
 * ```
 *
 * Cold: a subscription is one call (and its retries); each subscriber has its own. Unsubscribing ends the call, down
 * to the socket, whether the server is answering, silent, or the next attempt is being waited for; it emits nothing.
 *
 * Completes after `complete`, which comes only behind a finish reason. Fails with an {@link RxMistralError} else: with
 * a {@link TruncatedStreamError} where the answer was cut. Every error after the first token carries `partial`, the
 * message so far. Before the first token `retry` repeats what failed and may succeed; after it `onDisconnect` decides.
 *
 * In rxjs an error overtakes values that wait in a queue (`concatMap`, `observeOn`): put `errorAsEvent()` before
 * those.
 *
 * @param client A client of the SDK, or a transport.
 * @param request The SDK's request. `n` above 1 is refused: use {@link chatChunks}.
 * @throws TypeError at once when the client is none, the request has no messages or asks for several answers, or an
 * option is out of range. What only the server can judge comes back as its error.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { accumulate, chatStream } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * chatStream(
 *   client,
 *   { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Why is the sky blue?' }] },
 *   { retry: { maxRetries: 3 }, onDisconnect: 'restart', timeouts: { firstEvent: 20_000, idle: 10_000 } },
 * )
 *   .pipe(accumulate())
 *   .subscribe({
 *     next: ({ text, done, usage }) => console.log(done ? usage : text),
 *     error: (error) => console.error(error.kind, error.partial?.content),
 *   });
 * ```
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { concat, from } from 'rxjs';
 * import { accumulate, type ChatEvent, type ChatSnapshot, chatStream } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * // What another process had kept of its answer when it died.
 * const log: ChatEvent[] = [
 *   { type: 'start', requestId: 'job-7', id: 'c', model: 'm', attempt: 1 },
 *   { type: 'text-delta', requestId: 'job-7', index: 0, text: 'The sky is ' },
 * ];
 *
 * const options: { requestId: string; continueFrom?: ChatSnapshot['message'] } = { requestId: 'job-7' };
 * from(log).pipe(accumulate()).subscribe(({ message }) => (options.continueFrom = message));
 *
 * const rest = chatStream(
 *   client,
 *   { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Why is the sky blue?' }] },
 *   options,
 * );
 * concat(log, rest).pipe(accumulate()).subscribe(({ text, done }) => console.log(done, text));
 * ```
 *
 * @see {@link accumulate}, {@link text}, {@link errorAsEvent}
 */
export function chatStream(
  client: MistralClient,
  request: ChatCompletionStreamRequest,
  options: ChatStreamOptions = {},
): Observable<ChatEvent> {
  const transport = streamTransportOf(client);
  expectMessages(request);
  expectField(request, 'model');
  expectOneAnswer(request);
  expectStream(request, true);
  expectChatStreamOptions(options);
  return completionEvents(transport, chatStreamOperation, request, options, continueMessages);
}
