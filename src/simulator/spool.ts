import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const mostInMemory = 262_144;

/**
 * Bytes that are appended and read at any place: in memory while they are at most 256 KiB, then in a file of the system's
 * temporary directory. The file has no name any more once it is open, so that nothing is left of it whichever way the process
 * ends.
 *
 * Reading and writing are synchronous: what is written goes to the system's cache, so that nothing can queue up here.
 */
export class Spool {
  #memory: Buffer = Buffer.alloc(0);
  #file: number | undefined;
  #size = 0;
  #isDisposed = false;

  get size(): number {
    return this.#size;
  }

  /** @throws the system's error where the disk is full. */
  append(bytes: Uint8Array): void {
    this.#expectUndisposed();
    if (this.#file === undefined && this.#size + bytes.length > mostInMemory) this.#moveToFile();
    if (this.#file === undefined) this.#appendInMemory(bytes);
    else writeAll(this.#file, bytes, this.#size);
    this.#size += bytes.length;
  }

  /** The bytes from `start` on, `length` of them or as many as there are; good until the next `append`. */
  read(start: number, length: number): Buffer {
    this.#expectUndisposed();
    const end = Math.min(start + length, this.#size);
    if (this.#file === undefined) return this.#memory.subarray(start, Math.max(start, end));
    return readAll(this.#file, start, Math.max(0, end - start));
  }

  /** Gives memory and disk back. To read or to write from here on is an error. */
  dispose(): void {
    this.#isDisposed = true;
    this.#memory = Buffer.alloc(0);
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #appendInMemory(bytes: Uint8Array): void {
    if (this.#size + bytes.length > this.#memory.length) {
      const larger = Buffer.allocUnsafe(Math.min(mostInMemory, Math.max(1_024, 2 * (this.#size + bytes.length))));
      this.#memory.copy(larger, 0, 0, this.#size);
      this.#memory = larger;
    }
    this.#memory.set(bytes, this.#size);
  }

  #moveToFile(): void {
    const path = join(tmpdir(), `rxmistral-simulator-${randomUUID()}`);
    this.#file = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    writeAll(this.#file, this.#memory.subarray(0, this.#size), 0);
    this.#memory = Buffer.alloc(0);
  }

  #expectUndisposed(): void {
    if (this.#isDisposed) throw new Error('The file was deleted while it was in use');
  }
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, position + done);
}

function readAll(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = readSync(file, bytes, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
