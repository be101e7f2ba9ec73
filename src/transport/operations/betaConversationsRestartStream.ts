import { betaConversationsRestartStream } from '@mistralai/mistralai/funcs/betaConversationsRestartStream.js';
import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import type { AgentsApiV1ConversationsRestartStreamRequest } from '@mistralai/mistralai/models/operations/agentsapiv1conversationsrestartstream.js';
import { decodeConversationEvent } from '../decodeConversationEvent.js';
import { expectId } from '../expectId.js';
import type { StreamOperation } from '../MistralTransport.js';

/** `POST /v1/conversations/{id}/restart`, streamed. */
export const betaConversationsRestartStreamOperation: StreamOperation<
  'beta.conversations.restartStream',
  AgentsApiV1ConversationsRestartStreamRequest,
  ConversationEvents
> = {
  name: 'beta.conversations.restartStream',
  kind: 'stream',
  send: (client, request, options) => {
    expectId('conversationId', request.conversationId);
    return betaConversationsRestartStream(client, request, options);
  },
  decode: decodeConversationEvent,
};
