import { betaConversationsDelete } from '@mistralai/mistralai/funcs/betaConversationsDelete.js';
import type { AgentsApiV1ConversationsDeleteRequest } from '@mistralai/mistralai/models/operations/agentsapiv1conversationsdelete.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `DELETE /v1/conversations/{id}`. Emits `undefined`: the answer is a 204. */
export const betaConversationsDeleteOperation: UnaryOperation<
  'beta.conversations.delete',
  AgentsApiV1ConversationsDeleteRequest,
  void
> = {
  name: 'beta.conversations.delete',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('conversationId', request.conversationId);
    return betaConversationsDelete(client, request, options);
  },
};
