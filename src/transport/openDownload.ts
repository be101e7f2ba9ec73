import { defer, filter, from, type Observable, tap } from 'rxjs';
import { RxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import type { FileDownload } from './FileDownload.js';
import type { OpenResponse } from './MistralTransport.js';

/** The download of a response whose body nobody has read. */
export function openDownload({ status, headers, reader, isClosed, describe, onEnd }: OpenResponse): FileDownload {
  const { start, size, length } = readExtent(status, headers);
  let received = 0;
  let next: Promise<Uint8Array | undefined> | undefined;

  const pull = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        if (isClosed()) throw closedError();
        onEnd();
        throw describe(error);
      });
      // A cancelled reader reports an end that is none.
      if (isClosed()) throw closedError();
      if (done) break;
      received += value.byteLength;
      if (value.byteLength > 0) return value;
    }
    onEnd();
    if (length !== undefined && received < length) throw new TruncatedStreamError({ message: `The file ended after ${received} of ${length} bytes` });
    return undefined;
  };

  return {
    start,
    size,
    read: (): Observable<Uint8Array> =>
      defer(() => {
        // What was asked for and has not been delivered belongs to the next reader; so do an end and an error, for good.
        next ??= isClosed() ? Promise.reject(closedError()) : pull();
        return from(next);
      }).pipe(
        filter((piece) => piece !== undefined),
        tap(() => {
          next = undefined;
        }),
      ),
  };
}

interface Extent {
  readonly start: number;
  readonly size: number | undefined;
  /** Of this response. */
  readonly length: number | undefined;
}

function readExtent(status: number, headers: Headers): Extent {
  // A length is that of the compressed bytes, and what is read here is not.
  const encoding = headers.get('content-encoding') ?? 'identity';
  const announced = Number(headers.get('content-length') ?? NaN);
  const length = encoding === 'identity' && Number.isSafeInteger(announced) ? announced : undefined;
  if (status !== 206) return { start: 0, size: length, length };
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
  if (first === undefined) throw new RxMistralError({ kind: 'protocol', message: 'The server sent a part of the file, and not which', status });
  return { start: Number(first), size: total === undefined || total === '*' ? undefined : Number(total), length };
}

function closedError(): RxMistralError {
  return new RxMistralError({ kind: 'validation', message: 'The download was closed: whoever reads it stays subscribed to its call' });
}
