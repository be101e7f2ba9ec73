import type { FilesApiRoutesDownloadFileRequest } from '@mistralai/mistralai/models/operations/filesapiroutesdownloadfile.js';
import type { Observable } from 'rxjs';

/** The request of `files.download`: the SDK's, and from where on. */
export interface FileDownloadRequest extends FilesApiRoutesDownloadFileRequest {
  /**
   * The first byte that is wanted, from 0: to go on with a download that was cut. A server is free to send the whole file all the
   * same: {@link FileDownload.start} says what it did.
   * @defaultValue 0
   */
  readonly start?: number | undefined;
}

/**
 * A file that comes, and is read by asking for it, piece by piece: what nobody asks for stays with the server, so that a file of
 * any size goes through a slow reader.
 *
 * It lives as long as the subscription that it came from: `transport.call(filesDownloadOperation, …)` emits it and stays open
 * until it was read to its end or broke, which only its reader is told. Unsubscribing closes the socket.
 *
 * ```
 * call      (d)------------|     d: the download
 * d.read()     -(a|)             each subscription gets one piece,
 * d.read()          --(b|)
 * d.read()               -|      none at the end of the file,
 * d.read()               -#      or the error that cut it off
 * ```
 *
 * One reader, one piece at a time. `readDownload` reads all of it, and asks for a piece when the last one is dealt with:
 *
 * ```ts
 * transport.call(filesDownloadOperation, { fileId }).pipe(
 *   concatMap((file) => readDownload(file, (piece) => store(piece))),
 * );
 * ```
 */
export interface FileDownload {
  /** Where in the file its bytes begin: what was asked for, or 0 where the server sends the whole. */
  readonly start: number;
  /** How many bytes the whole file has, as the server announced it; `undefined` where it did not, or sends it compressed. */
  readonly size: number | undefined;
  /**
   * The next bytes: emits one piece, which is not empty, and completes; at the end of the file it completes without one. Asks when
   * it is subscribed to. Unsubscribing gives the piece to the next reader.
   *
   * @throws (as its error) TruncatedStreamError of kind `connection` where the connection broke, of kind `truncated` where the file
   * ended before the announced length; RxMistralError of kind `validation` where the download was closed.
   */
  read(): Observable<Uint8Array>;
}
