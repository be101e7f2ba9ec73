import type { ClassificationResponse } from '@mistralai/mistralai/models/components/classificationresponse.js';
import type { ClassificationRequest } from '@mistralai/mistralai/models/components/classificationrequest.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { classifiersClassifyOperation } from '../transport/operations/classifiersClassify.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectField, expectPresent } from './expectRequest.js';

/**
 * Classifies texts with a classifier of your own: one result for each of `inputs`, in order.
 *
 * ```
 * classify:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the SDK's response and completes; fails with an
 * `RxMistralError`. `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * @throws TypeError at once when the client is none, the request has no model or no `inputs`, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { classify } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * classify(client, { model: 'ft:classifier:ministral-3b-latest:intents', inputs: ['Where is my parcel?'] })
 *   .subscribe(({ results }) => console.log(results[0]));
 * ```
 *
 * @see {@link moderate}
 */
export function classify(
  client: MistralClient,
  request: ClassificationRequest,
  options: CallOptions = {},
): Observable<ClassificationResponse> {
  const transport = transportOf(client);
  expectField(request, 'model');
  expectPresent(request, 'inputs');
  expectCallOptions(options);
  return callOnce(transport, classifiersClassifyOperation, request, options);
}
