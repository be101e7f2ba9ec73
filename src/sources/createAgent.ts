import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { CreateAgentRequest } from '@mistralai/mistralai/models/components/createagentrequest.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { betaAgentsCreateOperation } from '../transport/operations/betaAgentsCreate.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectField } from './expectRequest.js';

/**
 * Creates an agent.
 *
 * ```
 * createAgent:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the SDK's response and completes; fails with an
 * `RxMistralError`. `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * A call whose connection broke may have created the agent all the same: retrying it can make two.
 *
 * @throws TypeError at once when the client is none, the request has no model or no name, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { createAgent } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * createAgent(client, { model: 'mistral-medium-latest', name: 'reviewer', instructions: 'You review code.' })
 *   .subscribe(({ id, version }) => console.log(id, version));
 * ```
 *
 * @see {@link agentsStream}
 */
export function createAgent(
  client: MistralClient,
  request: CreateAgentRequest,
  options: CallOptions = {},
): Observable<Agent> {
  const transport = transportOf(client);
  expectField(request, 'model');
  expectField(request, 'name');
  expectCallOptions(options);
  return callOnce(transport, betaAgentsCreateOperation, request, options);
}
