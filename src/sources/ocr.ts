import type { OCRResponse } from '@mistralai/mistralai/models/components/ocrresponse.js';
import type { OCRRequest } from '@mistralai/mistralai/models/components/ocrrequest.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { ocrProcessOperation } from '../transport/operations/ocrProcess.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectPresent } from './expectRequest.js';

/**
 * Reads a document or an image: its pages as Markdown.
 *
 * ```
 * ocr:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the SDK's response and completes; fails with an
 * `RxMistralError`. `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * @throws TypeError at once when the client is none, the request has no `document`, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { ocr } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * ocr(client, {
 *   model: 'mistral-ocr-latest',
 *   document: { type: 'document_url', documentUrl: 'https://example.com/contract.pdf' },
 * }).subscribe(({ pages }) => console.log(pages[0]?.markdown));
 * ```
 *
 * @see {@link chatComplete}
 */
export function ocr(
  client: MistralClient,
  request: OCRRequest,
  options: CallOptions = {},
): Observable<OCRResponse> {
  const transport = transportOf(client);
  expectPresent(request, 'document');
  expectCallOptions(options);
  return callOnce(transport, ocrProcessOperation, request, options);
}
