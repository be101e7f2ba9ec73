import { betaConversationsList } from '@mistralai/mistralai/funcs/betaConversationsList.js';
import type { AgentsApiV1ConversationsListRequest, AgentsApiV1ConversationsListResponse } from '@mistralai/mistralai/models/operations/agentsapiv1conversationslist.js';
import { decodeConversations } from '../decodeConversation.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/conversations`. */
export const betaConversationsListOperation: UnaryOperation<
  'beta.conversations.list',
  AgentsApiV1ConversationsListRequest | undefined,
  AgentsApiV1ConversationsListResponse[]
> = {
  name: 'beta.conversations.list',
  kind: 'unary',
  send: betaConversationsList,
  decode: decodeConversations,
};
