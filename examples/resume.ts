/** An answer that is cut twice and goes on where it was, instead of a hand-written reconnection. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { chatStream, constantBackoff } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator({
  faults: [
    { kind: 'reset', at: { events: 12 }, on: 0 },
    { kind: 'truncate', at: { events: 9 }, on: 1 },
  ],
});
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });

chatStream(
  client,
  { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Tell me a story.' }] },
  { onDisconnect: 'resume', retry: { maxRetries: 5, backoff: constantBackoff(200) } },
).subscribe({
  next: (event) => {
    if (event.type === 'text-delta') process.stdout.write(event.text);
    if (event.type === 'retry') process.stdout.write(` [${event.error.kind}, ${event.strategy}] `);
    if (event.type === 'complete') console.log(`\n${event.usage?.totalTokens ?? 0} tokens over all attempts`);
  },
  error: (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
  complete: () => void simulator.close(),
});
