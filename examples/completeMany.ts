/**
 * Live or as a batch, by one option: the same requests, the same results, half the price. A nightly run takes `batch`, the
 * same pipeline takes `live` where somebody waits.
 */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { lastValueFrom, map, toArray } from 'rxjs';
import { completeMany } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator({ seed: 3, answerTokens: 12, batch: { duration: 800 } });
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });

const requests = Array.from({ length: 40 }, (_, index) => ({
  model: 'mistral-small-latest',
  messages: [{ role: 'user' as const, content: `What is ${index}?` }],
  // The server knows no such temperature: one failure is one result.
  temperature: index === 7 ? 99 : 0,
}));

function ask(mode: 'live' | 'batch'): Promise<string[]> {
  // Options of both: those of the other mode are of no effect.
  const options = { mode, ordered: true, concurrency: 10, retry: {}, interval: 100 };
  const results = completeMany(client, requests, options).pipe(
    map((result) => {
      if (result.status === 'fulfilled') return `${result.input.messages[0]?.content} ${JSON.stringify(result.value.choices[0]?.message?.content)}`;
      return `${result.input.messages[0]?.content} ${String(result.reason)}`;
    }),
    toArray(),
  );
  return lastValueFrom(results);
}

const live = await ask('live');
const calls = simulator.requests.filter(({ path }) => path === '/v1/chat/completions').length;
console.log(`live: ${live.length} results, ${calls} calls\n  ${live[7]}\n  ${live[8]}`);

const batch = await ask('batch');
const jobs = simulator.requests.filter(({ method, path }) => method === 'POST' && path === '/v1/batch/jobs').length;
console.log(`batch: ${batch.length} results, ${jobs} job\n  ${batch[7]}\n  ${batch[8]}`);
console.log(batch.every((result, index) => result === live[index]) ? 'the same, at half the price' : 'not the same');
await simulator.close();
