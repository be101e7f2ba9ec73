/** The answer as it grows, instead of `for await` with a hand-kept `full += content`. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { auditTime } from 'rxjs';
import { accumulate, chatStream } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator({ chunkDelay: 5 });
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });

chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Write a short story.' }] })
  .pipe(accumulate(), auditTime(50)) // at most 20 frames a second, the last one for certain
  .subscribe({
    next: ({ text, done }) => {
      console.log(done ? `\n${text}` : `${text.length} characters…`);
    },
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
    complete: () => void simulator.close(),
  });
