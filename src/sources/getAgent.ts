import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { AgentsApiV1AgentsGetRequest } from '@mistralai/mistralai/models/operations/agentsapiv1agentsget.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { betaAgentsGetOperation } from '../transport/operations/betaAgentsGet.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectId, expectRequest } from './expectRequest.js';

/**
 * An agent by its id: as it is now, or in an earlier version.
 *
 * ```
 * getAgent:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the SDK's response and completes; fails with an
 * `RxMistralError`, of status 404 where there is no such agent. `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * @throws TypeError at once when the client is none, `agentId` is no id, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { concatMap } from 'rxjs';
 * import { createAgent, getAgent } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * createAgent(client, { model: 'mistral-medium-latest', name: 'reviewer' })
 *   .pipe(concatMap(({ id }) => getAgent(client, { agentId: id })))
 *   .subscribe(({ name, version }) => console.log(name, version));
 * ```
 *
 * @see {@link listAgents}
 */
export function getAgent(
  client: MistralClient,
  request: AgentsApiV1AgentsGetRequest,
  options: CallOptions = {},
): Observable<Agent> {
  const transport = transportOf(client);
  expectRequest(request);
  expectId('agentId', request.agentId);
  expectCallOptions(options);
  return callOnce(transport, betaAgentsGetOperation, request, options);
}
