import { betaConversationsAppendStream } from '@mistralai/mistralai/funcs/betaConversationsAppendStream.js';
import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import type { AgentsApiV1ConversationsAppendStreamRequest } from '@mistralai/mistralai/models/operations/agentsapiv1conversationsappendstream.js';
import { decodeConversationEvent } from '../decodeConversationEvent.js';
import { expectId } from '../expectId.js';
import type { StreamOperation } from '../MistralTransport.js';

/** `POST /v1/conversations/{id}`, streamed. */
export const betaConversationsAppendStreamOperation: StreamOperation<
  'beta.conversations.appendStream',
  AgentsApiV1ConversationsAppendStreamRequest,
  ConversationEvents
> = {
  name: 'beta.conversations.appendStream',
  kind: 'stream',
  send: (client, request, options) => {
    expectId('conversationId', request.conversationId);
    return betaConversationsAppendStream(client, request, options);
  },
  decode: decodeConversationEvent,
};
