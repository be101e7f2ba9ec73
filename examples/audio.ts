/** Speech to text, streamed and whole, and text to speech. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { filter, lastValueFrom, map, reduce } from 'rxjs';
import { speechStream, transcribe, transcriptionStream } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator();
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
const recording = { model: 'voxtral-mini-latest', fileUrl: 'https://example.com/call.mp3' };

const { text, language } = await lastValueFrom(transcribe(client, recording));
console.log(`whole (${language ?? 'unknown'}): ${text}`);

const streamed = await lastValueFrom(
  transcriptionStream(client, recording).pipe(
    map(({ data }) => (data.type === 'transcription.text.delta' ? data.text : '')),
    reduce((all, piece) => all + piece, ''),
  ),
);
console.log(`streamed: ${streamed}`);

const bytes = await lastValueFrom(
  speechStream(client, { model: 'voxtral-tts-latest', input: 'Hello there.' }).pipe(
    map(({ data }) => data),
    filter((data) => data.type === 'speech.audio.delta'),
    reduce((sum, { audioData }) => sum + Buffer.from(audioData, 'base64').byteLength, 0),
  ),
);
console.log(`speech: ${bytes} bytes`);

await simulator.close();
