import type { TranscriptionStreamEvents } from '@mistralai/mistralai/models/components/transcriptionstreamevents.js';
import type { SpeechStreamEvents } from '@mistralai/mistralai/models/operations/speechv1audiospeechpost.js';
import { decodeUsage } from './decodeCompletionChunk.js';
import { isObject, type Json, renameFields } from './json.js';

const transcriptionTypes = [
  'transcription.language',
  'transcription.segment',
  'transcription.text.delta',
  'transcription.done',
];
const speechTypes = ['speech.audio.delta', 'speech.audio.done'];
const names = ['audio_data', 'audio_language', 'speaker_id'];

/** The SDK's event of a transcription from an event's JSON and name, in place; of unknown types as the SDK has them. */
export function decodeTranscriptionEvent(json: unknown, event: string): TranscriptionStreamEvents | undefined {
  return decodeEvent(json, event, transcriptionTypes) as TranscriptionStreamEvents | undefined;
}

/** The SDK's event of speech from an event's JSON and name, in place; of unknown types as the SDK has them. */
export function decodeSpeechEvent(json: unknown, event: string): SpeechStreamEvents | undefined {
  return decodeEvent(json, event, speechTypes) as SpeechStreamEvents | undefined;
}

// Some servers name the type in the `event:` line only, some in the data only.
function decodeEvent(json: unknown, event: string, types: readonly string[]): Json | undefined {
  if (!isObject(json)) return undefined;
  json['type'] ??= event;
  const { type } = json;
  if (typeof type !== 'string' || type === '') return undefined;
  const name = event === '' ? type : event;
  if (!types.includes(type)) return { event: name, data: { type: 'UNKNOWN', raw: json, isUnknown: true } };
  renameFields(json, names);
  if (Array.isArray(json['segments'])) {
    for (const segment of json['segments']) if (isObject(segment)) renameFields(segment, names);
  }
  if (isObject(json['usage'])) json['usage'] = decodeUsage(json['usage']);
  return { event: name, data: json };
}
