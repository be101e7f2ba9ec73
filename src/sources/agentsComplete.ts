import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import type { AgentsCompletionRequest } from '@mistralai/mistralai/models/components/agentscompletionrequest.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { agentsCompleteOperation } from '../transport/operations/agentsComplete.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectField, expectMessages, expectStream } from './expectRequest.js';

/**
 * The whole answer of an agent, in one response.
 *
 * ```
 * agentsComplete:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the SDK's response and completes; fails with an
 * `RxMistralError`. `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * @throws TypeError at once when the client is none, the request has no `agentId` or no messages, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { agentsComplete } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * agentsComplete(client, { agentId: 'ag_reviewer', messages: [{ role: 'user', content: 'Review this function.' }] })
 *   .subscribe(({ choices }) => console.log(choices[0]?.message?.content));
 * ```
 *
 * @see {@link agentsStream}
 */
export function agentsComplete(
  client: MistralClient,
  request: AgentsCompletionRequest,
  options: CallOptions = {},
): Observable<ChatCompletionResponse> {
  const transport = transportOf(client);
  expectMessages(request);
  expectField(request, 'agentId');
  expectStream(request, false);
  expectCallOptions(options);
  return callOnce(transport, agentsCompleteOperation, request, options);
}
