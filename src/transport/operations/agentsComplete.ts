import { agentsComplete } from '@mistralai/mistralai/funcs/agentsComplete.js';
import type { AgentsCompletionRequest } from '@mistralai/mistralai/models/components/agentscompletionrequest.js';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { decodeCompletion } from '../decodeCompletion.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/agents/completions`, whole. */
export const agentsCompleteOperation: UnaryOperation<
  'agents.complete',
  AgentsCompletionRequest,
  ChatCompletionResponse
> = {
  name: 'agents.complete',
  kind: 'unary',
  send: agentsComplete,
  decode: decodeCompletion,
};
