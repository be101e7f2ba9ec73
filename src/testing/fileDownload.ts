import { dematerialize, filter, from, isObservable, map, materialize, Observable, type ObservableNotification, of, type Subscriber } from 'rxjs';
import { expectInteger, expectObject, fail } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { FileDownload } from '../transport/FileDownload.js';

/** What {@link fileDownload} takes with the content. */
export interface FileDownloadFields {
  /** Where in the file the content begins: the answer to a request with that `start`. @defaultValue 0 */
  readonly start?: number | undefined;
  /** The announced size of the whole file. @defaultValue `start` and the content's bytes, or none of a content that takes its time */
  readonly size?: number | undefined;
}

/** A text or its bytes: of a list, each is a piece of its own. */
type Piece = string | Uint8Array;

/**
 * The answer to `files.download`: a file with this content, which comes whole, in pieces, or in time.
 *
 * ```
 * fileDownload(cold('--a-b-|'))   (d)---|         the call: stays open until the file was read
 * d.read()                        --(a|)
 * d.read()                          --(b|)
 * d.read()                            --|
 * ```
 *
 * ```ts
 * fakeMistral({ 'files.download': fileDownload('{"custom_id":"a"}\n') });
 * marbles((m) => {
 *   const mistral = m.mistral({ 'files.download': [fileDownload(m.cold('--a-#', { a: '{"cus' }, cut)), { status: 404 }] });
 * });
 * ```
 *
 * As over the real transport, the call emits the download and completes when it was read to its end: a consumer that leaves
 * before shows as `unsubscribed` in `calls`. Each call of it reads the content anew. A content that is an Observable is subscribed
 * to when the call is made, as a server sends by itself; its error is the error of the read that comes to it.
 *
 * @throws TypeError for a content that is none of these, and for a `start` or `size` that is no integer of at least 0.
 */
export function fileDownload(content: Piece | readonly Piece[] | Observable<Piece>, fields: FileDownloadFields = {}): Observable<FileDownload> {
  const pieces = isObservable(content) ? content.pipe(map(bytesOf)) : listOf(content).map(bytesOf);
  expectObject('fields', fields);
  expectInteger('start', fields.start, 0);
  expectInteger('size', fields.size, 0);
  const { start = 0, size = isObservable(pieces) ? undefined : start + lengthOf(pieces) } = fields;

  // By hand: what was pushed is to be pulled, and no operator turns one into the other.
  return new Observable<FileDownload>((call) => {
    const arrived: ObservableNotification<Uint8Array>[] = [];
    let reader: Subscriber<Uint8Array> | undefined;

    const deliver = (): void => {
      const [first] = arrived;
      if (reader === undefined || first === undefined) return;
      const waiting = reader;
      reader = undefined;
      if (first.kind === 'N') arrived.shift();
      of(first).pipe(dematerialize()).subscribe(waiting);
      // An end stays, for whoever reads on.
      if (first.kind !== 'N') call.complete();
    };
    const source = from(pieces).pipe(filter(({ byteLength }) => byteLength > 0), materialize());
    call.add(
      source.subscribe({
        next: (notification) => {
          arrived.push(notification);
          deliver();
        },
        error: (error: unknown) => {
          call.error(error);
        },
      }),
    );
    const read = (): Observable<Uint8Array> =>
      new Observable((subscriber) => {
        const isOver = arrived[0] !== undefined && arrived[0].kind !== 'N';
        if (call.closed && !isOver) subscriber.error(closedError());
        reader = subscriber;
        subscriber.add(() => {
          if (reader === subscriber) reader = undefined;
        });
        deliver();
      });
    call.next({ start, size, read });
  });
}

function listOf(content: Piece | readonly Piece[]): readonly Piece[] {
  return Array.isArray(content) ? (content as readonly Piece[]) : [content as Piece];
}

function bytesOf(piece: unknown): Uint8Array {
  if (typeof piece === 'string') return new TextEncoder().encode(piece);
  return piece instanceof Uint8Array ? piece : fail('content', 'a text, bytes, a list of them or an Observable of them', piece);
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((length, { byteLength }) => length + byteLength, 0);
}

function closedError(): RxMistralError {
  return new RxMistralError({ kind: 'validation', message: 'The download was closed: whoever reads it stays subscribed to its call' });
}
