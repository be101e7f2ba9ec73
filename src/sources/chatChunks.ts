import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { Observable } from 'rxjs';
import { type MistralClient, streamTransportOf } from '../transport/MistralClient.js';
import { chatStreamOperation } from '../transport/operations/chatStream.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { completionChunks } from './completionChunks.js';
import { expectField, expectMessages, expectStream } from './expectRequest.js';

/**
 * Streams the answer to a chat as the SDK's raw chunks: for several answers at once (`n`), or for what the events of
 * {@link chatStream} leave out.
 *
 * ```
 * chatChunks:  --c-c-c-c|
 * cut:         --c-c-#       a TruncatedStreamError with `partial` (of the first answer)
 * ```
 *
 * A tool call's `id` and `index` are as the server sent them; the SDK's stream would fill in `"null"` and 0.
 *
 * Cold; unsubscribing ends the call, down to the socket. Completes at the end of the stream when every answer came to
 * a finish reason, else fails with a {@link TruncatedStreamError}. `retry` repeats a call that failed before its first
 * chunk.
 *
 * @throws TypeError at once when the client is none, the request has no messages, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatChunks } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * chatChunks(client, { model: 'mistral-small-latest', n: 2, messages: [{ role: 'user', content: 'A name for a cat?' }] })
 *   .subscribe((chunk) => {
 *     for (const { index, delta } of chunk.choices) console.log(index, delta.content);
 *   });
 * ```
 *
 * @see {@link chatStream}
 */
export function chatChunks(
  client: MistralClient,
  request: ChatCompletionStreamRequest,
  options: CallOptions = {},
): Observable<CompletionChunk> {
  const transport = streamTransportOf(client);
  expectMessages(request);
  expectField(request, 'model');
  expectStream(request, true);
  expectCallOptions(options);
  return completionChunks(transport, chatStreamOperation, request, options, request.n ?? 1);
}
