/**
 * Maps a million values, 50 at once, with `pullMap` and with what users would write instead.
 *
 * npm run bench:pull -- [--rounds 5] [--markdown]
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { median } from '../median.js';
import { firstMessage, start } from '../processes.js';
import { asMarkdown, asText, type Table } from '../render.js';
import type { Measurement } from './client.js';
import { contenders } from './contenders.js';

const { values: args } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, markdown: { type: 'boolean', default: false } },
});
const rounds = Number(args.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError(`Expected --rounds to be an integer >= 1, got ${args.rounds}`);

const series = Object.entries(contenders).map(([name, { title }]) => ({ name, title, all: [] as Measurement[] }));
for (let round = 0; round < rounds; round += 1) {
  for (const { name, all } of series) all.push(await measure(name));
}

const workers = series[0]?.all ?? [];
const header = ['', 'values', 'µs a value', '(min to max)', '÷ workers', 'held at most', 'heap grew by', 'timers fired'];
const rows = series.map(({ title, all }) => {
  const costs = all.map(costOf);
  const ratio = median(costs) / median(workers.map(costOf));
  const least = Math.min(...costs) / Math.min(...workers.map(costOf));
  return [
    title,
    (all[0]?.count ?? 0).toLocaleString('en'),
    median(costs).toFixed(2),
    `${Math.min(...costs).toFixed(2)} to ${Math.max(...costs).toFixed(2)}`,
    `${ratio.toFixed(2)} (min ${least.toFixed(2)})`,
    Math.max(...all.map(({ held }) => held)).toLocaleString('en'),
    `${Math.max(...all.map(({ heap }) => heap)).toFixed(1)} MiB`,
    Math.min(...all.map(({ timers }) => timers)).toLocaleString('en'),
  ];
});
const table: Table = [header, ...rows];
console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, rounds: ${rounds}\n`);
console.log(args.markdown ? asMarkdown(table) : asText(table));

function costOf({ milliseconds, count }: Measurement): number {
  return (milliseconds * 1_000) / count;
}

function measure(name: string): Promise<Measurement> {
  return firstMessage(start(new URL('client.ts', import.meta.url), [name], ['--expose-gc']));
}
