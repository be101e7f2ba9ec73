import { fimComplete } from '@mistralai/mistralai/funcs/fimComplete.js';
import type { FIMCompletionRequest } from '@mistralai/mistralai/models/components/fimcompletionrequest.js';
import type { FIMCompletionResponse } from '@mistralai/mistralai/models/components/fimcompletionresponse.js';
import { decodeCompletion } from '../decodeCompletion.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/fim/completions`, whole. */
export const fimCompleteOperation: UnaryOperation<'fim.complete', FIMCompletionRequest, FIMCompletionResponse> = {
  name: 'fim.complete',
  kind: 'unary',
  send: fimComplete,
  decode: decodeCompletion,
};
