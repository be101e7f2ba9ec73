import { betaAgentsListPages } from '@mistralai/mistralai/funcs/betaAgentsListPages.js';
import type {
  AgentsApiV1AgentsListPagesRequest,
  AgentsApiV1AgentsListPagesResponse,
} from '@mistralai/mistralai/models/operations/agentsapiv1agentslistpages.js';
import { decodeAgentPage } from '../decodeAgent.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/agents/pages`: one page, with the token of the next. */
export const betaAgentsListPagesOperation: UnaryOperation<
  'beta.agents.listPages',
  AgentsApiV1AgentsListPagesRequest | undefined,
  AgentsApiV1AgentsListPagesResponse
> = {
  name: 'beta.agents.listPages',
  kind: 'unary',
  send: betaAgentsListPages,
  decode: decodeAgentPage,
};
