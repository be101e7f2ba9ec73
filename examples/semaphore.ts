/**
 * `asyncio.gather` with a semaphore and `return_exceptions=True`, over a file of any size: a prompt in each JSON line,
 * fifty calls at once, and no more in memory than those, because the file is read only as fast as answers come.
 *
 * `PROMPTS=100000 npx tsx examples/semaphore.ts` shows the heap over a hundred thousand.
 */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { finalize, map, scan } from 'rxjs';
import { chatComplete, pullMap } from 'rxmistral';

const count = Number(process.env['PROMPTS'] ?? 400);
const directory = await mkdtemp(join(tmpdir(), 'prompts-'));
const file = join(directory, 'prompts.jsonl');
await writePrompts();

// A process of its own, so that the heap that is shown is the pipeline's.
const simulator = spawn(process.execPath, [join(import.meta.dirname, '../dist/simulator/cli.js'), '--port', '0', '--answer-tokens', '1']);
const [greeting] = (await once(simulator.stdout, 'data')) as [Buffer];
const serverURL = /http:\S+/.exec(greeting.toString())?.[0] ?? '';
const client = new MistralCore({ apiKey: 'any', serverURL });

const lines = createInterface({ input: createReadStream(file) });
const ask = (line: string) => {
  const { prompt } = JSON.parse(line) as { prompt: string };
  return chatComplete(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: prompt }] }, { retry: {} });
};

pullMap(lines, ask, { concurrency: 50, ordered: true, settle: true })
  .pipe(
    map(({ status }) => status),
    scan((sums, status) => ({ ...sums, [status]: sums[status] + 1 }), { fulfilled: 0, rejected: 0 }),
    finalize(() => {
      simulator.kill();
      void rm(directory, { recursive: true });
    }),
  )
  .subscribe({
    next: ({ fulfilled, rejected }) => {
      const done = fulfilled + rejected;
      if (done % Math.ceil(count / 4) !== 0) return;
      globalThis.gc?.();
      const heap = (process.memoryUsage().heapUsed / 1_048_576).toFixed(1);
      console.log(`${done} of ${count} done, ${rejected} failed; heap ${heap} MiB`);
    },
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  });

async function writePrompts(): Promise<void> {
  const handle = await open(file, 'w');
  for (let start = 0; start < count; start += 1_000) {
    const block = Array.from({ length: Math.min(1_000, count - start) }, (_, index) => ({ prompt: `What is ${start + index}?` }));
    await handle.write(block.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  await handle.close();
}
