import { audioSpeechComplete, CompleteAcceptEnum } from '@mistralai/mistralai/funcs/audioSpeechComplete.js';
import type { SpeechRequest } from '@mistralai/mistralai/models/components/speechrequest.js';
import type { SpeechStreamEvents } from '@mistralai/mistralai/models/operations/speechv1audiospeechpost.js';
import { decodeSpeechEvent } from '../decodeAudioEvent.js';
import type { StreamOperation } from '../MistralTransport.js';

/**
 * `POST /v1/audio/speech`, streamed. The SDK has one function for both forms and asks for JSON by default, so the stream
 * is asked for here.
 */
export const audioSpeechCompleteOperation: StreamOperation<'audio.speech.complete', SpeechRequest, SpeechStreamEvents> = {
  name: 'audio.speech.complete',
  kind: 'stream',
  send: (client, request, options) =>
    audioSpeechComplete(
      client,
      { ...request, stream: true },
      { ...options, acceptHeaderOverride: CompleteAcceptEnum.textEventStream },
    ),
  decode: decodeSpeechEvent,
};
