/** One stream of events for many chats, instead of an EventEmitter: no chat's failure ends the others'. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { filter, from, mergeMap, share } from 'rxjs';
import { chatStream, errorAsEvent } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

// The third call's answer is cut by the server.
const simulator = await startSimulator({ faults: { kind: 'truncate', at: { events: 5 }, on: 2 } });
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });

const events = from(['Paris', 'Rome', 'Oslo', 'Kyiv']).pipe(
  mergeMap(
    (city) =>
      chatStream(
        client,
        { model: 'mistral-small-latest', messages: [{ role: 'user', content: `What is ${city} known for?` }] },
        { requestId: city },
      ).pipe(errorAsEvent()),
    2,
  ),
  share(),
);

const failed = (error: unknown): void => {
  console.error(error);
  process.exitCode = 1;
};

events.pipe(filter((event) => event.type === 'complete')).subscribe({
  next: ({ requestId, usage }) => {
    console.log(`${requestId}: ${usage?.completionTokens ?? 0} tokens, as the server counted them`);
  },
  error: failed,
});
events.pipe(filter((event) => event.type === 'error')).subscribe({
  next: ({ requestId, error }) => {
    console.log(`${requestId}: ${error.kind}, after ${JSON.stringify(error.partial?.content)}`);
  },
  error: failed,
  complete: () => void simulator.close(),
});
