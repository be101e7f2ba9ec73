import { betaAgentsDelete } from '@mistralai/mistralai/funcs/betaAgentsDelete.js';
import type { AgentsApiV1AgentsDeleteRequest } from '@mistralai/mistralai/models/operations/agentsapiv1agentsdelete.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `DELETE /v1/agents/{id}`, with all its versions. Emits `undefined`: the answer is a 204. */
export const betaAgentsDeleteOperation: UnaryOperation<'beta.agents.delete', AgentsApiV1AgentsDeleteRequest, void> = {
  name: 'beta.agents.delete',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('agentId', request.agentId);
    return betaAgentsDelete(client, request, options);
  },
};
