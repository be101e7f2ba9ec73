import type { AudioTranscriptionRequestStream } from '@mistralai/mistralai/models/components/audiotranscriptionrequeststream.js';
import type { TranscriptionStreamEvents } from '@mistralai/mistralai/models/components/transcriptionstreamevents.js';
import type { Observable } from 'rxjs';
import { type MistralClient, streamTransportOf } from '../transport/MistralClient.js';
import { audioTranscriptionsStreamOperation } from '../transport/operations/audioTranscriptionsStream.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { expectField, expectStream } from './expectRequest.js';
import { terminatedEvents } from './terminatedEvents.js';

/**
 * Streams the transcription of audio as the SDK's events.
 *
 * ```
 * transcriptionStream:  --l-t-t-t-d|     l: transcription.language   t: transcription.text.delta   d: transcription.done
 * cut:                  --l-t-t-#        a TruncatedStreamError, `partial` holds the text so far
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Completes behind `transcription.done`, which holds the whole
 * text and the usage; a stream that ends without it fails. `retry` repeats a call that failed before its first event.
 * Events of unknown types are passed on as the SDK has them (`type: 'UNKNOWN'`).
 *
 * A `file` is read into memory by the SDK; `fileUrl` and `fileId` are not.
 *
 * @throws TypeError at once when the client is none, the request has no model, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { transcriptionStream } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * transcriptionStream(client, { model: 'voxtral-mini-latest', fileUrl: 'https://example.com/call.mp3' })
 *   .subscribe(({ data }) => {
 *     if (data.type === 'transcription.text.delta') process.stdout.write(data.text);
 *   });
 * ```
 *
 * @see {@link transcribe}
 */
export function transcriptionStream(
  client: MistralClient,
  request: AudioTranscriptionRequestStream,
  options: CallOptions = {},
): Observable<TranscriptionStreamEvents> {
  const transport = streamTransportOf(client);
  expectField(request, 'model');
  expectStream(request, true);
  expectCallOptions(options);
  return terminatedEvents(transport, audioTranscriptionsStreamOperation, request, options, {
    isLast: ({ data }) => data.type === 'transcription.done',
    textOf: ({ data }) => (data.type === 'transcription.text.delta' ? data.text : ''),
  });
}
