import { agentsStream } from '@mistralai/mistralai/funcs/agentsStream.js';
import type { AgentsCompletionStreamRequest } from '@mistralai/mistralai/models/components/agentscompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { decodeCompletionChunk } from '../decodeCompletionChunk.js';
import type { StreamOperation } from '../MistralTransport.js';

/** `POST /v1/agents/completions`, streamed. */
export const agentsStreamOperation: StreamOperation<'agents.stream', AgentsCompletionStreamRequest, CompletionChunk> = {
  name: 'agents.stream',
  kind: 'stream',
  send: agentsStream,
  decode: decodeCompletionChunk,
};
