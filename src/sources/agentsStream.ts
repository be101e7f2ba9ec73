import type { AgentsCompletionStreamRequest } from '@mistralai/mistralai/models/components/agentscompletionstreamrequest.js';
import type { Observable } from 'rxjs';
import type { ChatEvent } from '../events/ChatEvent.js';
import { type MistralClient, streamTransportOf } from '../transport/MistralClient.js';
import { agentsStreamOperation } from '../transport/operations/agentsStream.js';
import { type ChatStreamOptions, expectChatStreamOptions } from './CallOptions.js';
import { completionEvents } from './completionEvents.js';
import { continueMessages } from './continueMessages.js';
import { expectField, expectMessages, expectOneAnswer, expectStream } from './expectRequest.js';

/**
 * Streams an agent's answer as events: `chatStream` for an agent.
 *
 * ```
 * agentsStream:  --s-t-t-t--(c|)     s: start   t: text-delta   c: complete
 * ```
 *
 * Events, completion, errors, cancelling, retries and `onDisconnect` are those of {@link chatStream}; the instructions,
 * the model and the tools are the agent's.
 *
 * @throws TypeError at once when the client is none, the request has no `agentId` or no messages or asks for several
 * answers, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { agentsStream, text } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * agentsStream(client, { agentId: 'ag_reviewer', messages: [{ role: 'user', content: 'Review this function.' }] })
 *   .pipe(text())
 *   .subscribe((piece) => process.stdout.write(piece));
 * ```
 *
 * @see {@link chatStream}
 */
export function agentsStream(
  client: MistralClient,
  request: AgentsCompletionStreamRequest,
  options: ChatStreamOptions = {},
): Observable<ChatEvent> {
  const transport = streamTransportOf(client);
  expectMessages(request);
  expectField(request, 'agentId');
  expectOneAnswer(request);
  expectStream(request, true);
  expectChatStreamOptions(options);
  return completionEvents(transport, agentsStreamOperation, request, options, continueMessages);
}
