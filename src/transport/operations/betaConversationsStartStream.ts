import { betaConversationsStartStream } from '@mistralai/mistralai/funcs/betaConversationsStartStream.js';
import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import type { ConversationStreamRequest } from '@mistralai/mistralai/models/components/conversationstreamrequest.js';
import { decodeConversationEvent } from '../decodeConversationEvent.js';
import type { StreamOperation } from '../MistralTransport.js';

/** `POST /v1/conversations`, streamed. */
export const betaConversationsStartStreamOperation: StreamOperation<
  'beta.conversations.startStream',
  ConversationStreamRequest,
  ConversationEvents
> = {
  name: 'beta.conversations.startStream',
  kind: 'stream',
  send: betaConversationsStartStream,
  decode: decodeConversationEvent,
};
