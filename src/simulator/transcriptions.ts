import { namedEvent, type Answer } from './answer.js';
import type { AnswerMaker } from './answerEngine.js';
import { proseTokens } from './answerText.js';
import { invalidRequest, validationFailed, type ValidationDetail } from './errorBodies.js';
import { exactAnswer, isExact } from './exactReply.js';
import { complaint, either, fieldComplaints, isFields, list, object, string, type Check, type Fields } from './fieldChecks.js';
import { isMultipartForm } from './multipartParser.js';
import { randomFrom } from './random.js';
import type { CompletionBody } from './reply.js';
import { requestKey } from './requestKey.js';
import type { Route } from './route.js';
import { tokenise } from './tokens.js';

/**
 * `POST /v1/audio/transcriptions`, streamed and whole, always with its segments. The text is made up from the seed and the
 * form: the file's content, or its address; nothing is listened to or downloaded.
 */
export const transcriptionRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/audio/transcriptions',
    handle({ body, record }, { settings, answers }) {
      // What can't be taken apart was recorded as text.
      if (typeof body === 'string') return invalidRequest('There was an error parsing the body', 'invalid_request_body');
      const form = isMultipartForm(record.headers['content-type']) && isFields(body) ? body : {};
      const complaints = formComplaints(form);
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);
      return answers.answer(transcriptionAnswer, form, record);
    },
  },
];

const transcriptionAnswer: AnswerMaker = (form, reply, { seed, answerTokens }): Answer => {
  if (isExact(reply)) return exactAnswer(reply, 'named');
  const scripted = typeof reply === 'string' ? { text: reply } : reply;
  const random = randomFrom(seed, 'transcription', keyOf(form));
  const given = typeof scripted?.text === 'string' ? tokenise(scripted.text) : scripted?.text;
  const pieces = given ?? proseTokens(random, answerTokens ?? random.integer(20, 120));

  const segments = segmentsOf(pieces, form['diarize'] === 'true');
  const counted = usageOf(pieces);
  const usage = scripted?.usage === undefined ? counted : scripted.usage;
  const language = typeof form['language'] === 'string' ? form['language'] : 'en';
  const whole = {
    model: scripted?.model ?? form.model ?? 'voxtral-mini-latest',
    text: pieces.join(''),
    segments: segments.map((segment) => ({ type: 'transcription_segment', ...withoutPieces(segment) })),
    ...(usage !== null && { usage }),
    language,
  };
  if (form['stream'] !== 'true') return { kind: 'json', status: 200, body: whole, tokens: counted.total_tokens };
  const events = [
    namedEvent({ type: 'transcription.language', audio_language: language }),
    ...segments.flatMap((segment) => [
      ...segment.pieces.map((text) => namedEvent({ type: 'transcription.text.delta', text })),
      namedEvent({ type: 'transcription.segment', ...withoutPieces(segment) }),
    ]),
    namedEvent({ type: 'transcription.done', ...whole }),
  ];
  return { kind: 'events', status: 200, events, tokens: counted.total_tokens };
};

interface Segment {
  readonly pieces: readonly string[];
  readonly text: string;
  /** In seconds. */
  readonly start: number;
  readonly end: number;
  readonly speaker_id?: string;
}

const secondsPerPiece = 0.3;

/** A segment a sentence; two speakers take turns. */
function segmentsOf(pieces: readonly string[], diarize: boolean): readonly Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  for (const [i, piece] of pieces.entries()) {
    if (!/[.!?…🙂]\s*$/u.test(piece) && i < pieces.length - 1) continue;
    const spoken = pieces.slice(start, i + 1);
    segments.push({
      pieces: spoken,
      text: spoken.join(''),
      start: secondsOf(start),
      end: secondsOf(i + 1),
      ...(diarize && { speaker_id: `speaker_${(segments.length % 2) + 1}` }),
    });
    start = i + 1;
  }
  return segments;
}

function withoutPieces({ pieces: _pieces, ...segment }: Segment): Omit<Segment, 'pieces'> {
  return segment;
}

function secondsOf(pieces: number): number {
  return Math.round(pieces * secondsPerPiece * 100) / 100;
}

interface AudioUsage {
  readonly prompt_audio_seconds: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

function usageOf(pieces: readonly string[]): AudioUsage {
  const seconds = Math.ceil(secondsOf(pieces.length));
  // The few tokens that frame the request; the audio itself is counted in seconds.
  const prompt_tokens = 4;
  return { prompt_audio_seconds: seconds, prompt_tokens, completion_tokens: pieces.length, total_tokens: prompt_tokens + pieces.length };
}

/** Whether it is streamed does not change what is said. */
function keyOf({ stream: _stream, ...form }: CompletionBody): string {
  return requestKey(form);
}

const trueOrFalse: Check = (value) =>
  value === 'true' || value === 'false' ? undefined : { type: 'bool_parsing', msg: 'Input should be a valid boolean, unable to interpret input' };
const numeric: Check = (value) =>
  typeof value === 'string' && value !== '' && Number.isFinite(Number(value))
    ? undefined
    : { type: 'float_parsing', msg: 'Input should be a valid number, unable to parse string as a number' };
const file: Check = (value) => (object(value) === undefined ? undefined : { type: 'value_error', msg: 'Value error, Expected UploadFile' });

function formComplaints(form: Fields): readonly ValidationDetail[] {
  const found = fieldComplaints(form, {
    required: { model: string },
    optional: {
      file,
      file_url: string,
      file_id: string,
      language: string,
      stream: trueOrFalse,
      diarize: trueOrFalse,
      temperature: numeric,
      context_bias: either(string, list),
      timestamp_granularities: either(string, list),
    },
  });
  const hasAudio = ['file', 'file_url', 'file_id'].some((name) => form[name] !== undefined);
  return hasAudio ? found : [...found, complaint(['body', 'file'], form)];
}
