import type { FIMCompletionResponse } from '@mistralai/mistralai/models/components/fimcompletionresponse.js';
import type { FIMCompletionRequest } from '@mistralai/mistralai/models/components/fimcompletionrequest.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { fimCompleteOperation } from '../transport/operations/fimComplete.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectField, expectPresent, expectStream } from './expectRequest.js';

/**
 * Code that fills the middle (between `prompt` and `suffix`), in one response.
 *
 * ```
 * fimComplete:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the SDK's response and completes; fails with an
 * `RxMistralError`. `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * @throws TypeError at once when the client is none, the request has no model or no prompt, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { fimComplete } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * fimComplete(client, { model: 'codestral-latest', prompt: 'function add(', suffix: 'return a + b;' })
 *   .subscribe(({ choices }) => console.log(choices[0]?.message?.content));
 * ```
 *
 * @see {@link fimStream}
 */
export function fimComplete(
  client: MistralClient,
  request: FIMCompletionRequest,
  options: CallOptions = {},
): Observable<FIMCompletionResponse> {
  const transport = transportOf(client);
  expectField(request, 'model');
  expectPresent(request, 'prompt');
  expectStream(request, false);
  expectCallOptions(options);
  return callOnce(transport, fimCompleteOperation, request, options);
}
