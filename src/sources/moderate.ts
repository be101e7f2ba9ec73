import type { ModerationResponse } from '@mistralai/mistralai/models/components/moderationresponse.js';
import type { ClassificationRequest } from '@mistralai/mistralai/models/components/classificationrequest.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { classifiersModerateOperation } from '../transport/operations/classifiersModerate.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectField, expectPresent } from './expectRequest.js';

/**
 * Moderates texts: one result for each of `inputs`, in order.
 *
 * ```
 * moderate:  ------(r|)
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
 * import { moderate } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * moderate(client, { model: 'mistral-moderation-latest', inputs: ['Have a nice day.'] })
 *   .subscribe(({ results }) => console.log(results[0]?.categories));
 * ```
 *
 * @see {@link moderateChat}
 */
export function moderate(
  client: MistralClient,
  request: ClassificationRequest,
  options: CallOptions = {},
): Observable<ModerationResponse> {
  const transport = transportOf(client);
  expectField(request, 'model');
  expectPresent(request, 'inputs');
  expectCallOptions(options);
  return callOnce(transport, classifiersModerateOperation, request, options);
}
