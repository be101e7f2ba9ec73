/** A contender's process: holds all conversations at once, and reports over IPC. */
import { setTimeout as sleep } from 'node:timers/promises';
import { contenders } from './contenders.js';

/** What a contender took. Memory in MiB. */
export interface Measurement {
  readonly milliseconds: number;
  /** User and system, all threads. */
  readonly cpuMilliseconds: number;
  /** Behind a collection. */
  readonly heapBefore: number;
  /** The largest of a sample every 5 ms, what is not collected yet included. */
  readonly heapPeak: number;
  /** Behind a collection. */
  readonly heapAfter: number;
}

const [name = '', url = '', count = '0'] = process.argv.slice(2);
const hold = contenders[name]?.open(url);
if (hold === undefined) throw new Error(`No contender is called ${name}`);

const heap = (): number => process.memoryUsage().heapUsed / 2 ** 20;
async function collected(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await sleep(5);
  }
  return heap();
}

// What is loaded and compiled at the first use is not theirs.
for (let round = 0; round < 20; round += 1) await hold();
const heapBefore = await collected();
let heapPeak = heapBefore;
const sampling = setInterval(() => {
  heapPeak = Math.max(heapPeak, heap());
}, 5);
const start = performance.now();
const cpuStart = process.cpuUsage();
const all = await Promise.all(Array.from({ length: Number(count) }, () => hold()));
const milliseconds = performance.now() - start;
const { user, system } = process.cpuUsage(cpuStart);
clearInterval(sampling);
if (all.length !== Number(count) || all.some((answers) => answers.length !== 2 || answers.some((text) => !text.includes('twenty-one')))) throw new Error('An answer is missing');
all.length = 0;
const heapAfter = await collected();
process.send?.({ milliseconds, cpuMilliseconds: (user + system) / 1_000, heapBefore, heapPeak, heapAfter } satisfies Measurement);
// It stays until it is told, so that its sockets are closed by its pool and not by its end.
process.once('message', () => {
  process.disconnect();
});
