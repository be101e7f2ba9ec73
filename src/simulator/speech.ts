import { namedEvent, type Answer } from './answer.js';
import type { AnswerMaker } from './answerEngine.js';
import { validationFailed } from './errorBodies.js';
import { exactAnswer, isExact } from './exactReply.js';
import { boolean, fieldComplaints, object, oneOf, string } from './fieldChecks.js';
import { randomFrom } from './random.js';
import type { CompletionBody } from './reply.js';
import type { Route } from './route.js';
import { countTokens } from './tokens.js';

/**
 * `POST /v1/audio/speech`, streamed and whole: a tone for each token of the input, the first thousand of them. As `wav` and `pcm`
 * it can be played; of the other formats only the first bytes are right.
 */
export const speechRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/audio/speech',
    handle({ body, record }, { settings, answers }) {
      const complaints = fieldComplaints(body, {
        required: { input: string },
        optional: {
          model: string,
          metadata: object,
          stream: boolean,
          voice_id: string,
          ref_audio: string,
          response_format: oneOf('pcm', 'wav', 'mp3', 'flac', 'opus'),
        },
      });
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);
      return answers.answer(speechAnswer, body as CompletionBody, record);
    },
  },
];

const speechAnswer: AnswerMaker = (body, reply, { seed }): Answer => {
  if (isExact(reply)) return exactAnswer(reply, 'named');
  const { input, voice_id, response_format } = body as { readonly input?: string; readonly voice_id?: string | null; readonly response_format?: string };
  const promptTokens = countTokens(input ?? '');
  const length = Math.min(Math.max(promptTokens, 1), mostTones);
  const random = randomFrom(seed, 'speech', input ?? '', voice_id ?? '');
  const tones = Array.from({ length }, () => tone(random.integer(110, 440)));
  const [first = Buffer.alloc(0), ...rest] = tones;
  const pieces = [Buffer.concat([header(response_format ?? 'mp3', length * samplesPerTone * bytesPerSample), first]), ...rest];

  const usage = { prompt_tokens: promptTokens, completion_tokens: length, total_tokens: promptTokens + length };
  if (body['stream'] !== true) {
    return { kind: 'json', status: 200, body: { audio_data: Buffer.concat(pieces).toString('base64') }, tokens: usage.total_tokens };
  }
  const events = [
    ...pieces.map((piece) => namedEvent({ type: 'speech.audio.delta', audio_data: piece.toString('base64') })),
    namedEvent({ type: 'speech.audio.done', usage }),
  ];
  return { kind: 'events', status: 200, events, tokens: usage.total_tokens };
};

const mostTones = 1_000;
const samplesPerSecond = 24_000;
const samplesPerTone = 600;
const bytesPerSample = 2;

/** 25 ms of a sine, in samples of 16 bits. */
function tone(hertz: number): Buffer {
  const samples = Buffer.alloc(samplesPerTone * bytesPerSample);
  for (let i = 0; i < samplesPerTone; i += 1) {
    samples.writeInt16LE(Math.round(8_000 * Math.sin((2 * Math.PI * hertz * i) / samplesPerSecond)), i * bytesPerSample);
  }
  return samples;
}

function header(format: string, dataBytes: number): Buffer {
  switch (format) {
    case 'wav':
      return wavHeader(dataBytes);
    case 'mp3':
      return Buffer.from('ID3');
    case 'flac':
      return Buffer.from('fLaC');
    case 'opus':
      return Buffer.from('OggS');
    default:
      return Buffer.alloc(0);
  }
}

/** RIFF, WAVE, one `fmt ` chunk that says PCM with one channel, and the beginning of the `data` chunk. */
function wavHeader(dataBytes: number): Buffer {
  const bytes = Buffer.alloc(44);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + dataBytes, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(samplesPerSecond, 24);
  bytes.writeUInt32LE(samplesPerSecond * bytesPerSample, 28);
  bytes.writeUInt16LE(bytesPerSample, 32);
  bytes.writeUInt16LE(8 * bytesPerSample, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(dataBytes, 40);
  return bytes;
}
