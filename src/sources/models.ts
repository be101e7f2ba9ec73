import type { ModelList } from '@mistralai/mistralai/models/components/modellist.js';
import type { ListModelsV1ModelsGetRequest } from '@mistralai/mistralai/models/operations/listmodelsv1modelsget.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { modelsListOperation } from '../transport/operations/modelsList.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';

/**
 * The models that the key may use.
 *
 * ```
 * models:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the SDK's response and completes; fails with an
 * `RxMistralError`. `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * @param request What to list, as the SDK takes it; `{}` or `undefined` lists all.
 * @throws TypeError at once when the client is none, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { models } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * models(client).subscribe(({ data = [] }) => console.log(data.length));
 * ```
 *
 * @see {@link chatComplete}
 */
export function models(
  client: MistralClient,
  request?: ListModelsV1ModelsGetRequest,
  options: CallOptions = {},
): Observable<ModelList> {
  const transport = transportOf(client);
  expectCallOptions(options);
  return callOnce(transport, modelsListOperation, request, options);
}
