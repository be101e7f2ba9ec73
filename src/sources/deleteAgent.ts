import type { AgentsApiV1AgentsDeleteRequest } from '@mistralai/mistralai/models/operations/agentsapiv1agentsdelete.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { betaAgentsDeleteOperation } from '../transport/operations/betaAgentsDelete.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectId, expectRequest } from './expectRequest.js';

/**
 * Deletes an agent, with all of its versions.
 *
 * ```
 * deleteAgent:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits `undefined`, once, and completes; fails with an
 * `RxMistralError`, of status 404 where there is no such agent: which, behind a retry, may be the first attempt's doing.
 * `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * @throws TypeError at once when the client is none, `agentId` is no id, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { concatMap } from 'rxjs';
 * import { createAgent, deleteAgent } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * createAgent(client, { model: 'mistral-medium-latest', name: 'for-one-question' })
 *   .pipe(concatMap(({ id }) => deleteAgent(client, { agentId: id })))
 *   .subscribe(() => console.log('gone'));
 * ```
 *
 * @see {@link createAgent}
 */
export function deleteAgent(
  client: MistralClient,
  request: AgentsApiV1AgentsDeleteRequest,
  options: CallOptions = {},
): Observable<void> {
  const transport = transportOf(client);
  expectRequest(request);
  expectId('agentId', request.agentId);
  expectCallOptions(options);
  return callOnce(transport, betaAgentsDeleteOperation, request, options);
}
