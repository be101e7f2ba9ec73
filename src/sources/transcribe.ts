import type { TranscriptionResponse } from '@mistralai/mistralai/models/components/transcriptionresponse.js';
import type { AudioTranscriptionRequest } from '@mistralai/mistralai/models/components/audiotranscriptionrequest.js';
import type { Observable } from 'rxjs';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { audioTranscriptionsCompleteOperation } from '../transport/operations/audioTranscriptionsComplete.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectField } from './expectRequest.js';

/**
 * Transcribes audio: the whole text in one response.
 *
 * ```
 * transcribe:  ------(r|)
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Emits the SDK's response and completes; fails with an
 * `RxMistralError`. `retry` and `timeouts` are as in {@link chatComplete}.
 *
 * A `file` is read into memory by the SDK; `fileUrl` and `fileId` are not.
 *
 * @throws TypeError at once when the client is none, the request has no model, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { transcribe } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * transcribe(client, { model: 'voxtral-mini-latest', fileUrl: 'https://example.com/call.mp3' })
 *   .subscribe(({ text, language }) => console.log(language, text));
 * ```
 *
 * @see {@link transcriptionStream}
 */
export function transcribe(
  client: MistralClient,
  request: AudioTranscriptionRequest,
  options: CallOptions = {},
): Observable<TranscriptionResponse> {
  const transport = transportOf(client);
  expectField(request, 'model');
  expectCallOptions(options);
  return callOnce(transport, audioTranscriptionsCompleteOperation, request, options);
}
