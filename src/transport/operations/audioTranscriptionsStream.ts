import { audioTranscriptionsStream } from '@mistralai/mistralai/funcs/audioTranscriptionsStream.js';
import type { AudioTranscriptionRequestStream } from '@mistralai/mistralai/models/components/audiotranscriptionrequeststream.js';
import type { TranscriptionStreamEvents } from '@mistralai/mistralai/models/components/transcriptionstreamevents.js';
import { decodeTranscriptionEvent } from '../decodeAudioEvent.js';
import type { StreamOperation } from '../MistralTransport.js';

/** `POST /v1/audio/transcriptions`, streamed. */
export const audioTranscriptionsStreamOperation: StreamOperation<
  'audio.transcriptions.stream',
  AudioTranscriptionRequestStream,
  TranscriptionStreamEvents
> = {
  name: 'audio.transcriptions.stream',
  kind: 'stream',
  send: audioTranscriptionsStream,
  decode: decodeTranscriptionEvent,
};
