/** Code that fills the middle, streamed and whole. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { lastValueFrom } from 'rxjs';
import { accumulate, fimComplete, fimStream } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator();
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
const request = { model: 'codestral-latest', prompt: 'function add(', suffix: 'return a + b;\n}' };

const { text } = await lastValueFrom(fimStream(client, request, { onDisconnect: 'restart' }).pipe(accumulate()));
console.log(`streamed: ${JSON.stringify(text)}`);

const { choices } = await lastValueFrom(fimComplete(client, request, { retry: {} }));
console.log(`whole: ${JSON.stringify(choices[0]?.message?.content)}`);

await simulator.close();
