import { betaConversationsStart } from '@mistralai/mistralai/funcs/betaConversationsStart.js';
import type { ConversationRequest } from '@mistralai/mistralai/models/components/conversationrequest.js';
import type { ConversationResponse } from '@mistralai/mistralai/models/components/conversationresponse.js';
import { decodeConversationResponse } from '../decodeConversation.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/conversations`, whole. */
export const betaConversationsStartOperation: UnaryOperation<
  'beta.conversations.start',
  ConversationRequest,
  ConversationResponse
> = {
  name: 'beta.conversations.start',
  kind: 'unary',
  send: betaConversationsStart,
  decode: decodeConversationResponse,
};
