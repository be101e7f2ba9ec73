import { catchError, defer, finalize, mergeMap, type Observable, type ObservableInput, of, type OperatorFunction, tap, throwError } from 'rxjs';
import type { CircuitBreaker } from '../control/circuitBreaker.js';
import { expectFunction, expectMethods, expectObject } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import { isRxMistralError, RxMistralError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import type { FallbackEvent } from '../events/ChatEvent.js';
import { expectInput } from '../events/expectInput.js';

/** Options of {@link withFallback}. */
export interface WithFallbackOptions {
  /**
   * Whether an error is one for the fallback. What it throws takes the error's place.
   * @defaultValue all but those of kind `validation`: the same request would be refused again
   */
  readonly when?: ((error: unknown) => boolean) | undefined;
  /**
   * Where the source fails too often it is not called at all for a while: shared by all who are given it. The fallback is
   * then told of an error of kind `limit`.
   * @defaultValue none
   */
  readonly breaker?: CircuitBreaker | undefined;
}

/** The marker that stands before a fallback of such values: a {@link FallbackEvent} before events, nothing before others. */
export type FallbackOf<R> = Extract<R, { readonly type: string; readonly requestId: string }> extends never ? never : FallbackEvent;

/**
 * Goes on with something else where the source fails for good, or too often: another model, an agent, a plain value.
 *
 * ```
 * source:               -a-#
 * next:                    --x-y|
 * withFallback(next):   -a---(Fx)-y|     F: { type: 'fallback', … }, where x is an event
 * ```
 *
 * Put it behind the retries: `chatStream`'s own `retry`, or {@link retryWithBackoff}.
 *
 * **Values** of the source pass; then those of the fallback. Before the first event of a fallback stands a `fallback` event,
 * with the reason and the `requestId` of what follows: {@link accumulate} begins anew with it. What is no event (a response)
 * has no marker. With {@link text}, what was emitted cannot be taken back.
 *
 * **An error** for which `when` says no passes as it is. The fallback's own error is the end; where it has no cause, the
 * first error becomes its `cause`. Several fallbacks stand one behind the other.
 *
 * **Completes** with the source, or with the fallback. **Unsubscribing** ends whichever is at work.
 *
 * @param next The fallback, or a function that makes it of the error. A text is one value, not its characters; any other plain
 * value goes into rxjs's `of`.
 * @throws TypeError at once when `next` is neither, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { accumulate, chatStream, withFallback } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const ask = (model: string) =>
 *   chatStream(client, { model, messages: [{ role: 'user', content: 'Write a haiku.' }] }, { retry: {} });
 *
 * ask('mistral-large-latest')
 *   .pipe(withFallback(() => ask('mistral-small-latest')), accumulate())
 *   .subscribe(({ text }) => console.log(text));
 * ```
 *
 * @see {@link createCircuitBreaker} for `breaker`
 */
export function withFallback<T, R = T>(
  next: ObservableInput<R> | ((error: unknown) => ObservableInput<R>),
  options: WithFallbackOptions = {},
): OperatorFunction<T, T | R | FallbackOf<R>> {
  if (typeof next !== 'function') expectInput('next', next, 'a fallback, or a function that makes one');
  expectObject('options', options);
  const { when = isNotLocal, breaker } = options;
  expectFunction('when', when);
  expectMethods('breaker', breaker, 'a CircuitBreaker', ['enter']);

  const fallback = (error: unknown): Observable<R | FallbackOf<R>> => {
    const values = defer(() => whole(typeof next === 'function' ? next(error) : next)).pipe(
      mergeMap((value, index): readonly (R | FallbackOf<R>)[] =>
        index === 0 && isEvent(value) ? [marker<R>(value.requestId, error), value] : [value],
      ),
    );
    return values.pipe(
      catchError<R | FallbackOf<R>, Observable<never>>((later: unknown) => throwError(() => becauseOf(later, error))),
    );
  };

  return (source) =>
    defer(() => {
      const pass = breaker?.enter();
      if (breaker !== undefined && pass === undefined) return fallback(tripped());
      return source.pipe(
        tap({ complete: () => pass?.succeed() }),
        catchError((error: unknown) => {
          if (!when(error)) return throwError(() => error);
          pass?.fail();
          return fallback(error);
        }),
        finalize(() => pass?.leave()),
      );
    });
}

// To rxjs a text is a list of its characters.
function whole<R>(input: ObservableInput<R>): ObservableInput<R> {
  return typeof input === 'string' ? of<R>(input) : input;
}

const trippedCode = 'circuit-open';

function tripped(): RxMistralError {
  const message = 'Not called: it has failed too often, and the circuit is open';
  return new RxMistralError({ kind: 'limit', code: trippedCode, message });
}

function isNotLocal(error: unknown): boolean {
  return !isRxMistralError(error) || error.kind !== 'validation';
}

function isEvent(value: unknown): value is { readonly type: string; readonly requestId: string } {
  return isRecord(value) && typeof value['type'] === 'string' && typeof value['requestId'] === 'string';
}

function marker<R>(requestId: string, error: unknown): FallbackOf<R> {
  const event: FallbackEvent = { type: 'fallback', requestId, error: toRxMistralError(error) };
  // There is an event among the values, so the type has a marker.
  return event as FallbackOf<R>;
}

function becauseOf(later: unknown, first: unknown): unknown {
  return isRxMistralError(later) && later.cause === undefined ? later.with({ cause: first }) : later;
}
