import { betaConversationsRestart } from '@mistralai/mistralai/funcs/betaConversationsRestart.js';
import type { ConversationResponse } from '@mistralai/mistralai/models/components/conversationresponse.js';
import type { AgentsApiV1ConversationsRestartRequest } from '@mistralai/mistralai/models/operations/agentsapiv1conversationsrestart.js';
import { decodeConversationResponse } from '../decodeConversation.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/conversations/{id}/restart`, whole. */
export const betaConversationsRestartOperation: UnaryOperation<
  'beta.conversations.restart',
  AgentsApiV1ConversationsRestartRequest,
  ConversationResponse
> = {
  name: 'beta.conversations.restart',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('conversationId', request.conversationId);
    return betaConversationsRestart(client, request, options);
  },
  decode: decodeConversationResponse,
};
