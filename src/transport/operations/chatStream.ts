import { chatStream } from '@mistralai/mistralai/funcs/chatStream.js';
import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { decodeCompletionChunk } from '../decodeCompletionChunk.js';
import type { StreamOperation } from '../MistralTransport.js';

/** `POST /v1/chat/completions`, streamed. */
export const chatStreamOperation: StreamOperation<'chat.stream', ChatCompletionStreamRequest, CompletionChunk> = {
  name: 'chat.stream',
  kind: 'stream',
  send: chatStream,
  decode: decodeCompletionChunk,
};
