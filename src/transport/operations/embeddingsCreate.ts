import { embeddingsCreate } from '@mistralai/mistralai/funcs/embeddingsCreate.js';
import type { EmbeddingRequest } from '@mistralai/mistralai/models/components/embeddingrequest.js';
import type { EmbeddingResponse } from '@mistralai/mistralai/models/components/embeddingresponse.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/embeddings`. */
export const embeddingsCreateOperation: UnaryOperation<'embeddings.create', EmbeddingRequest, EmbeddingResponse> = {
  name: 'embeddings.create',
  kind: 'unary',
  send: embeddingsCreate,
};
