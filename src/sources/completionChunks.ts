import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { asyncScheduler, catchError, defer, type Observable, takeUntil, throwError } from 'rxjs';
import { ChatAssembler } from '../events/ChatAssembler.js';
import { retryWithBackoff } from '../operators/retryWithBackoff.js';
import { isRetryableError } from '../policies/retryable.js';
import type { MistralTransport, StreamOperation } from '../transport/MistralTransport.js';
import { type CallOptions, retryConfigOf } from './CallOptions.js';
import { attachPartial, readCompletion } from './readCompletion.js';
import { deadline, withTimeouts } from './withTimeouts.js';

/**
 * The raw chunks of a completion: what `chatChunks` and its like have in common. A failed attempt is repeated only
 * while no chunk has been emitted, because a chunk cannot be taken back.
 */
export function completionChunks<Name extends string, Req>(
  transport: MistralTransport,
  operation: StreamOperation<Name, Req, CompletionChunk>,
  request: Req,
  options: CallOptions,
): Observable<CompletionChunk> {
  const { headers, maxEventBytes, timeouts = {}, scheduler = asyncScheduler } = options;
  const retry = retryConfigOf(options);
  const isRetryable = retry?.isRetryable ?? isRetryableError;

  return defer(() => {
    let emitted = false;
    let assembler = new ChatAssembler('', 1, ignore);
    const attempt = defer(() =>
      readCompletion<CompletionChunk>(
        transport.stream(operation, request, { headers, maxEventBytes }).pipe(withTimeouts(timeouts, scheduler)),
        (subscriber) => {
          const current = new ChatAssembler('', 1, ignore);
          assembler = current;
          const next = (chunk: CompletionChunk): void => {
            emitted = true;
            subscriber.next(chunk);
            current.push(chunk);
          };
          return { assembler: current, next };
        },
      ),
    );
    const onlyBeforeFirst = (error: unknown): boolean => !emitted && isRetryable(error);
    const repeated =
      retry === undefined ? attempt : attempt.pipe(retryWithBackoff({ ...retry, isRetryable: onlyBeforeFirst }));
    const outOfTime = deadline(timeouts.total, scheduler).pipe(
      catchError((error: unknown) => throwError(() => attachPartial(error, assembler))),
    );
    return repeated.pipe(takeUntil(outOfTime));
  });
}

function ignore(): void {
  // Chunks are emitted as they are; the assembler only watches for the end.
}
