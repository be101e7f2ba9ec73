import { type FileHandle, open } from 'node:fs/promises';
import { RxMistralError } from '../index.js';
import { isJson } from './isJson.js';

/** A line on its way, and who waits for it. */
interface QueuedLine {
  readonly bytes: Buffer;
  readonly done: (failure?: { readonly error: unknown }) => void;
}

const lineFeed = 10;
const blockBytes = 65_536;
const batchBytes = 1_048_576;

/** A file of lines that is only added to: lines that wait are written together, in order, by one writer. */
export class LinesFile {
  readonly #path: string;
  readonly #maxQueued: number;
  readonly #isSynced: boolean;
  #queue: QueuedLine[] = [];
  #users = 0;
  #isWriting = false;
  #file: FileHandle | undefined;

  constructor(path: string, maxQueued: number, isSynced: boolean) {
    this.#path = path;
    this.#maxQueued = maxQueued;
    this.#isSynced = isSynced;
  }

  /** While somebody uses it, the file stays open. */
  retain(): void {
    this.#users += 1;
  }

  release(): void {
    this.#users -= 1;
    this.#closeUnused();
  }

  /** Adds a line. `done` is called when it stands in the file, or with the reason why it does not. */
  append(line: QueuedLine): void {
    if (this.#queue.length >= this.#maxQueued) {
      const message = `More than ${this.#maxQueued} lines wait to be written: the disk is slower than what comes`;
      line.done({ error: new RxMistralError({ kind: 'limit', message }) });
      return;
    }
    this.#queue.push(line);
    if (!this.#isWriting) void this.#write();
  }

  // Never rejects.
  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#queue.length > 0) {
      const lines = this.#takeBatch();
      let failure: { readonly error: unknown } | undefined;
      try {
        this.#file ??= await openWhole(this.#path);
        await this.#file.appendFile(Buffer.concat(lines.map(({ bytes }) => bytes)));
        if (this.#isSynced) await this.#file.datasync();
      } catch (error) {
        failure = { error };
        // It may have been written in part: the next one who opens it cuts that off.
        this.#close();
      }
      for (const { done } of lines) done(failure);
    }
    this.#isWriting = false;
    this.#closeUnused();
  }

  #takeBatch(): readonly QueuedLine[] {
    let size = 0;
    const end = this.#queue.findIndex(({ bytes }) => (size += bytes.length) >= batchBytes) + 1;
    return this.#queue.splice(0, end === 0 ? this.#queue.length : end);
  }

  #closeUnused(): void {
    if (this.#users === 0 && !this.#isWriting) this.#close();
  }

  #close(): void {
    // What it had to do is done.
    this.#file?.close().catch(() => undefined);
    this.#file = undefined;
  }
}

/** Opens a file for adding lines to it, behind whole ones: what a crash has cut is taken off. */
async function openWhole(path: string): Promise<FileHandle> {
  const file = await open(path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    const end = await endOfLastLine(file, size);
    if (end < size) {
      const rest = Buffer.alloc(size - end);
      await file.read(rest, 0, rest.length, end);
      // Written by hand, without a line end.
      if (isJson(rest.toString())) await file.appendFile('\n');
      else await file.truncate(end);
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(blockBytes);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - blockBytes);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    const place = block.subarray(0, bytesRead).lastIndexOf(lineFeed);
    if (place >= 0) return start + place + 1;
    end = start;
  }
  return 0;
}
