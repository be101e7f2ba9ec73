/**
 * Does jobs of a queue, each of them a short streamed chat, through `processQueue` and through BullMQ's `Worker` by hand: jobs a
 * second, the worker's CPU for each, and what each leaves in Redis.
 *
 * npm run bench:queue -- [--rounds 7] [--jobs 2000] [--concurrency 20] [--markdown]
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { startRedis } from './startRedis.js';
import { median } from '../median.js';
import { firstMessage, start } from '../processes.js';
import { asMarkdown, asText, type Table } from '../render.js';
import { contenders, type Question } from './contenders.js';
import type { Measurement, Task } from './worker.js';

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    jobs: { type: 'string', default: '2000' },
    concurrency: { type: 'string', default: '20' },
    only: { type: 'string', multiple: true, default: Object.keys(contenders) },
    markdown: { type: 'boolean', default: false },
  },
});
const [rounds, jobs, concurrency] = (['rounds', 'jobs', 'concurrency'] as const).map((name) => {
  const value = Number(args[name]);
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`Expected --${name} to be an integer >= 1, got ${args[name]}`);
  return value;
}) as [number, number, number];

const warmUpJobs = 300;

interface Result extends Measurement {
  /** Of Redis, whose main thread does all of its work. */
  readonly redisMilliseconds: number;
  readonly bytesPerJob: number;
}

const server = start(new URL('server.ts', import.meta.url), []);
const { url: serverURL } = await firstMessage<{ readonly url: string }>(server);
const ownRedis = await startRedis();
const redis = new Redis(ownRedis.url);
const series = Object.entries(contenders)
  .filter(([name]) => args.only.includes(name))
  .map(([name, { title }]) => ({ name, title, all: [] as Result[] }));
try {
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, all } of series) all.push(await measure(name));
  }
} finally {
  redis.disconnect();
  await ownRedis.stop();
  server.kill();
}

const perSecond = ({ milliseconds }: Result): number => ((jobs - 1) * 1_000) / milliseconds;
const cpu = ({ cpuMilliseconds }: Result): number => cpuMilliseconds / (jobs - 1);
const jobsPerCpuSecond = (result: Result): number => 1_000 / cpu(result);
const bySdk = series.find(({ name }) => name === 'sdk')?.all ?? [];
const byChatStream = series.find(({ name }) => name === 'chatStream')?.all ?? [];
const rows = series.map(({ title, all }) => [
  title,
  Math.round(median(all.map(perSecond))).toLocaleString('en'),
  `${Math.round(Math.min(...all.map(perSecond)))} to ${Math.round(Math.max(...all.map(perSecond)))}`,
  ratio(all, bySdk, perSecond),
  ratio(all, bySdk, jobsPerCpuSecond),
  ratio(all, byChatStream, jobsPerCpuSecond),
  `${median(all.map(cpu)).toFixed(2)} ms`,
  `${Math.min(...all.map(cpu)).toFixed(2)} to ${Math.max(...all.map(cpu)).toFixed(2)}`,
  `${(median(all.map(({ redisMilliseconds }) => redisMilliseconds)) / jobs).toFixed(2)} ms`,
  Math.round(median(all.map(({ bytesPerJob }) => bytesPerJob))).toLocaleString('en'),
]);
const table: Table = [['', 'jobs/s', '(min to max)', '× by hand, SDK', 'by CPU', '× by hand, `chatStream`, by CPU', 'CPU a job', '(min to max)', 'CPU of Redis a job', 'bytes in Redis a job'], ...rows];
console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, rounds: ${rounds}, ${jobs} jobs, ${concurrency} at once\n`);
console.log(args.markdown ? asMarkdown(table) : asText(table));

/** By the medians, and in brackets by the least disturbed rounds. */
function ratio(all: readonly Result[], other: readonly Result[], of: (result: Result) => number): string {
  if (other.length === 0) return '';
  const best = Math.max(...all.map(of)) / Math.max(...other.map(of));
  return `${(median(all.map(of)) / median(other.map(of))).toFixed(2)} (max ${best.toFixed(2)})`;
}

async function measure(name: string): Promise<Result> {
  await redis.flushall();
  const order = { redisUrl: ownRedis.url, serverURL, concurrency };
  const worker = start(new URL('worker.ts', import.meta.url), [name]);
  try {
    await firstMessage<string>(worker);
    const run = async (queue: string, count: number): Promise<Measurement> => {
      await fill(queue, count);
      const measurement = firstMessage<Measurement>(worker);
      worker.send({ queue, jobs: count, ...order } satisfies Task);
      return measurement;
    };
    // What is loaded and compiled at the first use is no job's.
    await run('warm-up', warmUpJobs);
    const memoryBefore = await told('memory', 'used_memory_dataset');
    const cpuBefore = await redisCpu();
    const measurement = await run('measured', jobs);
    return {
      ...measurement,
      redisMilliseconds: (await redisCpu()) - cpuBefore,
      bytesPerJob: ((await told('memory', 'used_memory_dataset')) - memoryBefore) / jobs,
    };
  } finally {
    worker.kill();
  }
}

/** All jobs are there before the first one is done. */
async function fill(name: string, count: number): Promise<void> {
  const { hostname: host, port } = new URL(ownRedis.url);
  const queue = new Queue<Question>(name, { connection: { host, port: Number(port) } });
  await queue.addBulk(Array.from({ length: count }, (_, n) => ({ name: 'chat', data: { content: `Question ${n}: where does the Loire end?` }, opts: { attempts: 3 } })));
  await queue.close();
}

async function redisCpu(): Promise<number> {
  return ((await told('cpu', 'used_cpu_user_main_thread')) + (await told('cpu', 'used_cpu_sys_main_thread'))) * 1_000;
}

async function told(section: string, field: string): Promise<number> {
  const info = await redis.info(section);
  return Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(info)?.[1]);
}
