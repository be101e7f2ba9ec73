import { defer, finalize, mergeMap, type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { expectBoolean, expectInteger, expectObject } from '../errors/expect.js';
import { expectPath } from './fileSpool.js';
import { LinesFile } from './LinesFile.js';

/** Options of {@link writeJsonLines}. */
export interface WriteJsonLinesOptions {
  /**
   * The most values that wait to be written; one more is an error of kind `limit`.
   * @defaultValue 10,000
   */
  readonly maxQueued?: number | undefined;
  /**
   * Whether a value is emitted only when it would survive a power cut, which costs a flush of the disk for each batch. Without
   * it, it survives a crash of the process.
   * @defaultValue false
   */
  readonly sync?: boolean | undefined;
}

/**
 * Adds each value to a file as a line of JSON, and emits it when it stands there.
 *
 * ```
 * source:          -a-b-c----|
 * file:             a\n b\nc\n      what waits is written together
 * writeJsonLines:  --a---(bc)|
 * ```
 *
 * **Backpressure**: within a project of `pullMap`, a place is free again when the result is written, so that a slow disk slows
 * the source down. One operator value may serve any number of projects at once: their lines never mix. Over a source that
 * cannot be told to wait, values queue up to `maxQueued`.
 *
 * **After a crash** the file has whole lines, and perhaps a last one that was cut: it is taken off when the file is opened the
 * next time, before anything is added. {@link readJsonLineKeys} tells what is there, to go on behind it. A file has one writer
 * at a time. (A bare number has no end but that of its line, so one that was cut looks like a smaller one: write objects.)
 *
 * **Completes** when all is written. **An error of the source** overtakes what is being written, and nothing of that is lost: it
 * is in the file. The same holds for **unsubscribing**. **Fails** where the file cannot be written, and where a value is
 * none of JSON.
 *
 * @param path The file; it is made where it is missing, in a directory that is there.
 * @throws TypeError at once when `path` is none or an option is malformed.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { map } from 'rxjs';
 * import { chatComplete, pullMap } from 'rxmistral';
 * import { readJsonLineKeys, writeJsonLines } from 'rxmistral/node';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const path = `/tmp/rivers-${process.pid}.jsonl`;
 * const done = await readJsonLineKeys(path, ({ river }) => river);
 * const rivers = ['Loire', 'Rhine', 'Danube'].filter((river) => !done.has(river));
 * const write = writeJsonLines<{ river: string; answer: unknown }>(path);
 *
 * const ask = (river: string) =>
 *   chatComplete(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: `Where does the ${river} end?` }] })
 *     .pipe(map(({ choices }) => ({ river, answer: choices[0]?.message?.content })));
 *
 * pullMap(rivers, (river) => ask(river).pipe(write), { concurrency: 2, settle: true })
 *   .subscribe(({ input, status }) => console.log(input, status));
 * ```
 *
 * @see {@link readJsonLines}
 */
export function writeJsonLines<T>(path: string, options: WriteJsonLinesOptions = {}): MonoTypeOperatorFunction<T> {
  expectObject('options', options);
  const { maxQueued = 10_000, sync = false } = options;
  expectPath('path', path);
  expectInteger('maxQueued', maxQueued, 1);
  expectBoolean('sync', sync);
  // Shared by all subscriptions on purpose: a file has one writer.
  const file = new LinesFile(path, maxQueued, sync);

  const write = (value: T): Observable<T> =>
    // Constructed: the file calls back when the line stands in it, together with its neighbours.
    new Observable((subscriber) => {
      file.append({
        bytes: lineOf(value),
        done: (failure) => {
          if (failure === undefined) {
            subscriber.next(value);
            subscriber.complete();
          } else subscriber.error(failure.error);
        },
      });
    });

  return (source) =>
    defer(() => {
      file.retain();
      return source.pipe(
        mergeMap(write),
        finalize(() => {
          file.release();
        }),
      );
    });
}

function lineOf(value: unknown): Buffer {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`Expected a value of JSON, got ${typeof value}`);
  return Buffer.from(`${text}\n`);
}
