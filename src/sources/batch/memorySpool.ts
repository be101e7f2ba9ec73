import { RxMistralError } from '../../errors/RxMistralError.js';
import type { BatchSpool } from '../../events/BatchSpool.js';

/** The most bytes that a run keeps in memory: 128 MiB. */
export const maxMemorySpoolBytes = 134_217_728;

/** A spool in memory, of at most {@link maxMemorySpoolBytes} over all its files. */
export function memorySpool(maxBytes = maxMemorySpoolBytes): BatchSpool {
  let held = 0;
  return {
    create() {
      let blocks: { readonly start: number; readonly bytes: Uint8Array }[] = [];
      let length = 0;
      return {
        append(bytes) {
          if (held + bytes.length > maxBytes) {
            throw new RxMistralError({
              kind: 'limit',
              message: `The requests take more than ${maxBytes} bytes of memory: give a \`spool\` (fileSpool of rxmistral/node)`,
            });
          }
          held += bytes.length;
          blocks.push({ start: length, bytes });
          length += bytes.length;
        },
        *read(start, end) {
          let index = firstEndingAfter(blocks, start);
          for (let block = blocks[index]; block !== undefined && block.start < end; block = blocks[(index += 1)]) {
            yield block.bytes.subarray(Math.max(0, start - block.start), end - block.start);
          }
        },
        remove() {
          held -= length;
          length = 0;
          blocks = [];
        },
      };
    },
  };
}

// By halves: a run reads single requests out of files of many blocks.
function firstEndingAfter(blocks: readonly { readonly start: number; readonly bytes: Uint8Array }[], place: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const block = blocks[middle];
    if (block !== undefined && block.start + block.bytes.length <= place) low = middle + 1;
    else high = middle;
  }
  return low;
}
