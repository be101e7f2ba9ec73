import { betaConversationsAppend } from '@mistralai/mistralai/funcs/betaConversationsAppend.js';
import type { ConversationResponse } from '@mistralai/mistralai/models/components/conversationresponse.js';
import type { AgentsApiV1ConversationsAppendRequest } from '@mistralai/mistralai/models/operations/agentsapiv1conversationsappend.js';
import { decodeConversationResponse } from '../decodeConversation.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/conversations/{id}`, whole. */
export const betaConversationsAppendOperation: UnaryOperation<
  'beta.conversations.append',
  AgentsApiV1ConversationsAppendRequest,
  ConversationResponse
> = {
  name: 'beta.conversations.append',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('conversationId', request.conversationId);
    return betaConversationsAppend(client, request, options);
  },
  decode: decodeConversationResponse,
};
