/** A worker's process: does all jobs of a queue, and reports over IPC what they took. */
import { answer } from './answer.js';
import { contenders, type Order } from './contenders.js';

/** What a worker is given. */
export interface Task extends Order {
  readonly jobs: number;
}

/** What it took, from the first job that was done to the last. */
export interface Measurement {
  readonly milliseconds: number;
  /** User and system, all threads. */
  readonly cpuMilliseconds: number;
}

const contender = contenders[process.argv[2] ?? ''];
if (contender === undefined) throw new Error(`No contender is called ${String(process.argv[2])}`);

process.on('message', (task: Task) => {
  void work(task).then((measurement) => process.send?.(measurement));
});
process.send?.('ready');

function work({ jobs, ...order }: Task): Promise<Measurement> {
  return new Promise((resolve) => {
    let done = 0;
    let start = 0;
    let cpuStart = process.cpuUsage();
    const stop = contender?.work(order, (text) => {
      // One that answers nothing would be the fastest of all.
      if (text !== answer) throw new Error(`A wrong answer: ${text}`);
      done += 1;
      if (done === 1) {
        start = performance.now();
        cpuStart = process.cpuUsage();
      }
      if (done < jobs) return;
      const milliseconds = performance.now() - start;
      const { user, system } = process.cpuUsage(cpuStart);
      void stop?.().then(() => {
        resolve({ milliseconds, cpuMilliseconds: (user + system) / 1_000 });
      });
    });
  });
}
