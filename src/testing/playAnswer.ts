import { asyncScheduler, defer, EMPTY, from, of, tap, throwError } from 'rxjs';
import type { Observable } from 'rxjs';
import { fail } from '../errors/expect.js';
import { httpError } from '../transport/httpError.js';
import type { TransportOptions } from '../transport/MistralTransport.js';
import { bodyText, checkAnswer, isDeferred, isObservableInput, isResponse } from './checkScript.js';

/** The place of an answer in its script, and the call that it answers. */
export interface AnswerContext {
  /** Where the answer stands, for messages. */
  readonly name: string;
  readonly kind: 'stream' | 'unary';
  readonly onResponse: TransportOptions['onResponse'];
}

/**
 * Plays one answer. A response's head is reported at once; that of a bare answer (200, no headers) with its first
 * value or its completion, so that a bare answer that fails before its first value is a call that got no response.
 */
export function playAnswer(answer: unknown, { name, kind, onResponse }: AnswerContext): Observable<unknown> {
  if (!isResponse(answer)) return playBody(name, kind, answer).pipe(reportHead(onResponse));
  checkAnswer(name, answer);
  const { status, body } = answer;
  const headers = new Headers(answer.headers);
  onResponse?.({ status, headers });
  if (status >= 400) {
    return throwError(() => httpError({ status, headers, body: bodyText(body) ?? '', now: asyncScheduler.now() }));
  }
  if (body === undefined && kind === 'stream') return EMPTY;
  if (body === undefined && status !== 204) fail(`${name}.body`, 'the answer', body);
  return playBody(`${name}.body`, kind, body);
}

function playBody(name: string, kind: AnswerContext['kind'], body: unknown): Observable<unknown> {
  if (kind === 'unary') return isDeferred(body) ? from(body) : of(body);
  if (isObservableInput(body)) return from(body);
  return fail(name, 'the events of one call (an Observable, an array; the same for every call: `() => events`) or a response', body);
}

function reportHead(onResponse: TransportOptions['onResponse']): (source: Observable<unknown>) => Observable<unknown> {
  return (source) =>
    defer(() => {
      let isReported = false;
      const report = (): void => {
        if (isReported) return;
        isReported = true;
        onResponse?.({ status: 200, headers: new Headers() });
      };
      return source.pipe(tap({ next: report, complete: report }));
    });
}
