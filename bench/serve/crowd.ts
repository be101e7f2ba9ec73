/**
 * Serves one answer to a thousand readers at once, with `pipeEventStream` and a memory store and by hand: quick readers, and slow ones.
 *
 * npm run bench:serve:crowd -- [--rounds 3] [--only quick] [--markdown]
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { median } from '../median.js';
import { firstMessage, start } from '../processes.js';
import { asMarkdown, asText, type Table } from '../render.js';
import type { ClientReport } from './crowdClient.js';
import { crowds } from './crowds.js';
import type { ServerReport } from './crowdServer.js';
import { fanOuts } from './fanOuts.js';

const { values: args } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, only: { type: 'string', default: '' }, markdown: { type: 'boolean', default: false } },
});
const rounds = Number(args.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError(`Expected --rounds to be an integer >= 1, got ${args.rounds}`);

const series = Object.entries(crowds)
  .filter(([crowd]) => args.only === '' || args.only === crowd)
  .flatMap(([crowd, { title }]) => Object.entries(fanOuts).map(([name, fanOut]) => ({ crowd, title, name, fanOut: fanOut.title, all: [] as (ServerReport & ClientReport)[] })));
for (let round = 0; round < rounds; round += 1) {
  for (const { crowd, name, all } of series) all.push(await measure(crowd, name));
}

const rows = series.map(({ crowd, title, fanOut, all }) => {
  const byHand = series.find((other) => other.crowd === crowd)?.all ?? [];
  const cpuOf = (reports: readonly ServerReport[]): readonly number[] => reports.map(({ cpuMilliseconds }) => cpuMilliseconds);
  const seconds = (milliseconds: readonly number[]): string =>
    `${(median(milliseconds) / 1_000).toFixed(2)} s (${(Math.min(...milliseconds) / 1_000).toFixed(2)} to ${(Math.max(...milliseconds) / 1_000).toFixed(2)})`;
  const grown = all.map(({ grownBy }) => grownBy);
  return [
    title,
    fanOut,
    seconds(all.map(({ quickest }) => quickest)),
    seconds(all.map((report) => report.all)),
    seconds(cpuOf(all)),
    `${(median(cpuOf(all)) / median(cpuOf(byHand))).toFixed(2)} (min ${(Math.min(...cpuOf(all)) / Math.min(...cpuOf(byHand))).toFixed(2)})`,
    `${Math.round(median(grown))} MiB (${Math.round(Math.min(...grown))} to ${Math.round(Math.max(...grown))})`,
  ];
});
const table: Table = [['', '', 'the quick ones had it in', 'all had it in', "the server's CPU", '÷ by hand', 'the server grew by'], ...rows];
console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, rounds: ${rounds}\n`);
console.log(args.markdown ? asMarkdown(table) : asText(table));

async function measure(crowd: string, contender: string): Promise<ServerReport & ClientReport> {
  const server = start(new URL('crowdServer.ts', import.meta.url), [crowd, contender], ['--expose-gc']);
  try {
    const address = await firstMessage<string>(server);
    const client = start(new URL('crowdClient.ts', import.meta.url), [crowd, address]);
    try {
      await firstMessage(client);
      const read = firstMessage<ClientReport>(client);
      client.send('begin');
      server.send('begin');
      const report = await read;
      const told = firstMessage<ServerReport>(server);
      server.send('what did it take?');
      return { ...report, ...(await told) };
    } finally {
      client.kill();
    }
  } finally {
    // It ends by itself, and takes its socket along.
    server.disconnect();
  }
}
