/** A contender's process: maps a million values, and reports over IPC. */
import { contenders } from './contenders.js';

/** What a contender took. */
export interface Measurement {
  readonly count: number;
  readonly milliseconds: number;
  /** The most values that were between the source and their result. */
  readonly held: number;
  /** What the heap had grown by, at its largest, in MiB. */
  readonly heap: number;
  /** How often a timer of 1 ms fired. */
  readonly timers: number;
}

const million = 1_000_000;
const contender = contenders[process.argv[2] ?? ''];
if (contender === undefined) throw new Error(`No contender is called ${process.argv[2] ?? ''}`);

await measure(20_000);
process.send?.(await measure(contender.most ?? million));

async function measure(count: number): Promise<Measurement> {
  let asked = 0;
  let finished = 0;
  let held = 0;
  let heap = 0;
  let timers = 0;
  async function* values(): AsyncGenerator<number> {
    for (; asked < count; ) {
      asked += 1;
      held = Math.max(held, asked - finished);
      if (asked % 50_000 === 0) heap = Math.max(heap, process.memoryUsage().heapUsed);
      // eslint-disable-next-line @typescript-eslint/await-thenable -- a source that is asynchronous, as small as can be
      await undefined;
      yield asked;
    }
  }
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const timer = setInterval(() => (timers += 1), 1);
  const start = performance.now();
  await contender?.run({
    values: values(),
    project: (value) => Promise.resolve(value),
    done: () => (finished += 1),
  });
  const milliseconds = performance.now() - start;
  clearInterval(timer);
  if (finished !== count) throw new Error(`${finished} of ${count} came`);
  return { count, milliseconds, held, heap: Math.max(0, heap - heapBefore) / 1_048_576, timers };
}
