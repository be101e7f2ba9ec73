import { fimStream } from '@mistralai/mistralai/funcs/fimStream.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { FIMCompletionStreamRequest } from '@mistralai/mistralai/models/components/fimcompletionstreamrequest.js';
import { decodeCompletionChunk } from '../decodeCompletionChunk.js';
import type { StreamOperation } from '../MistralTransport.js';

/** `POST /v1/fim/completions`, streamed. */
export const fimStreamOperation: StreamOperation<'fim.stream', FIMCompletionStreamRequest, CompletionChunk> = {
  name: 'fim.stream',
  kind: 'stream',
  send: fimStream,
  decode: decodeCompletionChunk,
};
