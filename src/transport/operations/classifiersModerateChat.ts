import { classifiersModerateChat } from '@mistralai/mistralai/funcs/classifiersModerateChat.js';
import type { ChatModerationRequest } from '@mistralai/mistralai/models/components/chatmoderationrequest.js';
import type { ModerationResponse } from '@mistralai/mistralai/models/components/moderationresponse.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/chat/moderations`. */
export const classifiersModerateChatOperation: UnaryOperation<
  'classifiers.moderateChat',
  ChatModerationRequest,
  ModerationResponse
> = {
  name: 'classifiers.moderateChat',
  kind: 'unary',
  send: classifiersModerateChat,
};
