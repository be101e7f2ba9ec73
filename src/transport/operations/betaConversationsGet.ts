import { betaConversationsGet } from '@mistralai/mistralai/funcs/betaConversationsGet.js';
import type { AgentsApiV1ConversationsGetRequest, ResponseV1ConversationsGet } from '@mistralai/mistralai/models/operations/agentsapiv1conversationsget.js';
import { decodeConversation } from '../decodeConversation.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/conversations/{id}`: what it was begun with, without its entries. */
export const betaConversationsGetOperation: UnaryOperation<
  'beta.conversations.get',
  AgentsApiV1ConversationsGetRequest,
  ResponseV1ConversationsGet
> = {
  name: 'beta.conversations.get',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('conversationId', request.conversationId);
    return betaConversationsGet(client, request, options);
  },
  decode: decodeConversation,
};
