/**
 * A batch that survives its process: it is killed twice (SIGKILL: no handler runs), started again, and goes on with the jobs
 * that are there. The journal is what it goes on by; who stores results stores them by `customId`.
 *
 * This file is both: the one that starts, and, with arguments, the one that runs the batch.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { runBatch } from 'rxmistral';
import { fileJournal, fileSpool } from 'rxmistral/node';
import { startSimulator } from 'rxmistral/simulator';

const count = 300;
const [serverURL, directory, life] = process.argv.slice(2);
if (serverURL === undefined || directory === undefined) await startAndStartAgain();
else work(serverURL, directory, Number(life));

/** One life of the program. */
function work(serverURL: string, directory: string, life: number): void {
  const client = new MistralCore({ apiKey: 'any', serverURL });
  const results = join(directory, 'results.jsonl');
  const stored = new Set(readStored(results));

  function* requests() {
    for (let n = 1; n <= count; n++) yield { customId: `question-${n}`, body: { messages: [{ role: 'user', content: `What is ${n}?` }] } };
  }

  runBatch(client, requests(), {
    model: 'mistral-small-latest',
    maxRequestsPerJob: 100,
    interval: 100,
    spool: fileSpool(directory),
    journal: fileJournal(join(directory, 'batch.journal')),
  }).subscribe({
    next: (event) => {
      if (event.type === 'job-created') {
        console.log(`life ${life}: job of part ${event.part} ${event.found ? 'is there already' : 'is new'}`);
        if (life === 1 && event.part === 1) process.kill(process.pid, 'SIGKILL');
      }
      if (event.type !== 'result' || stored.has(event.customId)) return;
      stored.add(event.customId);
      appendFileSync(results, `${JSON.stringify({ customId: event.customId, status: event.status })}\n`);
      if (life === 2 && stored.size === 150) process.kill(process.pid, 'SIGKILL');
    },
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  });
}

function readStored(path: string): string[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { customId: string }).customId);
}

/** The server, which lives on, and the program, as often as it takes. */
async function startAndStartAgain(): Promise<void> {
  const simulator = await startSimulator({ seed: 9, answerTokens: 8, batch: { duration: 600 } });
  const directory = await mkdtemp(join(tmpdir(), 'batch-'));
  for (let life = 1, code: number | null = null; code !== 0; life++) {
    const program = [...process.execArgv, import.meta.filename, simulator.url, directory, String(life)];
    const child = spawn(process.execPath, program, { stdio: 'inherit' });
    const leave = () => {
      child.kill();
      process.exit(1);
    };
    process.once('SIGTERM', leave);
    const [exit, signal] = (await once(child, 'exit')) as [number | null, string | null];
    process.off('SIGTERM', leave);
    if (exit === 1) throw new Error('The program failed');
    code = exit;
    console.log(signal === null ? `life ${life}: done` : `life ${life}: killed (${signal})`);
  }

  const stored = readStored(join(directory, 'results.jsonl'));
  const jobs = simulator.requests.filter(({ method, path }) => method === 'POST' && path === '/v1/batch/jobs').length;
  const files = (await readdir(directory)).join(', ');
  console.log(`${stored.length} results of ${new Set(stored).size} requests, ${jobs} jobs; in the directory: ${files}`);
  await rm(directory, { recursive: true });
  await simulator.close();
}
