/** An agent that is created, asked, and streamed. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { concatMap, lastValueFrom, tap } from 'rxjs';
import { accumulate, agentsComplete, agentsStream, createAgent } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator();
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
const messages = [{ role: 'user' as const, content: 'Review: const add = (a, b) => a - b;' }];

const reviewer = createAgent(client, {
  model: 'mistral-medium-latest',
  name: 'reviewer',
  instructions: 'You review code, and say what is wrong first.',
});

const snapshot = await lastValueFrom(
  reviewer.pipe(
    tap(({ id, name }) => {
      console.log(`agent ${name} is ${id}`);
    }),
    concatMap(({ id }) => agentsStream(client, { agentId: id, messages }, { onDisconnect: 'resume' })),
    accumulate(),
  ),
);
console.log(`streamed: ${snapshot.text}`);

const whole = await lastValueFrom(reviewer.pipe(concatMap(({ id }) => agentsComplete(client, { agentId: id, messages }))));
console.log(`whole: ${JSON.stringify(whole.choices[0]?.message?.content)}`);

await simulator.close();
