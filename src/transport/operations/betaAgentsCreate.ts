import { betaAgentsCreate } from '@mistralai/mistralai/funcs/betaAgentsCreate.js';
import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { CreateAgentRequest } from '@mistralai/mistralai/models/components/createagentrequest.js';
import { decodeAgent } from '../decodeAgent.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/agents`. */
export const betaAgentsCreateOperation: UnaryOperation<'beta.agents.create', CreateAgentRequest, Agent> = {
  name: 'beta.agents.create',
  kind: 'unary',
  send: betaAgentsCreate,
  decode: decodeAgent,
};
