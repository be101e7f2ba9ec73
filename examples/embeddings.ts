/** Thousands of texts embedded as if in one call: cut into calls, several at once, joined in order. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { lastValueFrom } from 'rxjs';
import { embeddings } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

// One of the calls meets a busy server.
const simulator = await startSimulator({ faults: { kind: 'status', status: 503, on: 1 } });
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
const inputs = Array.from({ length: 2_000 }, (_, index) => `Paragraph ${index}`);

const { data, usage } = await lastValueFrom(
  embeddings(client, { model: 'mistral-embed', inputs }, { concurrency: 2, retry: { maxRetries: 3 } }),
);
console.log(`${data.length} vectors of ${data[0]?.embedding?.length ?? 0}, ${usage.totalTokens ?? 0} tokens, ${simulator.requestCount} calls`);

await simulator.close();
