import { asyncScheduler, defer, tap } from 'rxjs';
import type { Observable } from 'rxjs';
import type { MistralTransport, TransportOptions } from '../transport/MistralTransport.js';
import { assertionError } from './assertionError.js';
import { checkAnswer, checkScript, placeOf } from './checkScript.js';
import type { FakeCall, FakeCallState } from './FakeCall.js';
import type { FakeMistralScript } from './FakeMistralScript.js';
import { playAnswer } from './playAnswer.js';

/** A Mistral that answers from a script, and remembers what it was asked. Every source takes one as its client. */
export interface FakeMistral extends MistralTransport {
  /** All calls in the order in which they were made; each is a live view. */
  readonly calls: readonly FakeCall[];
  /** `request-1`, `request-2`, …: counted by each fake for itself. */
  readonly createRequestId: () => string;
  /**
   * Throws when an answer of a list was not used, and when a call found no answer: its error may have been swallowed
   * on the way (by a `catchError`, or as an event).
   */
  assertDone(): void;
}

/**
 * A Mistral that answers from a script: no network, no server, no Promise of its own, so that it runs in virtual time.
 *
 * ```
 * script  'chat.stream': [ --a-b-|   , { status: 429 } ]
 * call 1                   --a-b-|
 * call 2                                #
 * ```
 *
 * The script says by the name of an operation what answers its calls:
 *
 * - an Observable, a response `{ status, headers, body }`, or (for what is answered once) the answer: every call;
 * - a list of answers: one for each call, in order; a call more is an error;
 * - a function `(request, n, options) => answer`, where `n` counts the calls of this operation from 0.
 *
 * A stream's answer is its events (`ObservableInput`: an Observable, an array, an async generator) or a response; any
 * other answer is the value itself, an Observable or a Promise of it, or a response. A status of 400 or more becomes
 * the `RxMistralError` that the real transport makes of it: `kind`, `code`, `retryable` and `retryAfterMs` come from
 * status, headers and body.
 *
 * @example
 * ```ts
 * import { chatStream, text } from 'rxmistral';
 * import { answer, fakeMistral } from 'rxmistral/testing';
 *
 * const mistral = fakeMistral({
 *   'chat.stream': [{ status: 429, headers: { 'retry-after': '0' } }, answer('Hello world')],
 * });
 * const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Hi' }] };
 *
 * chatStream(mistral, request, { retry: { maxRetries: 1 } })
 *   .pipe(text())
 *   .subscribe({
 *     next: (delta) => process.stdout.write(delta), // Hello world
 *     complete: () => {
 *       mistral.assertDone();
 *       console.log(mistral.calls.map((call) => call.state)); // [ 'errored', 'completed' ]
 *     },
 *   });
 * ```
 *
 * Cold: each subscription is one call. It is in `calls` from its subscription on, with its state: a test asserts there
 * that a consumer who left has closed the call. Answers pass through as they are: nothing is copied, delayed or
 * bounded, and `maxEventBytes` has no effect. `calls` grows for as long as the fake lives.
 *
 * `onResponse` gets a response's head when the call is made; that of a bare answer is 200 with no headers, given with
 * its first value or its completion. A bare answer that fails before that is a connection that failed: no head.
 * A `Retry-After` date counts from the virtual time inside a marble test.
 *
 * A call that has no answer (its operation is not in the script, or its list is used up) ends in an `Error` that says
 * so. It is no `RxMistralError` and is never retried.
 *
 * @throws TypeError where the script is malformed, naming the key. (The name of an operation is checked by the types.)
 * @see {@link marbles}
 */
export function fakeMistral(script: FakeMistralScript): FakeMistral {
  checkScript(script);
  const scripted = new Map<string, unknown>(Object.entries(script).filter(([, value]) => value !== undefined));
  const calls: RecordedCall[] = [];
  const unanswered: string[] = [];
  const counts = new Map<string, number>();
  let requestCount = 0;

  const answerTo = (operation: string, call: RecordedCall): { readonly name: string; readonly answer: unknown } => {
    const value = scripted.get(operation);
    if (value === undefined) throw noAnswer(notScripted(operation, [...scripted.keys()]));
    if (Array.isArray(value)) {
      if (call.index >= value.length) throw noAnswer(usedUp(operation, value.length));
      return { name: placeOf(operation, call.index), answer: value[call.index] as unknown };
    }
    if (typeof value !== 'function') return { name: placeOf(operation), answer: value };
    const name = `the answer of ${placeOf(operation)}`;
    const answer = (value as AnyAnswerFunction)(call.request, call.index, call.options);
    checkAnswer(name, answer);
    return { name, answer };
  };

  const noAnswer = (message: string): Error => {
    unanswered.push(message);
    return new Error(message);
  };

  const perform = (kind: 'stream' | 'unary', operation: string, request: unknown, options: TransportOptions = {}): Observable<unknown> =>
    defer(() => {
      const index = counts.get(operation) ?? 0;
      counts.set(operation, index + 1);
      const call: RecordedCall = {
        operation,
        request,
        options,
        index,
        subscribedAt: asyncScheduler.now(),
        endedAt: undefined,
        state: 'open',
      };
      calls.push(call);
      const end = (state: FakeCallState): void => {
        call.state = state;
        call.endedAt = asyncScheduler.now();
      };
      return defer(() => {
        const { name, answer } = answerTo(operation, call);
        return playAnswer(answer, { name, kind, onResponse: options.onResponse });
      }).pipe(
        tap({
          complete: () => { end('completed'); },
          error: () => { end('errored'); },
          unsubscribe: () => { end('unsubscribed'); },
        }),
      );
    });

  return {
    // The script's types hold name, request and answer together; behind them all operations are alike.
    calls: calls as unknown as readonly FakeCall[],
    call: <Res>({ name }: { readonly name: string }, request: unknown, options?: TransportOptions) =>
      perform('unary', name, request, options) as Observable<Res>,
    stream: <Ev>({ name }: { readonly name: string }, request: unknown, options?: TransportOptions) =>
      perform('stream', name, request, options) as Observable<Ev>,
    createRequestId: () => `request-${++requestCount}`,
    assertDone: () => {
      const problems = [...unanswered];
      for (const [operation, value] of scripted) {
        const used = counts.get(operation) ?? 0;
        if (Array.isArray(value) && used < value.length) {
          problems.push(`\`${operation}\` was called ${times(used)}, ${value.length} answers are scripted`);
        }
      }
      if (problems.length > 0) throw assertionError(`The script was not played as written: ${problems.join('; ')}`);
    },
  };
}

type AnyAnswerFunction = (request: unknown, n: number, options: TransportOptions) => unknown;

interface RecordedCall {
  readonly operation: string;
  readonly request: unknown;
  readonly options: TransportOptions;
  readonly index: number;
  readonly subscribedAt: number;
  endedAt: number | undefined;
  state: FakeCallState;
}

function notScripted(operation: string, scripted: readonly string[]): string {
  const names = scripted.length === 0 ? 'nothing' : scripted.map((name) => `\`${name}\``).join(', ');
  return `No answer is scripted for \`${operation}\` (scripted: ${names})`;
}

function usedUp(operation: string, length: number): string {
  return `No answer is left for \`${operation}\`: ${length} scripted, this is call ${length + 1} or later`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
