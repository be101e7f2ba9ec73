/**
 * Holds a thousand conversations at once in one process, with `conversation` and with the SDK in a loop by hand.
 *
 * npm run bench:conversations -- [--rounds 3] [--conversations 1000] [--markdown]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from '../median.js';
import { asMarkdown, asText, type Table } from '../render.js';
import type { Measurement } from './client.js';
import { contenders } from './contenders.js';
import type { Seen } from './server.js';

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    conversations: { type: 'string', default: '1000' },
    markdown: { type: 'boolean', default: false },
  },
});
const rounds = Number(args.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError(`Expected --rounds to be an integer >= 1, got ${args.rounds}`);
const conversations = Number(args.conversations);
if (!Number.isInteger(conversations) || conversations < 1) throw new TypeError(`Expected --conversations to be an integer >= 1, got ${args.conversations}`);

const server = start('server.ts', []);
const { url } = await nextMessage<{ readonly url: string }>(server);
const series = Object.entries(contenders).map(([name, { title }]) => ({ name, title, all: [] as (Measurement & Seen)[] }));
for (let round = 0; round < rounds; round += 1) {
  for (const { name, all } of series) {
    const client = start('client.ts', [name, url, String(conversations)]);
    const measurement = await nextMessage<Measurement>(client);
    server.send('what was seen?');
    const seen = await nextMessage<Seen>(server);
    client.send('done');
    all.push({ ...measurement, ...seen });
  }
}
server.kill();

const header = ['', 'time', 'CPU', '÷ SDK', 'heap before', 'peak', 'after', 'sockets, peak', 'at the end'];
const bySdk = series.find(({ name }) => name === 'sdk')?.all ?? [];
const mebibytes = (values: readonly number[]): string => `${median(values).toFixed(1)} MiB`;
const rows = series.map(({ title, all }) => [
  title,
  `${(median(all.map(({ milliseconds }) => milliseconds)) / 1_000).toFixed(2)} s`,
  `${(median(all.map(({ cpuMilliseconds }) => cpuMilliseconds)) / 1_000).toFixed(2)} s`,
  (median(all.map(({ cpuMilliseconds }) => cpuMilliseconds)) / median(bySdk.map(({ cpuMilliseconds }) => cpuMilliseconds))).toFixed(2),
  mebibytes(all.map(({ heapBefore }) => heapBefore)),
  mebibytes(all.map(({ heapPeak }) => heapPeak)),
  mebibytes(all.map(({ heapAfter }) => heapAfter)),
  String(Math.max(...all.map(({ peakSockets }) => peakSockets))),
  String(Math.max(...all.map(({ socketsAtEnd }) => socketsAtEnd))),
]);
const table: Table = [header, ...rows];
console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, rounds: ${rounds}, ${conversations} conversations at once, two turns of one tool each\n`);
console.log(args.markdown ? asMarkdown(table) : asText(table));

function start(file: string, words: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), words, { execArgv: ['--import', 'tsx', '--expose-gc'] });
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => {
      reject(new Error(`A process of the bench ended with code ${String(code)} before it reported`));
    };
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as T);
    });
  });
}
