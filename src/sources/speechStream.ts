import type { SpeechRequest } from '@mistralai/mistralai/models/components/speechrequest.js';
import type { SpeechStreamEvents } from '@mistralai/mistralai/models/operations/speechv1audiospeechpost.js';
import type { Observable } from 'rxjs';
import { type MistralClient, streamTransportOf } from '../transport/MistralClient.js';
import { audioSpeechCompleteOperation } from '../transport/operations/audioSpeechComplete.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { expectField, expectStream } from './expectRequest.js';
import { terminatedEvents } from './terminatedEvents.js';

/**
 * Streams speech as the SDK's events: pieces of audio in Base64, then the usage.
 *
 * ```
 * speechStream:  --a-a-a-a-d|     a: speech.audio.delta   d: speech.audio.done
 * cut:           --a-a-#          a TruncatedStreamError
 * ```
 *
 * Cold; unsubscribing ends the call, down to the socket. Completes behind `speech.audio.done`; a stream that ends without
 * it fails. `retry` repeats a call that failed before its first event. The request's `stream` is set here.
 *
 * @throws TypeError at once when the client is none, the request has no `input`, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { speechStream } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * speechStream(client, { model: 'voxtral-tts-latest', input: 'Hello there.' }).subscribe(({ data }) => {
 *   if (data.type === 'speech.audio.delta') console.log(Buffer.from(data.audioData, 'base64').length, 'bytes');
 * });
 * ```
 *
 * @see {@link transcriptionStream}
 */
export function speechStream(
  client: MistralClient,
  request: SpeechRequest,
  options: CallOptions = {},
): Observable<SpeechStreamEvents> {
  const transport = streamTransportOf(client);
  expectField(request, 'input');
  expectStream(request, true);
  expectCallOptions(options);
  return terminatedEvents(transport, audioSpeechCompleteOperation, request, options, {
    isLast: ({ data }) => data.type === 'speech.audio.done',
  });
}
