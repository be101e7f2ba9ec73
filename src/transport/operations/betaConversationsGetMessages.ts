import { betaConversationsGetMessages } from '@mistralai/mistralai/funcs/betaConversationsGetMessages.js';
import type { ConversationMessages } from '@mistralai/mistralai/models/components/conversationmessages.js';
import type { AgentsApiV1ConversationsMessagesRequest } from '@mistralai/mistralai/models/operations/agentsapiv1conversationsmessages.js';
import { decodeConversationMessages } from '../decodeConversation.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/conversations/{id}/messages`: the entries that are messages. */
export const betaConversationsGetMessagesOperation: UnaryOperation<
  'beta.conversations.getMessages',
  AgentsApiV1ConversationsMessagesRequest,
  ConversationMessages
> = {
  name: 'beta.conversations.getMessages',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('conversationId', request.conversationId);
    return betaConversationsGetMessages(client, request, options);
  },
  decode: decodeConversationMessages,
};
