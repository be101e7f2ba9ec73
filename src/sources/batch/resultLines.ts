import { asyncScheduler, catchError, concat, defer, EMPTY, mergeMap, type Observable, type ObservableInput, throwError } from 'rxjs';
import { isRxMistralError, TruncatedStreamError } from '../../errors/RxMistralError.js';
import { LineSplitter } from '../../events/LineSplitter.js';
import { retryWithBackoff } from '../../operators/retryWithBackoff.js';
import type { MistralTransport } from '../../transport/MistralTransport.js';
import type { FileDownload } from '../../transport/FileDownload.js';
import { filesDownloadOperation } from '../../transport/operations/filesDownload.js';
import { readDownload } from '../../transport/readDownload.js';
import { type CallOptions, retryConfigOf } from '../CallOptions.js';
import { callOnce } from '../callOnce.js';
import { withTimeouts } from '../withTimeouts.js';

/** A file of results. */
export interface ResultFile {
  readonly fileId: string;
  /** How many lines it should have, where that is known. */
  readonly lines: number | undefined;
}

const defaultMaxLineBytes = 8_388_608;

/**
 * Reads a file of results line by line. The next bytes are asked for when `project` is done with the lines before them.
 *
 * A download that is cut (fewer bytes than announced, a broken connection, a last line that is no JSON, fewer lines than
 * the job has counted) is continued behind the last whole line, with a `Range` or by skipping what is known, so
 * no line is handed out twice. Where the length was not announced and only a last line or the count speaks against the
 * file, it is read once more and then believed.
 */
export function resultLines<R>(
  transport: MistralTransport,
  { fileId, lines: expected }: ResultFile,
  options: CallOptions,
  project: (lines: readonly string[]) => ObservableInput<R>,
): Observable<R> {
  const retry = retryConfigOf(options);
  const { timeouts: { idle, firstEvent = idle } = {}, scheduler = asyncScheduler } = options;
  // The call is silent while nobody asks for a piece: what is bounded is the wait for one.
  const callOptions: CallOptions = { ...options, timeouts: { firstEvent }, retry: false };

  return defer(() => {
    let start = 0;
    let count = 0;
    let hasDoubted = retry === undefined;

    const take = (lines: readonly string[]): ObservableInput<R> => {
      const filled = lines.filter((line) => line.trim() !== '');
      count += filled.length;
      return filled.length === 0 ? EMPTY : project(filled);
    };
    const doubt = (message: string): Observable<never> => {
      hasDoubted = true;
      return throwError(() => new TruncatedStreamError({ message: `The download of a result file was cut: ${message}` }));
    };

    const readLines = (file: FileDownload): Observable<R> => {
      const begin = start;
      const splitter = new LineSplitter(options.maxEventBytes ?? defaultMaxLineBytes);
      // Where the server sends the whole file, what is known of it is passed over.
      let known = begin - file.start;
      const patient: FileDownload = { ...file, read: () => file.read().pipe(withTimeouts({ idle }, scheduler)) };
      const lines = readDownload(patient, (piece) => {
        const skipped = Math.min(known, piece.length);
        known -= skipped;
        const complete = splitter.push(piece.subarray(skipped));
        start = begin + splitter.consumed;
        return take(complete);
      });
      const rest = defer((): ObservableInput<R> => {
        // All bytes are there: what the file says is what the server has written.
        if (file.size !== undefined) hasDoubted = true;
        const last = splitter.end();
        if (last !== undefined && !hasDoubted && !isJson(last)) return doubt('its last line is no JSON');
        start = begin + splitter.consumed;
        return take(last === undefined ? [] : [last]);
      });
      const check = defer(() =>
        expected !== undefined && count < expected && !hasDoubted ? doubt(`it has ${count} of ${expected} lines`) : EMPTY,
      );
      return concat(lines, rest, check);
    };

    const attempt = defer(() => callOnce(transport, filesDownloadOperation, { fileId, start }, callOptions)).pipe(
      mergeMap(readLines),
      // It would begin at the end: all had come.
      catchError((error: unknown) =>
        start > 0 && isRxMistralError(error) && error.status === 416 ? EMPTY : throwError(() => error),
      ),
    );
    return retry === undefined ? attempt : attempt.pipe(retryWithBackoff(retry));
  });
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
