import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { BatchSpool, SpoolFile } from '../index.js';

const pieceBytes = 65_536;

/**
 * A spool in files of `directory`, which is made where it is missing: for batches that do not fit in memory.
 *
 * A file loses its name as soon as it is open, so that the system takes it away with the process however that ends, a kill
 * included. Where a system keeps the name of an open file (Windows), `remove` takes it away.
 *
 * @param directory A path with room for all requests.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { runBatch } from 'rxmistral';
 * import { fileSpool } from 'rxmistral/node';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const requests = [{ body: { messages: [{ role: 'user', content: 'Name three rivers.' }] } }];
 *
 * runBatch(client, requests, { model: 'mistral-small-latest', spool: fileSpool('/tmp'), interval: 1_000 })
 *   .subscribe((event) => console.log(event.type));
 * ```
 */
export function fileSpool(directory: string): BatchSpool {
  expectPath('directory', directory);
  return {
    async create() {
      await mkdir(directory, { recursive: true });
      const path = join(directory, `rxmistral-${randomUUID()}.jsonl`);
      const handle = await open(path, 'wx+', 0o600);
      const isNameless = await unlink(path).then(
        () => true,
        () => false,
      );
      return spoolFile(handle, isNameless ? undefined : path);
    },
  };
}

function spoolFile(handle: FileHandle, path: string | undefined): SpoolFile {
  let length = 0;
  return {
    async append(bytes) {
      for (let written = 0; written < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, length);
        written += bytesWritten;
        length += bytesWritten;
      }
    },
    async *read(start, end) {
      for (let place = start; place < end; ) {
        const piece = new Uint8Array(Math.min(pieceBytes, end - place));
        const { bytesRead } = await handle.read(piece, 0, piece.length, place);
        if (bytesRead === 0) throw new Error('The file of the spool is shorter than what was written');
        yield piece.subarray(0, bytesRead);
        place += bytesRead;
      }
    },
    async remove() {
      // Nothing depends on it any more, and it must not fail what was done.
      await handle.close().catch(() => undefined);
      if (path !== undefined) await unlink(path).catch(() => undefined);
    },
  };
}

/** Throws unless `value` is a path. */
export function expectPath(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw new TypeError(`Expected \`${name}\` to be a path, got ${typeof value}`);
}
