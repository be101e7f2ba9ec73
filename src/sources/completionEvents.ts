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
  throwError,
  timer,
} from 'rxjs';
import { type RetryStep, startRetryPlan } from '../control/retryPlan.js';
import { isRxMistralError, type RxMistralError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import { ChatAssembler } from '../events/ChatAssembler.js';
import type { ChatEvent } from '../events/ChatEvent.js';
import type { MistralTransport, StreamOperation } from '../transport/MistralTransport.js';
import { type ChatStreamOptions, retryConfigOf } from './CallOptions.js';
import { readCompletion } from './readCompletion.js';
import { deadline, isOutOfTime, withTimeouts } from './withTimeouts.js';

/**
 * The events of a completion over all its attempts: what `chatStream` and its like have in common.
 *
 * ```
 * attempt 1: --a-#
 * attempt 2:         --a-b-|
 * result:    s-t-r---s-t-t-(c|)      start, text-delta, retry, complete
 * ```
 */
export function completionEvents<Name extends string, Req>(
  transport: MistralTransport,
  operation: StreamOperation<Name, Req, CompletionChunk>,
  request: Req,
  options: ChatStreamOptions,
): Observable<ChatEvent> {
  const { headers, maxEventBytes, timeouts = {}, onDisconnect = 'error', scheduler = asyncScheduler } = options;
  const retries = retryConfigOf(options, onDisconnect !== 'error');

  return defer(() => {
    const requestId = options.requestId ?? transport.createRequestId?.() ?? crypto.randomUUID();
    const outOfTime = deadline(timeouts.total, scheduler);
    const plan = retries && startRetryPlan(retries);
    let attempt = 0;
    let hasTokens = (): boolean => false;

    const openAttempt = defer(() => {
      attempt += 1;
      const chunks = transport
        .stream(operation, request, { headers, maxEventBytes })
        .pipe(withTimeouts(timeouts, scheduler), takeUntil(outOfTime));
      return readCompletion<ChatEvent>(chunks, (subscriber) => {
        const assembler = new ChatAssembler(requestId, attempt, (event) => {
          subscriber.next(event);
        });
        hasTokens = () => assembler.hasTokens;
        return {
          assembler,
          next: (chunk) => {
            assembler.push(chunk);
          },
        };
      });
    });

    const announce = (error: unknown, { delayMs }: RetryStep): Observable<ChatEvent> =>
      of({ type: 'retry', requestId, attempt, delayMs, strategy: 'restart', error: toRxMistralError(error) });

    const pause = (delayMs: number, failure: RxMistralError): Observable<never> => {
      // The deadline may pass while nothing is under way: then the last failure tells what is lost, and why.
      const explained = outOfTime.pipe(
        catchError((late: unknown) => throwError(() => explain(late, failure))),
      );
      return timer(delayMs, scheduler).pipe(ignoreElements(), takeUntil(explained));
    };

    return openAttempt.pipe(
      catchError((error: unknown) => {
        const mayRepeat = (onDisconnect !== 'error' || !hasTokens()) && !isOutOfTime(error);
        const step = mayRepeat ? plan?.(error) : undefined;
        if (step === undefined) return throwError(() => error);
        return concat(announce(error, step), pause(step.delayMs, toRxMistralError(error)), throwError(() => again));
      }),
      retry({ delay: (error: unknown) => (error === again ? of(again) : throwError(() => error)) }),
    );
  });
}

function explain(late: unknown, failure: RxMistralError): unknown {
  return isRxMistralError(late) ? late.with({ partial: failure.partial, cause: failure }) : late;
}

// What a failed attempt that is to be repeated ends with. The loop is rxjs `retry`, which keeps the stack flat.
const again = new Error('again');
