import { modelsList } from '@mistralai/mistralai/funcs/modelsList.js';
import type { ModelList } from '@mistralai/mistralai/models/components/modellist.js';
import type { ListModelsV1ModelsGetRequest } from '@mistralai/mistralai/models/operations/listmodelsv1modelsget.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/models`. */
export const modelsListOperation: UnaryOperation<'models.list', ListModelsV1ModelsGetRequest | undefined, ModelList> = {
  name: 'models.list',
  kind: 'unary',
  send: modelsList,
};
