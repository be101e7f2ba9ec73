import type { CreateFileResponse } from '@mistralai/mistralai/models/components/createfileresponse.js';
import { asyncScheduler, defer, filter, merge, type Observable, Subject, take } from 'rxjs';
import type { MistralTransport } from '../../transport/MistralTransport.js';
import { filesUploadOperation } from '../../transport/operations/filesUpload.js';
import type { CallOptions } from '../CallOptions.js';
import { oneAttempt } from '../oneAttempt.js';
import { repeatBeforeFirst } from '../repeatBeforeFirst.js';
import { withTimeouts } from '../withTimeouts.js';

/** A file of a part, whose content is begun anew for each attempt. */
export interface PartUpload {
  readonly fileName: string;
  readonly content: () => AsyncIterable<Uint8Array>;
  readonly size: number;
}

/**
 * Uploads a file. However large it is and however slow the line, it may take its time: what `timeouts.firstEvent` bounds
 * is how long the socket takes no further piece, and the wait for the answer behind the last one.
 */
export function uploadFile(transport: MistralTransport, file: PartUpload, options: CallOptions): Observable<CreateFileResponse> {
  const { timeouts: { idle, firstEvent = idle } = {}, scheduler = asyncScheduler } = options;
  const untimed: CallOptions = { ...options, timeouts: {} };

  const attempt = defer(() => {
    const taken = new Subject<undefined>();
    const content = async function* (): AsyncGenerator<Uint8Array, void> {
      for await (const piece of file.content()) {
        taken.next(undefined);
        yield piece;
      }
    };
    const request = { file: { ...file, content }, purpose: 'batch' as const };
    return oneAttempt(untimed, request, (given) =>
      merge(transport.call(filesUploadOperation, request, given), taken).pipe(
        withTimeouts({ firstEvent, idle: firstEvent }, scheduler),
        filter((answer) => answer !== undefined),
        take(1),
      ),
    );
  });
  return repeatBeforeFirst(attempt, options);
}
