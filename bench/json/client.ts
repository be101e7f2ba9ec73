/** A parser's process: loads one contender, warms it up, measures it, and reports over IPC. */
import { isDeepStrictEqual } from 'node:util';
import type { Contender } from './Contender.js';
import { documentNamed, piecesOf } from './documents.js';
import type { Measurement, Task } from './messages.js';

const warmUpMs = 500;
const measureMs = 500;

const task = JSON.parse(process.argv[2] ?? '') as Task;
const { prepare } = (await import(`./contenders/${task.contender}.ts`)) as { prepare: Contender };
const text = documentNamed(task.document).textOf(task.length);
const whole: unknown = JSON.parse(text);
const pieces = piecesOf(text, task.pieceSize);
const read = prepare(pieces);

await readFor(warmUpMs);
process.send?.(await readFor(measureMs));

/** Reads the answer again and again until the time has passed, at least once. */
async function readFor(duration: number): Promise<Measurement> {
  const end = performance.now() + duration;
  let readings = 0;
  let microseconds = 0;
  for (;;) {
    const cpuBefore = process.cpuUsage();
    const { values, last } = await read();
    const { user, system } = process.cpuUsage(cpuBefore);
    readings += 1;
    microseconds += user + system;
    // A parser that reads nothing would be the fastest of all.
    if (!isDeepStrictEqual(last, whole)) throw new Error(`${task.contender} did not read what was written`);
    if (performance.now() > end) return { cpu: microseconds / readings / 1_000, values, pieces: pieces.length };
  }
}
