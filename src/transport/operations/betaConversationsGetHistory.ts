import { betaConversationsGetHistory } from '@mistralai/mistralai/funcs/betaConversationsGetHistory.js';
import type { ConversationHistory } from '@mistralai/mistralai/models/components/conversationhistory.js';
import type { AgentsApiV1ConversationsHistoryRequest } from '@mistralai/mistralai/models/operations/agentsapiv1conversationshistory.js';
import { decodeConversationHistory } from '../decodeConversation.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/conversations/{id}/history`: all entries. */
export const betaConversationsGetHistoryOperation: UnaryOperation<
  'beta.conversations.getHistory',
  AgentsApiV1ConversationsHistoryRequest,
  ConversationHistory
> = {
  name: 'beta.conversations.getHistory',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('conversationId', request.conversationId);
    return betaConversationsGetHistory(client, request, options);
  },
  decode: decodeConversationHistory,
};
