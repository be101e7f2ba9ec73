import type { ModerationResponse } from '@mistralai/mistralai/models/components/moderationresponse.js';
import type { ChatModerationRequest } from '@mistralai/mistralai/models/components/chatmoderationrequest.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { classifiersModerateChatOperation } from '../transport/operations/classifiersModerateChat.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectField, expectPresent } from './expectRequest.js';

/**
 * Moderates the last message of a conversation, or of several.
 *
 * ```
 * moderateChat:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the SDK's response and completes; fails with an
 * `RxMistralError`. `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * @throws TypeError at once when the client is none, the request has no model or no `inputs`, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { moderateChat } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * moderateChat(client, { model: 'mistral-moderation-latest', inputs: [{ role: 'user', content: 'Have a nice day.' }] })
 *   .subscribe(({ results }) => console.log(results[0]?.categories));
 * ```
 *
 * @see {@link moderate}
 */
export function moderateChat(
  client: MistralClient,
  request: ChatModerationRequest,
  options: CallOptions = {},
): Observable<ModerationResponse> {
  const transport = transportOf(client);
  expectField(request, 'model');
  expectPresent(request, 'inputs');
  expectCallOptions(options);
  return callOnce(transport, classifiersModerateChatOperation, request, options);
}
