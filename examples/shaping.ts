/** A JSON answer that is shown while it grows, word by word, and is validated at its end. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { chatStream, partialJson, smooth } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';
import * as z from 'zod';

const Recipe = z.object({ title: z.string(), servings: z.number(), steps: z.array(z.string()) });
const recipe = { title: 'Pancakes', servings: 4, steps: ['Mix flour, eggs and milk.', 'Let it rest.', 'Fry thin.'] };

const simulator = await startSimulator({ reply: { text: JSON.stringify(recipe) }, tokensPerSecond: 200 });
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });

chatStream(client, {
  model: 'mistral-small-latest',
  messages: [{ role: 'user', content: 'A recipe for pancakes, as JSON.' }],
  responseFormat: { type: 'json_schema', jsonSchema: { name: 'recipe', schemaDefinition: z.toJSONSchema(Recipe) } },
})
  .pipe(smooth({ by: 'word', delay: 5 }), partialJson(Recipe))
  .subscribe({
    next: ({ title = '…', steps = [] }) => {
      console.log(`${title}: ${steps.length} steps, the last: ${steps.at(-1) ?? '…'}`);
    },
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
    complete: () => void simulator.close(),
  });
