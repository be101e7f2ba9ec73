/** A server's process: serves one answer to a crowd with one contender, from the word `begin` on, and tells what it took. */
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerFor, crowds } from './crowds.js';
import { fanOuts } from './fanOuts.js';

/** What a server took. */
export interface ServerReport {
  /** User and system, all threads, from the beginning of the answer to the last byte that was read. */
  readonly cpuMilliseconds: number;
  /** How much more the process held at the most, in MiB: sampled every 10 ms, what is not collected yet included. */
  readonly grownBy: number;
}

const crowd = crowds[process.argv[2] ?? ''];
const fanOut = crowd && fanOuts[process.argv[3] ?? '']?.open(answerFor(crowd));
if (fanOut === undefined) throw new TypeError(`No such crowd or contender: ${process.argv.slice(2).join(' ')}`);

const held = (): number => process.memoryUsage.rss() / 2 ** 20;
let before = 0;
let peak = 0;
let cpuBefore = process.cpuUsage();

// A socket of the file system, whose buffer is 208 KiB: those of TCP grow to megabytes, and a slow reader of a few would be a quick one.
const address = join(tmpdir(), `rxmistral-crowd-${process.pid}.sock`);
const server = createServer((_request, response) => {
  fanOut.join(response);
}).listen(address, 2_048, () => {
  process.send?.(address);
});
process.once('disconnect', () => {
  server.closeAllConnections();
  server.close();
});
process.on('message', (word) => {
  if (word === 'begin') {
    globalThis.gc?.();
    before = peak = held();
    setInterval(() => {
      peak = Math.max(peak, held());
    }, 10).unref();
    cpuBefore = process.cpuUsage();
    fanOut.begin();
    return;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send?.({ cpuMilliseconds: (user + system) / 1_000, grownBy: peak - before } satisfies ServerReport);
});
