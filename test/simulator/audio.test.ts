import { audioSpeechComplete } from '@mistralai/mistralai/funcs/audioSpeechComplete.js';
import { audioTranscriptionsComplete } from '@mistralai/mistralai/funcs/audioTranscriptionsComplete.js';
import { audioTranscriptionsStream } from '@mistralai/mistralai/funcs/audioTranscriptionsStream.js';
import { createParser } from 'eventsource-parser';
import { describe, expect, test } from 'vitest';

import type { Simulator } from '../../src/simulator/index.js';
import { accepted, acceptedEvents, core, form, request } from './standaloneSdk.js';
import { withSimulator } from './rawClient.js';

const model = 'voxtral-mini-latest';
const recording = { fileName: 'call.mp3', content: new Uint8Array([0, 13, 10, 45, 45, 255, 0]) };

/** The names and types of a stream's events, as a parser that is not ours reads them. */
async function namesAndTypes(response: Response): Promise<readonly (readonly [string | undefined, unknown])[]> {
  const seen: [string | undefined, unknown][] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => seen.push([event, (JSON.parse(data) as { readonly type: unknown }).type]),
  });
  parser.feed(await response.text());
  return seen;
}

describe('a transcription', () => {
  const transcribe = (simulator: Simulator, options: object = {}): ReturnType<typeof wholeOf> => wholeOf(simulator, { model, file: recording, ...options });
  function wholeOf(simulator: Simulator, asked: Parameters<typeof audioTranscriptionsComplete>[1]) {
    return accepted(audioTranscriptionsComplete(core(simulator), asked));
  }

  test('streams its language, text and segments, and ends with the whole of it', async () => {
    await withSimulator({ answerTokens: 60 }, async (simulator) => {
      const whole = await transcribe(simulator);
      const events = await acceptedEvents(audioTranscriptionsStream(core(simulator), { model, file: recording }));
      const data = events.map((event) => event.data);
      expect(data[0]).toEqual({ type: 'transcription.language', audioLanguage: 'en' });
      const deltas = data.filter((each) => each.type === 'transcription.text.delta');
      expect(deltas.map(({ text }) => text).join('')).toBe(whole.text);
      const segments = data.filter((each) => each.type === 'transcription.segment');
      expect(segments.length).toBeGreaterThan(2);
      expect(segments.map(({ text }) => text).join('')).toBe(whole.text);
      expect(data.at(-1)).toEqual({ type: 'transcription.done', ...whole });
      expect(data.filter((each) => each.type === 'transcription.done')).toHaveLength(1);
      expect(events.every((event) => event.event === event.data.type)).toBe(true);
    });
  });

  test('has segments one behind the other, and a usage with their seconds', async () => {
    await withSimulator({ answerTokens: 60 }, async (simulator) => {
      const { segments = [], usage } = await transcribe(simulator, { diarize: true });
      expect(segments[0]?.start).toBe(0);
      for (const [i, { start, end }] of segments.entries()) {
        expect(end).toBeGreaterThan(start!);
        if (i > 0) expect(start).toBe(segments[i - 1]!.end);
      }
      expect(usage).toMatchObject({ promptAudioSeconds: Math.ceil(segments.at(-1)!.end!), totalTokens: usage.promptTokens! + usage.completionTokens! });
      expect(new Set(segments.map(({ speakerId }) => speakerId))).toEqual(new Set(['speaker_1', 'speaker_2']));
    });
  });

  test('names each event, in its `event:` line and its data, and sends no [DONE]', async () => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/audio/transcriptions', form({ model, stream: 'true', file_url: 'https://example.com/a.mp3' }));
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const seen = await namesAndTypes(response);
      expect(seen.every(([name, type]) => name === type)).toBe(true);
      expect(seen.at(-1)?.[0]).toBe('transcription.done');
    });
  });

  test('depends on the content of a file, or on its address or id; the record keeps its digest, not its content', async () => {
    await withSimulator({}, async (simulator) => {
      const text = (await transcribe(simulator)).text;
      expect((await transcribe(simulator)).text).toBe(text);
      const others = [
        await transcribe(simulator, { file: { ...recording, content: new Uint8Array([1]) } }),
        await wholeOf(simulator, { model, fileUrl: 'https://example.com/a.mp3' }),
        await wholeOf(simulator, { model, fileId: 'file-1' }),
      ];
      expect(new Set([text, ...others.map((other) => other.text)]).size).toBe(4);
      expect(simulator.requests[0]?.body).toEqual({
        model,
        stream: 'false',
        diarize: 'false',
        file: { filename: 'call.mp3', contentType: 'audio/mpeg', bytes: 7, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      });
      expect(simulator.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 1, 1, 1]);
    });
  });

  test('speaks the language that it is told', async () => {
    await withSimulator({}, async (simulator) => {
      expect((await transcribe(simulator, { language: 'fr' })).language).toBe('fr');
      const events = await acceptedEvents(audioTranscriptionsStream(core(simulator), { model, file: recording, language: 'fr' }));
      expect(events[0]?.data).toMatchObject({ audioLanguage: 'fr' });
      // Several values of a name, as the SDK sends a list.
      await transcribe(simulator, { timestampGranularities: ['segment', 'word'] });
      expect(simulator.requests.at(-1)?.body).toMatchObject({ timestamp_granularities: ['segment', 'word'] });
    });
  });

  test('can be scripted: as text, as exact events, as bytes', async () => {
    await withSimulator({ reply: 'Bonjour. Ça va?' }, async (simulator) => {
      const { text, segments } = await transcribe(simulator);
      expect([text, segments?.map((segment) => segment.text)]).toEqual(['Bonjour. Ça va?', ['Bonjour.', ' Ça va?']]);

      simulator.setReply({ events: [{ type: 'transcription.text.delta', text: 'a' }, { type: 'transcription.news' }] });
      const response = await request(simulator, '/v1/audio/transcriptions', form({ model, stream: 'true', file_id: 'f' }));
      expect(await response.text()).toBe('event: transcription.text.delta\ndata: {"type":"transcription.text.delta","text":"a"}\n\nevent: transcription.news\ndata: {"type":"transcription.news"}\n\n');

      simulator.setReply((body) => ({ raw: `: ${String(body['file_id'])}\n\n` }));
      expect(await (await request(simulator, '/v1/audio/transcriptions', form({ model, file_id: 'f' }))).text()).toBe(': f\n\n');
    });
  });

  test.each<[string, FormData | object, object]>([
    ['no model', form({ file_id: 'f' }), { loc: ['body', 'model'], type: 'missing' }],
    ['no audio', form({ model }), { loc: ['body', 'file'], type: 'missing' }],
    ['a file that is a text', form({ model, file: 'text' }), { loc: ['body', 'file'], type: 'value_error' }],
    ['a stream that is neither true nor false', form({ model, file_id: 'f', stream: 'maybe' }), { loc: ['body', 'stream'], type: 'bool_parsing' }],
    ['a temperature that is no number', form({ model, file_id: 'f', temperature: 'warm' }), { loc: ['body', 'temperature'], type: 'float_parsing' }],
    ['JSON in place of a form', { model, file_id: 'f' }, { loc: ['body', 'model'], type: 'missing' }],
  ])('is refused with a 422 for %s', async (_what, body, detail) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/audio/transcriptions', body);
      const { detail: details } = (await response.json()) as { detail: readonly unknown[] };
      expect([response.status, details[0]]).toMatchObject([422, detail]);
    });
  });

  test('is refused with a 400 for a form that breaks off', async () => {
    await withSimulator({}, async (simulator) => {
      const response = await fetch(`${simulator.url}/v1/audio/transcriptions`, {
        method: 'POST',
        headers: { authorization: 'Bearer any', 'content-type': 'multipart/form-data; boundary=b' },
        body: '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nvox',
      });
      expect([response.status, await response.json()]).toMatchObject([400, { object: 'error', type: 'invalid_request_body' }]);
    });
  });
});

describe('speech', () => {
  const asked = { model: 'voxtral-tts-latest', input: 'Hello there, how are you?', responseFormat: 'wav' as const };

  test('streams pieces of audio and then the usage; whole, it is the same audio', async () => {
    await withSimulator({}, async (simulator) => {
      const { audioData } = await accepted(audioSpeechComplete(core(simulator), { ...asked, stream: false }));
      const events = await acceptedEvents(audioSpeechComplete(core(simulator), { ...asked, stream: true }));
      const deltas = events.map((event) => event.data).filter((data) => data.type === 'speech.audio.delta');
      expect(deltas.length).toBeGreaterThan(3);
      expect(deltas).toHaveLength(events.length - 1);
      expect(Buffer.concat(deltas.map((delta) => Buffer.from(delta.audioData, 'base64')))).toEqual(Buffer.from(audioData, 'base64'));
      const promptTokens = deltas.length;
      expect(events.at(-1)).toMatchObject({
        event: 'speech.audio.done',
        data: { type: 'speech.audio.done', usage: { promptTokens, completionTokens: deltas.length, totalTokens: promptTokens + deltas.length } },
      });
    });
  });

  test('is a WAV file of the length that its header says, and begins as other formats do', async () => {
    await withSimulator({}, async (simulator) => {
      const audio = async (responseFormat: 'wav' | 'pcm' | 'mp3' | 'flac' | 'opus'): Promise<Buffer> =>
        Buffer.from((await accepted(audioSpeechComplete(core(simulator), { ...asked, responseFormat, stream: false }))).audioData, 'base64');
      const wav = await audio('wav');
      expect(wav.toString('latin1', 0, 4) + wav.toString('latin1', 8, 16)).toBe('RIFFWAVEfmt ');
      expect([wav.readUInt32LE(4), wav.readUInt32LE(40)]).toEqual([wav.length - 8, wav.length - 44]);
      expect(await audio('pcm')).toEqual(wav.subarray(44));
      for (const [format, start] of [['mp3', 'ID3'], ['flac', 'fLaC'], ['opus', 'OggS']] as const) {
        expect((await audio(format)).toString('latin1', 0, start.length)).toBe(start);
      }
    });
  });

  test('depends on the input and the voice, and stays small for a long input', async () => {
    await withSimulator({}, async (simulator) => {
      const audio = async (options: object): Promise<string> => (await accepted(audioSpeechComplete(core(simulator), { ...asked, ...options, stream: false }))).audioData;
      expect(new Set(await Promise.all([audio({}), audio({}), audio({ voiceId: 'marie' }), audio({ input: 'Goodbye' })])).size).toBe(3);
      expect((await audio({ input: 'word '.repeat(5_000) })).length).toBeLessThan(2_000_000);
    });
  });

  test('can be scripted with exact events', async () => {
    await withSimulator({ reply: { events: [{ type: 'speech.audio.delta', audio_data: 'AAAA' }] } }, async (simulator) => {
      const events = await acceptedEvents(audioSpeechComplete(core(simulator), { ...asked, stream: true }));
      expect(events).toEqual([{ event: 'speech.audio.delta', data: { type: 'speech.audio.delta', audioData: 'AAAA' } }]);
    });
  });

  test.each<[string, object, readonly string[]]>([
    ['no input', {}, ['body', 'input']],
    ['an unknown format', { input: 'a', response_format: 'midi' }, ['body', 'response_format']],
  ])('is refused with a 422 for %s', async (_what, body, loc) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/audio/speech', body);
      expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc }] }]);
    });
  });
});
