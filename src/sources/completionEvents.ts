import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import {
  asyncScheduler,
  catchError,
  concat,
  defer,
  ignoreElements,
  type Observable,
  of,
  retry,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { type RetryStep, startRetryPlan } from '../control/retryPlan.js';
import type { PartialMessage } from '../errors/PartialMessage.js';
import { isRxMistralError, type RxMistralError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import { ChatAssembler } from '../events/ChatAssembler.js';
import type { ChatEvent } from '../events/ChatEvent.js';
import type { MistralTransport, StreamOperation } from '../transport/MistralTransport.js';
import { type ChatStreamOptions, retryConfigOf } from './CallOptions.js';
import type { Continuation } from './continueMessages.js';
import { readCompletion } from './readCompletion.js';
import { deadline, withTimeouts } from './withTimeouts.js';

/**
 * The events of a completion over all its attempts: what `chatStream` and its like have in common.
 *
 * ```
 * attempt 1: --a-#
 * attempt 2:         --a-b-|
 * restart:   s-t-r---s-t-t-(c|)      s: start   t: text-delta   r: retry   c: complete
 * resume:    s-t-r---s---t-(c|)      (the second attempt's a is the echo of what had come)
 * ```
 *
 * @param continueWith The request that asks for the rest of an answer, where the API can be asked for it.
 */
export function completionEvents<Name extends string, Req>(
  transport: MistralTransport,
  operation: StreamOperation<Name, Req, CompletionChunk>,
  request: Req,
  options: ChatStreamOptions,
  continueWith?: (request: Req, received: string) => Continuation<Req> | undefined,
): Observable<ChatEvent> {
  const { headers, maxEventBytes, timeouts = {}, onDisconnect = 'error', scheduler = asyncScheduler } = options;
  const retries = retryConfigOf(options, onDisconnect !== 'error');

  return defer(() => {
    const requestId = options.requestId ?? transport.createRequestId?.() ?? crypto.randomUUID();
    let isOutOfTime = false;
    const outOfTime = deadline(timeouts.total, scheduler).pipe(tap({ error: () => { isOutOfTime = true; } }));
    const plan = retries && startRetryPlan(retries);
    let attempt = 0;
    let emit: (event: ChatEvent) => void;
    let assembler: ChatAssembler | undefined;
    let continuation: Continuation<Req> | undefined;
    let received: PartialMessage | undefined;

    const openAttempt = defer(() => {
      attempt += 1;
      if (continuation === undefined || assembler === undefined) {
        assembler = new ChatAssembler(requestId, attempt, (event) => {
          emit(event);
        });
      } else {
        assembler.resume(attempt, continuation.prefix);
      }
      const current = assembler;
      const chunks = transport
        .stream(operation, continuation?.request ?? request, { headers, maxEventBytes })
        .pipe(withTimeouts(timeouts, scheduler), takeUntil(outOfTime));
      return readCompletion<ChatEvent>(chunks, (subscriber) => {
        emit = (event) => {
          subscriber.next(event);
        };
        return {
          assembler: current,
          next: (chunk) => {
            current.push(chunk);
          },
        };
      });
    });

    const announce = (error: unknown, { delayMs }: RetryStep): Observable<ChatEvent> => {
      const strategy = continuation === undefined ? 'restart' : 'resume';
      return of({ type: 'retry', requestId, attempt, delayMs, strategy, error: toRxMistralError(error) });
    };

    const pause = (delayMs: number, failure: RxMistralError): Observable<never> => {
      // The deadline may pass while nothing is under way: then the last failure tells what is lost, and why.
      const explained = outOfTime.pipe(catchError((late: unknown) => throwError(() => explain(late, failure))));
      return timer(delayMs, retries?.scheduler ?? scheduler).pipe(ignoreElements(), takeUntil(explained));
    };

    return openAttempt.pipe(
      catchError((thrown: unknown) => {
        const hasTokens = assembler?.hasTokens ?? false;
        if (hasTokens) received = assembler?.partial();
        // A restart that fails before its first token takes nothing from what the attempt before it had.
        const error = hasTokens || received === undefined ? thrown : withPartial(thrown, received);
        const mayRepeat = (onDisconnect !== 'error' || !hasTokens) && !isOutOfTime;
        const step = mayRepeat ? plan?.(error) : undefined;
        if (step === undefined) return throwError(() => error);
        const beginning = onDisconnect === 'resume' && hasTokens ? assembler?.plainText : undefined;
        continuation = beginning === undefined ? undefined : continueWith?.(request, beginning);
        return concat(announce(error, step), pause(step.delayMs, toRxMistralError(error)), throwError(() => again));
      }),
      retry({ delay: (error: unknown) => (error === again ? of(again) : throwError(() => error)) }),
    );
  });
}

function withPartial(error: unknown, partial: PartialMessage): unknown {
  return isRxMistralError(error) ? error.with({ partial }) : error;
}

function explain(late: unknown, failure: RxMistralError): unknown {
  return isRxMistralError(late) ? late.with({ partial: failure.partial, cause: failure }) : late;
}

// What a failed attempt that is to be repeated ends with. The loop is rxjs `retry`, which keeps the stack flat.
const again = new Error('again');
