import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { FIMCompletionStreamRequest } from '@mistralai/mistralai/models/components/fimcompletionstreamrequest.js';
import type { Observable } from 'rxjs';
import { type MistralClient, streamTransportOf } from '../transport/MistralClient.js';
import { fimStreamOperation } from '../transport/operations/fimStream.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { completionChunks } from './completionChunks.js';
import { expectField, expectPresent, expectStream } from './expectRequest.js';

/**
 * Streams code that fills the middle as the SDK's raw chunks.
 *
 * ```
 * fimChunks:  --c-c-c-c|
 * ```
 *
 * Completion, errors, cancelling and retries are those of {@link chatChunks}.
 *
 * @throws TypeError at once when the client is none, the request has no model or no prompt, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { fimChunks } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * fimChunks(client, { model: 'codestral-latest', prompt: 'def add(' }).subscribe(({ choices }) => {
 *   console.log(choices[0]?.delta.content);
 * });
 * ```
 *
 * @see {@link fimStream}
 */
export function fimChunks(
  client: MistralClient,
  request: FIMCompletionStreamRequest,
  options: CallOptions = {},
): Observable<CompletionChunk> {
  const transport = streamTransportOf(client);
  expectField(request, 'model');
  expectPresent(request, 'prompt');
  expectStream(request, true);
  expectCallOptions(options);
  return completionChunks(transport, fimStreamOperation, request, options);
}
