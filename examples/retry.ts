/** A chat that gets over a busy server, a limit and a cut, with everything that happened in the events. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { chatStream, exponentialBackoff } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator({
  faults: [
    { kind: 'status', status: 503, on: 0 },
    { kind: 'status', status: 429, headers: { 'retry-after': '1' }, on: 1 },
    { kind: 'reset', at: { events: 6 }, on: 2 },
  ],
});
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });

chatStream(
  client,
  { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Why is the sky blue?' }] },
  {
    retry: { maxRetries: 5, backoff: exponentialBackoff({ initial: 200, max: 5_000 }) },
    onDisconnect: 'restart',
    timeouts: { firstEvent: 20_000, idle: 10_000, total: 60_000 },
  },
).subscribe({
  next: (event) => {
    if (event.type === 'start') console.log(`attempt ${event.attempt} answers`);
    if (event.type === 'retry') console.log(`${event.error.kind}: again in ${event.delayMs} ms`);
    if (event.type === 'complete') console.log(event.message.content);
  },
  error: (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
  complete: () => void simulator.close(),
});
