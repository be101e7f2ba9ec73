/**
 * Reads a million lines of results with `batchResults`, and as one would by hand.
 *
 * npm run bench:batch -- [--rounds 5] [--lines 1000000] [--markdown]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from '../median.js';
import { asMarkdown, asText, type Table } from '../render.js';
import type { Measurement } from './client.js';
import { contenders } from './contenders.js';

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    lines: { type: 'string', default: '1000000' },
    markdown: { type: 'boolean', default: false },
  },
});
const rounds = Number(args.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError(`Expected --rounds to be an integer >= 1, got ${args.rounds}`);
const lines = Number(args.lines);
if (!Number.isInteger(lines / 10_000) || lines < 1) throw new TypeError(`Expected --lines to be a multiple of 10,000, got ${args.lines}`);

const server = start('server.ts', []);
const { url, lineBytes } = await firstMessage<{ readonly url: string; readonly lineBytes: number }>(server);
const series = Object.entries(contenders).map(([name, { title }]) => ({ name, title, all: [] as Measurement[] }));
for (let round = 0; round < rounds; round += 1) {
  for (const { name, all } of series) all.push(await firstMessage<Measurement>(start('client.ts', [name, url, String(lines)])));
}
server.kill();

const parsed = series[0]?.all ?? [];
const header = ['', 'CPU per line', '(min to max)', 'lines/s', '÷ `JSON.parse`', 'heap at each tenth, behind a collection'];
const rows = series.map(({ title, all }) => {
  const costs = all.map(costOf);
  const heaps = all.flatMap((each) => each.heaps);
  return [
    title,
    `${median(costs).toFixed(2)} µs`,
    `${Math.min(...costs).toFixed(2)} to ${Math.max(...costs).toFixed(2)}`,
    Math.round(median(all.map(({ milliseconds }) => (lines / milliseconds) * 1_000))).toLocaleString('en'),
    `${(median(costs) / median(parsed.map(costOf))).toFixed(2)} (min ${(Math.min(...costs) / Math.min(...parsed.map(costOf))).toFixed(2)})`,
    heaps.length === 0 ? '' : `${Math.min(...heaps).toFixed(1)} to ${Math.max(...heaps).toFixed(1)} MiB`,
  ];
});
const table: Table = [header, ...rows];
console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, rounds: ${rounds}, ${lines.toLocaleString('en')} lines of ${Math.round(lineBytes)} bytes\n`);
console.log(args.markdown ? asMarkdown(table) : asText(table));

function costOf(measurement: Measurement): number {
  return measurement.cpuMicroseconds / measurement.lines;
}

function start(file: string, words: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), words, { execArgv: ['--import', 'tsx', '--expose-gc'] });
}

function firstMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      resolve(message as T);
    });
    child.once('exit', (code) => {
      reject(new Error(`A process of the bench ended with code ${String(code)} before it reported`));
    });
  });
}
