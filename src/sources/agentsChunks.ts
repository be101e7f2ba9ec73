import type { AgentsCompletionStreamRequest } from '@mistralai/mistralai/models/components/agentscompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { Observable } from 'rxjs';
import { type MistralClient, streamTransportOf } from '../transport/MistralClient.js';
import { agentsStreamOperation } from '../transport/operations/agentsStream.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { completionChunks } from './completionChunks.js';
import { expectField, expectMessages, expectStream } from './expectRequest.js';

/**
 * Streams an agent's answer as the SDK's raw chunks: `chatChunks` for an agent.
 *
 * ```
 * agentsChunks:  --c-c-c-c|
 * ```
 *
 * Completion, errors, cancelling and retries are those of {@link chatChunks}.
 *
 * @throws TypeError at once when the client is none, the request has no `agentId` or no messages, or an option is out of
 * range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { agentsChunks } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * agentsChunks(client, { agentId: 'ag_namer', n: 2, messages: [{ role: 'user', content: 'A name for a cat?' }] })
 *   .subscribe(({ choices }) => {
 *     for (const { index, delta } of choices) console.log(index, delta.content);
 *   });
 * ```
 *
 * @see {@link agentsStream}
 */
export function agentsChunks(
  client: MistralClient,
  request: AgentsCompletionStreamRequest,
  options: CallOptions = {},
): Observable<CompletionChunk> {
  const transport = streamTransportOf(client);
  expectMessages(request);
  expectField(request, 'agentId');
  expectStream(request, true);
  expectCallOptions(options);
  return completionChunks(transport, agentsStreamOperation, request, options, request.n ?? 1);
}
