import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { chatCompleteOperation } from '../transport/operations/chatComplete.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectField, expectMessages, expectStream } from './expectRequest.js';

/**
 * The whole answer to a chat, in one response.
 *
 * ```
 * chatComplete:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the SDK's response and completes; fails with an
 * {@link RxMistralError}. `retry` repeats what failed and may succeed. Of `timeouts`, `firstEvent` (or `idle`, where it
 * stands alone) bounds the wait of one attempt for the response.
 *
 * @throws TypeError at once when the client is none, the request has no messages, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatComplete } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * chatComplete(
 *   client,
 *   { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Name three rivers.' }] },
 *   { retry: {}, timeouts: { total: 60_000 } },
 * ).subscribe(({ choices, usage }) => console.log(choices[0]?.message?.content, usage.totalTokens));
 * ```
 *
 * @see {@link chatStream}
 */
export function chatComplete(
  client: MistralClient,
  request: ChatCompletionRequest,
  options: CallOptions = {},
): Observable<ChatCompletionResponse> {
  const transport = transportOf(client);
  expectMessages(request);
  expectField(request, 'model');
  expectStream(request, false);
  expectCallOptions(options);
  return callOnce(transport, chatCompleteOperation, request, options);
}
