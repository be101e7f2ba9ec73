import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { AgentsApiV1AgentsUpdateRequest } from '@mistralai/mistralai/models/operations/agentsapiv1agentsupdate.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { betaAgentsUpdateOperation } from '../transport/operations/betaAgentsUpdate.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectId, expectPresent } from './expectRequest.js';

/**
 * Changes an agent, which makes a new version of it. What the request does not name stays as it is.
 *
 * ```
 * updateAgent:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the agent as it is then and completes; fails with an
 * `RxMistralError`. `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * A call whose connection broke may have changed the agent all the same: retrying it can make two versions, which are alike.
 *
 * @throws TypeError at once when the client is none, `agentId` is no id, no change is given, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { concatMap } from 'rxjs';
 * import { createAgent, updateAgent } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * createAgent(client, { model: 'mistral-medium-latest', name: 'reviewer' })
 *   .pipe(concatMap(({ id }) => updateAgent(client, { agentId: id, updateAgentRequest: { instructions: 'You review code.' } })))
 *   .subscribe(({ instructions, version }) => console.log(instructions, version));
 * ```
 *
 * @see {@link ensureAgent} to have an agent as it is defined in the program
 */
export function updateAgent(
  client: MistralClient,
  request: AgentsApiV1AgentsUpdateRequest,
  options: CallOptions = {},
): Observable<Agent> {
  const transport = transportOf(client);
  expectPresent(request, 'updateAgentRequest');
  expectId('agentId', request.agentId);
  expectCallOptions(options);
  return callOnce(transport, betaAgentsUpdateOperation, request, options);
}
