/**
 * Serves answers of many events to one client, through `pipeEventStream` and what users would write instead: events a second at
 * the client, and the server's CPU time for each.
 *
 * npm run bench:serve -- [--rounds 7] [--markdown]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { get } from 'node:http';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from '../median.js';
import { asMarkdown, asText, type Table } from '../render.js';
import { contenders } from './contenders.js';
import { hasNest } from './nest.js';
import { shapes } from './source.js';

interface Measurement {
  readonly eventsPerSecond: number;
  readonly cpuPerEvent: number;
}

const { values: args } = parseArgs({ options: { rounds: { type: 'string', default: '7' }, markdown: { type: 'boolean', default: false } } });
const rounds = Number(args.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError(`Expected --rounds to be an integer >= 1, got ${args.rounds}`);

if (!hasNest) console.error('Without NestJS, which `npm run example:nest-chat` installs');

const warmUpMs = 1_000;
const measureMs = 1_500;

const series = Object.entries(shapes).flatMap(([shape, { title, events }]) =>
  Object.entries(contenders).map(([contender, { title: name }]) => ({ shape, title, events, contender, name, all: [] as Measurement[] })),
);
for (let round = 0; round < rounds; round += 1) {
  for (const { shape, events, contender, all } of series) all.push(await measure(contender, shape, events));
}

const rows = series.map(({ shape, title, name, all }) => {
  const byHand = series.find((other) => other.shape === shape)?.all ?? [];
  const cpu = all.map(({ cpuPerEvent }) => cpuPerEvent);
  const least = Math.min(...cpu) / Math.min(...byHand.map(({ cpuPerEvent }) => cpuPerEvent));
  return [
    title,
    name,
    Math.round(median(all.map(({ eventsPerSecond }) => eventsPerSecond))).toLocaleString('en'),
    median(cpu).toFixed(1),
    `${Math.min(...cpu).toFixed(1)} to ${Math.max(...cpu).toFixed(1)}`,
    `${(median(cpu) / median(byHand.map(({ cpuPerEvent }) => cpuPerEvent))).toFixed(2)} (min ${least.toFixed(2)})`,
  ];
});
const table: Table = [['', '', 'events/s', 'CPU µs an event', '(min to max)', '÷ by hand'], ...rows];
console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, rounds: ${rounds}\n`);
console.log(args.markdown ? asMarkdown(table) : asText(table));

async function measure(contender: string, shape: string, events: number): Promise<Measurement> {
  const child = fork(fileURLToPath(new URL('server.ts', import.meta.url)), [contender, shape], { execArgv: ['--import', 'tsx'] });
  try {
    const port = await answerOf(child);
    await readFor(warmUpMs, port, events);
    const cpuBefore = await cpuOf(child);
    const start = performance.now();
    const read = await readFor(measureMs, port, events);
    const milliseconds = performance.now() - start;
    return { eventsPerSecond: (read * 1_000) / milliseconds, cpuPerEvent: ((await cpuOf(child)) - cpuBefore) / read };
  } finally {
    child.kill();
  }
}

/** Reads answers until the time has passed; the number of their events. */
async function readFor(duration: number, port: number, events: number): Promise<number> {
  let read = 0;
  for (const start = performance.now(); performance.now() - start < duration; read += events) {
    const seen = await countDeltas(port);
    // A server that sends nothing would be the fastest of all.
    if (seen !== events) throw new Error(`${seen} events came of ${events}`);
  }
  return read;
}

/** Counts the deltas of one answer in the bytes, so that the client's own reading costs little. */
function countDeltas(port: number): Promise<number> {
  const mark = Buffer.from('"text-delta"');
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(pieces);
        let count = 0;
        for (let place = whole.indexOf(mark); place !== -1; place = whole.indexOf(mark, place + mark.length)) count += 1;
        resolve(count);
      });
    }).on('error', reject);
  });
}

function cpuOf(child: ChildProcess): Promise<number> {
  const answer = answerOf(child);
  child.send('cpu');
  return answer;
}

function answerOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      resolve(Number(message));
    });
    child.once('exit', (code) => {
      reject(new Error(`The server ended with code ${String(code)}`));
    });
  });
}
