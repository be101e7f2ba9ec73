import { concat, concatMap, defer, EMPTY, from, ignoreElements, map, mergeMap, type Observable, type ObservableInput, of } from 'rxjs';
import type { BatchSpool, SpoolFile } from '../../events/BatchSpool.js';
import { isPullable } from '../PulledSource.js';
import { pullMap } from '../pullMap.js';
import { eventually } from '../eventually.js';
import type { PartLines, PartWriter } from './PartWriter.js';

/** A part of the requests, and the file that it stands in. */
export interface Part extends PartLines {
  readonly file: SpoolFile;
}

// Lines are written in blocks of about this size.
const blockBytes = 65_536;

/**
 * Writes the requests into the spool and emits each part when it is whole. Requests are pulled where they can be, so that
 * a spool on a slow disk holds them back; those of an Observable come when they come, and wait in memory.
 *
 * @param onFile Is told of each file as soon as it is there, so that it can be taken away whatever happens.
 * @param check Checks a request, and may make another of it, or none; `place` counts from 1.
 */
export function prepareParts(
  requests: ObservableInput<unknown>,
  writer: PartWriter,
  spool: BatchSpool,
  onFile: (file: SpoolFile) => void,
  check?: (request: unknown, place: number) => Observable<unknown>,
): Observable<Part> {
  return defer(() => {
    let file: SpoolFile | undefined;
    let block: Uint8Array[] = [];
    let size = 0;
    let count = 0;

    const take = (created: SpoolFile): SpoolFile => {
      onFile(created);
      file = created;
      return created;
    };
    const open = (): Observable<SpoolFile> => {
      if (file !== undefined) return of(file);
      const created = spool.create();
      // By the promise itself: the file is told of, and taken away, also where nobody waits for it any more.
      return 'then' in created ? from(created.then(take)) : of(take(created));
    };
    const flush = (): Observable<SpoolFile> =>
      open().pipe(
        mergeMap((target) => {
          const bytes = joined(block, size);
          block = [];
          size = 0;
          return eventually(target.append(bytes)).pipe(map(() => target));
        }),
      );
    const finish = (lines: PartLines | undefined): Observable<Part> =>
      lines === undefined
        ? EMPTY
        : flush().pipe(
            map((written) => {
              file = undefined;
              return { ...lines, file: written };
            }),
          );
    const keep = (line: Uint8Array): Observable<never> => {
      block.push(line);
      size += line.length;
      return size < blockBytes ? EMPTY : flush().pipe(ignoreElements());
    };

    const add = (request: unknown, place: number): Observable<Part> => {
      const { line, full } = writer.add(request, place);
      return full === undefined ? keep(line) : concat(finish(full), defer(() => keep(line)));
    };
    const write = (request: unknown): Observable<Part> => {
      const place = ++count;
      return check === undefined ? add(request, place) : check(request, place).pipe(concatMap((checked) => add(checked, place)));
    };
    const parts = isPullable(requests)
      ? pullMap(requests, write, { concurrency: 1 })
      : from(requests).pipe(concatMap(write));
    return concat(parts, defer(() => finish(writer.end())));
  });
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}
