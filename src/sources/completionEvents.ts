import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import {
  asyncScheduler,
  catchError,
  concat,
  defer,
  ignoreElements,
  noop,
  type Observable,
  of,
  retry,
  takeUntil,
  tap,
  throwError,
} from 'rxjs';
import { startRetryPlan } from '../control/retryPlan.js';
import { currentStage, reenterStage } from '../control/stage.js';
import type { PartialMessage } from '../errors/PartialMessage.js';
import { isRxMistralError, type RxMistralError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import { ChatAssembler } from '../events/ChatAssembler.js';
import type { ChatEvent } from '../events/ChatEvent.js';
import type { StreamOperation, StreamTransport } from '../transport/MistralTransport.js';
import { type ChatStreamOptions, retryConfigOf } from './CallOptions.js';
import type { Continuation } from './continueMessages.js';
import { oneAttempt } from './oneAttempt.js';
import { readCompletion } from './readCompletion.js';
import { deadline } from './withTimeouts.js';

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
 * An answer that began elsewhere (`continueFrom`) counts as a first attempt that was cut.
 *
 * @param continueWith The request that asks for the rest of an answer, where the API can be asked for it.
 */
export function completionEvents<Name extends string, Req>(
  transport: StreamTransport,
  operation: StreamOperation<Name, Req, CompletionChunk>,
  request: Req,
  options: ChatStreamOptions,
  continueWith?: (request: Req, received: string) => Continuation<Req> | undefined,
): Observable<ChatEvent> {
  const { timeouts, onDisconnect = 'error', continueFrom, scheduler = asyncScheduler } = options;
  const retries = retryConfigOf(options, onDisconnect !== 'error');

  return defer(() => {
    const stage = currentStage();
    const requestId = options.requestId ?? transport.createRequestId?.() ?? crypto.randomUUID();
    let isOutOfTime = false;
    let pendingFailure: RxMistralError | undefined;
    const outOfTime = deadline(timeouts?.total, scheduler, () => pendingFailure).pipe(
      tap({ error: () => { isOutOfTime = true; } }),
    );
    const plan = retries && startRetryPlan(retries);
    let attempt = 0;
    let assembler: ChatAssembler | undefined;
    let continuation: Continuation<Req> | undefined;
    let received: PartialMessage | undefined;

    const chunks = defer(() => {
      const current = continuation?.request ?? request;
      return oneAttempt(options, current, (given) => transport.stream(operation, current, given));
    }).pipe(takeUntil(outOfTime));

    const openAttempt = readCompletion<ChatEvent>(chunks, (subscriber) => {
      attempt += 1;
      pendingFailure = undefined;
      const emit = (event: ChatEvent): void => {
        subscriber.next(event);
      };
      if (continuation !== undefined && assembler !== undefined) assembler.resume(attempt, continuation.prefix, emit);
      else assembler = new ChatAssembler(requestId, attempt, emit);
      const current = assembler;
      const next = (chunk: CompletionChunk): void => {
        current.push(chunk);
      };
      return { assembler: current, next };
    });

    // Decides how the next attempt asks.
    const prepare = (mayContinue: boolean): void => {
      const beginning = mayContinue ? assembler?.plainText : undefined;
      // Behind nothing there is nothing to go on with.
      continuation = beginning ? continueWith?.(request, beginning) : undefined;
    };

    const announce = (error: RxMistralError, delayMs: number): Observable<ChatEvent> => {
      const strategy = continuation === undefined ? 'restart' : 'resume';
      return of({ type: 'retry', requestId, attempt, delayMs, strategy, error });
    };

    // Later attempts are a part of the stage too.
    const attempts = reenterStage(stage, openAttempt);
    const events = (plan?.watch(attempts) ?? attempts).pipe(
      catchError((thrown: unknown) => {
        const hasTokens = assembler?.hasTokens ?? false;
        // A continued attempt that has added nothing is repeated as it was.
        const isUntouched = continuation !== undefined && assembler?.plainText === received?.content;
        if (hasTokens) received = assembler?.partial();
        // A restart that fails before its first token takes nothing from what the attempt before it had.
        const error = hasTokens || received === undefined ? thrown : withPartial(thrown, received);
        const mayRepeat = (onDisconnect !== 'error' || !hasTokens || isUntouched) && !isOutOfTime;
        const step = mayRepeat ? plan?.next(error) : undefined;
        if (step === undefined) return throwError(() => error);
        if (!isUntouched) prepare(onDisconnect === 'resume');
        pendingFailure = toRxMistralError(error);
        const pause = step.wait.pipe(ignoreElements(), takeUntil(outOfTime));
        return concat(announce(pendingFailure, step.delayMs), pause, throwError(() => again));
      }),
      retry({ delay: (error: unknown) => (error === again ? of(again) : throwError(() => error)) }),
    );
    if (continueFrom === undefined) return events;
    attempt = 1;
    assembler = new ChatAssembler(requestId, attempt, noop);
    assembler.add(continueFrom);
    received = assembler.partial();
    prepare(true);
    return concat(announce(assembler.truncated(), 0), events);
  });
}

function withPartial(error: unknown, partial: PartialMessage): unknown {
  return isRxMistralError(error) ? error.with({ partial }) : error;
}

// What a failed attempt that is to be repeated ends with. The loop is rxjs `retry`, which keeps the stack flat.
const again = new Error('again');
