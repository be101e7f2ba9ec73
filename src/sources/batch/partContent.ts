import type { BatchRequest } from '@mistralai/mistralai/models/components/batchrequest.js';
import { concat, defer, map, type Observable, reduce } from 'rxjs';
import { LineSplitter } from '../../events/LineSplitter.js';
import type { SpoolFile } from '../../events/BatchSpool.js';
import { pullMap } from '../pullMap.js';
import type { PartLine } from './PartWriter.js';

/** Lines of a part as the content of an upload: begun anew for each attempt, and read from the spool as it is read. */
export function partContent(
  file: SpoolFile,
  lines: readonly PartLine[],
): { readonly content: () => AsyncIterable<Uint8Array>; readonly size: number } {
  const ranges = joinedRanges(lines);
  return {
    size: ranges.reduce((sum, { start, end }) => sum + end - start, 0),
    content: async function* () {
      for (const { start, end } of ranges) yield* file.read(start, end);
    },
  };
}

/** Lines of a part as the requests of a job that has no file. */
export function inlineRequests(file: SpoolFile, lines: readonly PartLine[]): Observable<BatchRequest[]> {
  return defer(() => {
    const splitter = new LineSplitter(Infinity);
    const texts = joinedRanges(lines).map(({ start, end }) =>
      pullMap(file.read(start, end), (bytes) => splitter.push(bytes), { concurrency: 1 }),
    );
    return concat(...texts).pipe(
      map((line) => JSON.parse(line) as { readonly custom_id: string; readonly body: Record<string, unknown> }),
      reduce((requests: BatchRequest[], { custom_id, body }) => {
        requests.push({ customId: custom_id, body });
        return requests;
      }, []),
    );
  });
}

interface Range {
  readonly start: number;
  readonly end: number;
}

// Neighbours are read in one go: all lines of a part are one range.
function joinedRanges(lines: readonly PartLine[]): readonly Range[] {
  const ranges: { start: number; end: number }[] = [];
  for (const { start, end } of lines) {
    const last = ranges.at(-1);
    if (last?.end === start) last.end = end;
    else ranges.push({ start, end });
  }
  return ranges;
}
