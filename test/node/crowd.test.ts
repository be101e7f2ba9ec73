import { createServer, ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { Subject } from 'rxjs';
import { afterAll, describe, expect, it } from 'vitest';
import { pipeEventStream } from '../../src/node/index.js';
import { memoryReplayStore } from '../../src/sse/index.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';

const server = createServer();
afterAll(() => {
  server.close();
});

/** A client behind a socket without a buffer in the system: it takes what is written when it says so. */
class Client extends Duplex {
  readonly ids: number[] = [];
  readonly response: ServerResponse;
  #isOpen = false;
  #takeNext: (() => void) | undefined;

  constructor() {
    super({ decodeStrings: true });
    this.response = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as never);
    this.response.assignSocket(this as never);
    this.response.on('finish', () => this.end());
    // A server does so with its sockets.
    this.on('drain', () => this.response.emit('drain'));
  }

  /** From now on it takes everything at once. */
  open(): void {
    this.#isOpen = true;
    this.#takeNext?.();
  }

  /** It takes what was written so far, and no more of what comes then. */
  takeSome(): void {
    this.prependOnceListener('drain', () => {
      this.#isOpen = false;
    });
    this.open();
  }

  /** Whether something is written that it does not take. */
  get isFull(): boolean {
    return this.#takeNext !== undefined;
  }

  override _read(): void {
    // It asks for nothing.
  }

  override _write(piece: Buffer, _: string, done: () => void): void {
    const takeNext = (): void => {
      this.#takeNext = undefined;
      for (const [, id] of piece.toString('latin1').matchAll(/^id: (\d+)$/gm)) this.ids.push(Number(id));
      done();
    };
    if (this.#isOpen) takeNext();
    else this.#takeNext = takeNext;
  }

  // As the sockets of net have it.
  override cork(): void {
    // Piece by piece is fine.
  }

  override uncork(): void {
    // See above.
  }
}

const collectedMiB = (): number => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
};

describe('a thousand clients of one answer', { timeout: 600_000 }, () => {
  it('who do not read hold a piece each and stall nobody, and have it all when they do read', async () => {
    const count = 1_000;
    const events = 500;
    const values = new Subject<string>();
    const options = { replay: memoryReplayStore(), key: 'k', heartbeat: false, stallTimeout: 600_000 } as const;
    const slow = Array.from({ length: count }, () => new Client());
    const quick = new Client();
    quick.open();
    for (const { response } of [...slow, quick]) pipeEventStream(values, response, options);

    const before = collectedMiB();
    for (let index = 0; index < events; index += 1) {
      values.next('x'.repeat(4_000));
      if (index % 10 === 9) await turn();
    }
    values.complete();
    await eventually(() => quick.writableFinished, 'the quick client has it all', 180_000);
    // So far they held what came first, of a turn; now a page is there.
    for (const client of slow) client.takeSome();
    await eventually(() => slow.every(({ isFull }) => isFull), 'the slow clients are given more', 180_000);
    const expected = Array.from({ length: events }, (_, index) => index + 1);
    expect(quick.ids).toEqual(expected);
    // 2 MB of the answer, and for each client a piece at most and what it waits with: not the answer, nor a page of 64 events.
    expect(collectedMiB() - before).toBeLessThan(100);
    expect(Math.max(...slow.map(({ writableLength }) => writableLength))).toBeLessThan(128 * 1_024);

    for (const client of slow) client.open();
    await eventually(() => slow.every(({ writableFinished }) => writableFinished), 'the slow clients have it all', 180_000);
    expect(slow.filter(({ ids }) => ids.length === events && ids.every((id, index) => id === index + 1))).toHaveLength(count);
  });
});
