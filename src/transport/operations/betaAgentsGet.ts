import { betaAgentsGet } from '@mistralai/mistralai/funcs/betaAgentsGet.js';
import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { AgentsApiV1AgentsGetRequest } from '@mistralai/mistralai/models/operations/agentsapiv1agentsget.js';
import { decodeAgent } from '../decodeAgent.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/agents/{id}`, or a version of it. */
export const betaAgentsGetOperation: UnaryOperation<'beta.agents.get', AgentsApiV1AgentsGetRequest, Agent> = {
  name: 'beta.agents.get',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('agentId', request.agentId);
    return betaAgentsGet(client, request, options);
  },
  decode: decodeAgent,
};
