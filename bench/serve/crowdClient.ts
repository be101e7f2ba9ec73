/** The readers' process: connects them all, tells so, and tells when they have read to the end. */
import { connect, type Socket } from 'node:net';
import { crowds } from './crowds.js';

/** When the readers had read to the end, in milliseconds from the beginning of the answer. */
export interface ClientReport {
  /** The last of the quick ones. */
  readonly quickest: number;
  /** The last of all. */
  readonly all: number;
}

const [name = '', address = ''] = process.argv.slice(2);
const crowd = crowds[name];
if (crowd === undefined) throw new TypeError(`No such crowd: ${name}`);

const mark = '"text-delta"';
// The answer's last chunk.
const end = '0\r\n\r\n';
const restMs = 500;

let hasBegun: (() => void) | undefined;
const begun = new Promise<void>((resolve) => {
  hasBegun = resolve;
});
process.once('message', () => hasBegun?.());

const open = await Promise.all(Array.from({ length: crowd.quick + crowd.slow }, connected));
process.send?.('open');
await begun;
const start = performance.now();
const sinceStart = (): number => performance.now() - start;
const quick = Promise.all(open.slice(0, crowd.quick).map((socket) => readAll(socket, 0))).then(sinceStart);
const slow = Promise.all(open.slice(crowd.quick).map((socket) => readAll(socket, restMs))).then(sinceStart);
const quickest = await quick;
process.send?.({ quickest, all: Math.max(quickest, await slow) } satisfies ClientReport);

/** A connection whose head has come. */
function connected(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(address, () => {
      socket.write('GET / HTTP/1.1\r\nhost: bench\r\n\r\n');
    });
    socket.setEncoding('latin1');
    socket.once('error', reject);
    socket.once('data', () => {
      socket.pause();
      resolve(socket);
    });
  });
}

/** Reads to the end, with a rest behind each piece; fails where an event is missing. */
function readAll(socket: Socket, rest: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    let kept = '';
    socket.on('data', (piece: string) => {
      const text = kept + piece;
      seen += text.split(mark).length - 1;
      if (text.endsWith(end)) {
        socket.destroy();
        if (seen === crowd?.events) resolve();
        else reject(new Error(`${seen} events came`));
        return;
      }
      // What of a mark may stand at the end of a piece; it is short of one.
      kept = text.slice(-(mark.length - 1));
      if (rest === 0) return;
      socket.pause();
      setTimeout(() => socket.resume(), rest);
    });
    socket.on('close', () => {
      reject(new Error(`A reader was given up behind ${seen} events`));
    });
    socket.resume();
  });
}
