import { chatComplete } from '@mistralai/mistralai/funcs/chatComplete.js';
import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { decodeCompletion } from '../decodeCompletion.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/chat/completions`, whole. */
export const chatCompleteOperation: UnaryOperation<'chat.complete', ChatCompletionRequest, ChatCompletionResponse> = {
  name: 'chat.complete',
  kind: 'unary',
  send: chatComplete,
  decode: decodeCompletion,
};
