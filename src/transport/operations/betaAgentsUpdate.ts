import { betaAgentsUpdate } from '@mistralai/mistralai/funcs/betaAgentsUpdate.js';
import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { AgentsApiV1AgentsUpdateRequest } from '@mistralai/mistralai/models/operations/agentsapiv1agentsupdate.js';
import { decodeAgent } from '../decodeAgent.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `PATCH /v1/agents/{id}`: makes a new version. */
export const betaAgentsUpdateOperation: UnaryOperation<'beta.agents.update', AgentsApiV1AgentsUpdateRequest, Agent> = {
  name: 'beta.agents.update',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('agentId', request.agentId);
    return betaAgentsUpdate(client, request, options);
  },
  decode: decodeAgent,
};
