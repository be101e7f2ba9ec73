/** A client's process: loads one contender, warms it up, measures it, and reports over IPC. */
import type { Contender, Reading } from './Contender.js';
import type { Measurement, Task } from './messages.js';
import { piecesOf, scenarioNamed } from './scenarios.js';

// All clients run for the same time, and so long that the engine has optimised the fastest of them.
const warmUpMs = 1_000;
const measureMs = 1_000;

const task = JSON.parse(process.argv[2] ?? '') as Task;
const { read } = (await import(`./contenders/${task.contender}.ts`)) as { read: Contender };
const scenario = scenarioNamed(task.scenario);

await readFor(warmUpMs, scenario.warmUpOn ?? scenario.name);
process.send?.(await readFor(measureMs, scenario.name));

/** Reads the answer again and again until the time has passed, at least once. */
async function readFor(duration: number, name: string): Promise<Measurement> {
  const { url, bytes } = task.served[name] ?? { url: '', bytes: NaN };
  const pieces = piecesOf(scenarioNamed(name));
  const expected = { bytes, deltas: pieces.length, text: pieces.join('') };

  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  let events = 0;
  let milliseconds = 0;
  while (milliseconds < duration) {
    check(await read(url), expected);
    events += pieces.length;
    milliseconds = performance.now() - start;
  }
  const cpu = process.cpuUsage(cpuBefore);
  return { cpuPerEvent: (cpu.user + cpu.system) / events, eventsPerSecond: (events * 1_000) / milliseconds };
}

// A client that reads nothing would be the fastest of all.
function check(reading: Reading, expected: { readonly bytes: number; readonly deltas: number; readonly text: string }): void {
  const isRight =
    'bytes' in reading
      ? reading.bytes === expected.bytes
      : reading.deltas === expected.deltas && reading.text === expected.text;
  if (!isRight) throw new Error(`${task.contender} did not read what was sent`);
}
