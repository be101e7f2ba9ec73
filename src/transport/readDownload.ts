import { concatMap, defaultIfEmpty, defer, type Observable, type ObservableInput, of, repeat, takeWhile } from 'rxjs';
import type { FileDownload } from './FileDownload.js';

const end = Symbol('end of the file');

/**
 * Reads a download to its end, and asks for a piece only when what `project` has made of the last one is done: a slow `project`
 * slows the server down, and nothing queues up.
 *
 * ```
 * file         (a)-----(b)---|        each piece when it is asked for
 * project(a)    x--x--|
 * project(b)             y-|
 *              -x--x-----y---|
 * ```
 *
 * Completes at the end of the file, and when the result for its last piece is done. Fails as the file does, or `project`, or what
 * it returns. Unsubscribing ends the reading; the download itself ends with the call that it came from.
 */
export function readDownload<R>(file: FileDownload, project: (piece: Uint8Array) => ObservableInput<R>): Observable<R> {
  return defer(() => file.read()).pipe(
    defaultIfEmpty(undefined),
    concatMap((piece): ObservableInput<R | typeof end> => (piece === undefined ? of(end) : project(piece))),
    repeat(),
    takeWhile((value): value is R => value !== end),
  );
}
