import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { Observable, Subject, type Subscriber, takeUntil } from 'rxjs';
import { isRxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import type { ChatAssembler } from '../events/ChatAssembler.js';

/** What is known of a completion that is under way. */
export type CompletionState = Pick<ChatAssembler, 'hasTokens' | 'isFinished' | 'partial' | 'end'>;

/** What becomes of the chunks of one attempt. */
export interface CompletionReader<Chunk> {
  /** Knows the message so far, and whether it is finished. */
  readonly assembler: CompletionState;
  /** Takes a chunk: gives it to the assembler, and emits what the source emits. */
  readonly next: (chunk: Chunk) => void;
}

/**
 * Reads the chunks of one attempt to their end, and holds the promise that completion is a claim:
 *
 * - at the end, or where the connection breaks or falls silent, behind a finish reason: completes;
 * - at the end without one: a `TruncatedStreamError`;
 * - every error after the first token carries the message so far as `partial`.
 *
 * It is constructed, not composed, because a chunk becomes any number of events (none to many): the cheapest
 * composition, `mergeMap` with arrays, costs more than all the rest of the library's work for an event.
 */
export function readCompletion<T, Chunk = CompletionChunk>(
  chunks: Observable<Chunk>,
  begin: (subscriber: Subscriber<T>) => CompletionReader<Chunk>,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const { assembler, next } = begin(subscriber);
    // A source that emits while it is being subscribed to must stop with its subscriber, before `subscribe` returns.
    const closed = new Subject<void>();
    let hasEnded = false;
    subscriber.add(() => {
      if (!hasEnded) closed.next();
    });
    const fail = (error: unknown): void => {
      subscriber.error(attachPartial(error, assembler));
    };
    const end = (): void => {
      // Nobody is there any more: it was `closed` that ended the source.
      if (subscriber.closed) return;
      hasEnded = true;
      try {
        assembler.end();
        subscriber.complete();
      } catch (error) {
        fail(error);
      }
    };
    subscriber.add(
      chunks.pipe(takeUntil(closed)).subscribe({
        next: (chunk) => {
          try {
            next(chunk);
          } catch (error) {
            fail(error);
          }
        },
        error: (error: unknown) => {
          hasEnded = true;
          if (assembler.isFinished && isLossOfConnection(error)) end();
          else fail(error);
        },
        complete: end,
      }),
    );
  });
}

/** Whether nothing but the connection was lost: what had come stands. */
export function isLossOfConnection(error: unknown): boolean {
  return isRxMistralError(error) && (error.kind === 'connection' || error.kind === 'timeout');
}

/** `error` with the message so far, where a token has come. */
export function attachPartial(error: unknown, assembler: CompletionState): unknown {
  if (!isRxMistralError(error) || error.partial !== undefined) return error;
  const carriesPartial = assembler.hasTokens || error.name === TruncatedStreamError.errorName;
  return carriesPartial ? error.with({ partial: assembler.partial() }) : error;
}
