import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
// Imported, not the globals: the simulator runs in real time even where a test has put fake timers in place.
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';

import type { RequestRecord } from './recordedRequest.js';

// Timers count in 32 bits; a longer delay would fire at once.
const longestDelay = 2_147_483_647;

/**
 * One request and its response: everything written passes here, so that its record is exact, and everything waited for
 * ends when the response does, so that no timer outlives it.
 */
export class Exchange {
  readonly record: RequestRecord;
  readonly response: ServerResponse;
  /** The response is over; nothing more can be written. */
  closed = false;

  readonly #socket: Socket;
  readonly #onChange: () => void;
  #finished = false;
  #cut = false;
  #awaitsDrain = false;
  #resume: (() => void) | undefined;

  constructor(record: RequestRecord, response: ServerResponse, socket: Socket, onChange: () => void) {
    this.record = record;
    this.response = response;
    this.#socket = socket;
    this.#onChange = onChange;
    response.on('finish', () => {
      // Node calls back for what it drops with a destroyed socket too, and then claims to have finished.
      this.#finished = !socket.destroyed;
    });
    response.on('drain', () => {
      if (this.#awaitsDrain) this.#resume?.();
    });
    // A write can cross with the client's close, which is all there is to know about it.
    response.on('error', () => undefined);
    response.on('close', () => {
      this.#close();
    });
  }

  /** To be called when the record was changed from outside. */
  noteChange(): void {
    this.#onChange();
  }

  /** Waits so many ms, for ever if that is more than a timer takes; at most until the response is over. */
  pause(delay: number): Promise<void> {
    if (delay <= 0 || this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = delay > longestDelay ? undefined : setTimeout(() => this.#resume?.(), delay);
      this.#resume = () => {
        clearTimeout(timer);
        this.#resume = undefined;
        resolve();
      };
    });
  }

  /** Lets the event loop turn once, so that what was written leaves in a system call of its own. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  /** Writes status and headers at once, without waiting for the body. */
  writeHead(status: number, headers: Readonly<Record<string, string>>): void {
    if (this.closed) return;
    this.response.writeHead(status, headers);
    this.response.flushHeaders();
    this.record.status = status;
    this.#onChange();
  }

  /** Writes bytes of the body, with which so many events have been written whole. */
  write(bytes: Uint8Array, eventsWritten: number): void {
    if (this.closed) return;
    this.response.write(bytes);
    this.record.bytesWritten += bytes.length;
    this.record.eventsWritten = eventsWritten;
    this.#onChange();
  }

  /** Writes a whole response, with its length. */
  writeWhole(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): void {
    if (this.closed) return;
    // A 204 and a 304 have neither a body nor a length.
    const hasBody = status !== 204 && status !== 304;
    this.response.writeHead(status, hasBody ? { ...headers, 'content-length': String(body.length) } : headers);
    this.record.status = status;
    this.record.bytesWritten = hasBody ? body.length : 0;
    this.response.end(hasBody ? body : undefined);
    this.#onChange();
  }

  /** Resolves when the socket takes more, or the response is over. */
  async drained(): Promise<void> {
    while (!this.closed && this.response.writableNeedDrain) {
      this.#awaitsDrain = true;
      await this.pause(Infinity);
      this.#awaitsDrain = false;
    }
  }

  /** Resolves when all that was written has been handed to the operating system, or the response is over. */
  async flushed(): Promise<void> {
    // Writes of one turn are held back to its end, and then sent together.
    await this.turn();
    while (!this.closed && this.#socket.writableLength > 0) {
      await new Promise<void>((resolve) => {
        // Behind all others in the queue; called with an error where the socket is destroyed.
        this.#socket.write('', () => {
          resolve();
        });
      });
    }
  }

  /** Ends the body properly. */
  end(): void {
    if (!this.closed) this.response.end();
  }

  /** Destroys the socket, with a reset or a plain close. */
  cut(how: 'rst' | 'fin'): void {
    if (this.closed) return;
    this.#cut = true;
    if (how === 'rst') this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #close(): void {
    const { record } = this;
    const now = performance.now();
    this.closed = true;
    record.finishedAt = now;
    if (this.#finished) record.outcome = 'completed';
    else if (this.#cut) record.outcome = 'server-cut';
    else {
      record.outcome = 'client-closed';
      record.closedByClientAt = now;
    }
    this.#resume?.();
    this.#onChange();
  }
}
