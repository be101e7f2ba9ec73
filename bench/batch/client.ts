/** A contender's process: reads files of results, and reports over IPC. */
import { contenders } from './contenders.js';

/** What a contender took. */
export interface Measurement {
  readonly lines: number;
  /** User and system, all threads. */
  readonly cpuMicroseconds: number;
  readonly milliseconds: number;
  /** The heap at each tenth of the file, behind a collection, in MiB; of a second reading, which is not timed. */
  readonly heaps: readonly number[];
}

const [name = '', url = '', lineCount = '0'] = process.argv.slice(2);
const contender = contenders[name];
if (contender === undefined) throw new Error(`No contender is called ${name}`);
const all = Number(lineCount);

await read(50_000, () => undefined);
const start = performance.now();
const cpuStart = process.cpuUsage();
await read(all, () => undefined);
const milliseconds = performance.now() - start;
const { user, system } = process.cpuUsage(cpuStart);

const heaps: number[] = [];
await read(all, (count) => {
  if (count % (all / 10) !== 0) return;
  globalThis.gc?.();
  heaps.push(process.memoryUsage().heapUsed / 2 ** 20);
});
process.send?.({ lines: all, cpuMicroseconds: user + system, milliseconds, heaps } satisfies Measurement);
process.disconnect();

async function read(lines: number, onLine: (count: number) => void): Promise<void> {
  let count = 0;
  const done = (answer: unknown): void => {
    if (typeof answer !== 'string') throw new Error(`Line ${count} has no answer`);
    count += 1;
    onLine(count);
  };
  await contender?.run({ url, lines, done });
  if (count !== lines) throw new Error(`${count} of ${lines} lines came`);
}
