import { audioTranscriptionsComplete } from '@mistralai/mistralai/funcs/audioTranscriptionsComplete.js';
import type { AudioTranscriptionRequest } from '@mistralai/mistralai/models/components/audiotranscriptionrequest.js';
import type { TranscriptionResponse } from '@mistralai/mistralai/models/components/transcriptionresponse.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/audio/transcriptions`, whole. */
export const audioTranscriptionsCompleteOperation: UnaryOperation<
  'audio.transcriptions.complete',
  AudioTranscriptionRequest,
  TranscriptionResponse
> = {
  name: 'audio.transcriptions.complete',
  kind: 'unary',
  send: audioTranscriptionsComplete,
};
