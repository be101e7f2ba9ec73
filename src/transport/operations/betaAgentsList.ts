import { betaAgentsList } from '@mistralai/mistralai/funcs/betaAgentsList.js';
import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { AgentsApiV1AgentsListRequest } from '@mistralai/mistralai/models/operations/agentsapiv1agentslist.js';
import { decodeAgents } from '../decodeAgent.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/agents`, by page number. The SDK prefers `beta.agents.listPages`. */
export const betaAgentsListOperation: UnaryOperation<'beta.agents.list', AgentsApiV1AgentsListRequest | undefined, Agent[]> = {
  name: 'beta.agents.list',
  kind: 'unary',
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- servers still answer it, and one page is all that a search by name needs
  send: betaAgentsList,
  decode: decodeAgents,
};
