import { isObservable } from 'rxjs';
import type { Observable, ObservableInput } from 'rxjs';
import { expectObject, fail } from '../errors/expect.js';
import type { FakeResponse } from './FakeMistralScript.js';

/**
 * The checks of a script: each throws a `TypeError` that names the place. Whether an operation streams is known only
 * when it is called (the list of operations is a type here, because its values load the SDK), so what
 * {@link checkScript} lets through is checked again by the call.
 */
export function checkScript(script: unknown): void {
  if (script === undefined) fail('script', 'an object', script);
  expectObject('script', script);
  for (const [operation, value] of Object.entries(script as Record<string, unknown>)) {
    const name = placeOf(operation);
    if (value === undefined || typeof value === 'function') continue;
    if (Array.isArray(value)) value.forEach((answer, n) => { checkAnswer(placeOf(operation, n), answer); });
    else if (typeof value === 'object') checkAnswer(name, value);
    else fail(name, 'an Observable, a response, a list of answers or a function', value);
  }
}

/** Where an answer stands in the script, for messages. */
export function placeOf(operation: string, n?: number): string {
  return `script['${operation}']${n === undefined ? '' : `[${n}]`}`;
}

/** Throws unless `answer` can be one; a response is checked to the bottom. */
export function checkAnswer(name: string, answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) {
    fail(name, 'an answer (an Observable, an array of events or a response)', answer);
  }
  if (isResponse(answer)) checkResponse(name, answer);
}

function checkResponse(name: string, { status, headers, body }: FakeResponse<unknown>): void {
  const isKnown = Number.isInteger(status) && ((status >= 200 && status < 300) || (status >= 400 && status < 600));
  if (!isKnown) fail(`${name}.status`, 'an integer from 200 to 299 or from 400 to 599', status);
  try {
    new Headers(headers);
  } catch {
    fail(`${name}.headers`, 'what `new Headers()` takes', headers);
  }
  if (status >= 400 && typeof bodyText(body) !== 'string') fail(`${name}.body`, 'a string or a JSON object', body);
}

/** The text of an error's body; `undefined` where it cannot be written as JSON. */
export function bodyText(body: unknown): string | undefined {
  if (body === undefined) return '';
  if (typeof body === 'string') return body;
  try {
    // A function has no JSON: `undefined`, which the declared type of `stringify` does not say.
    return JSON.stringify(body);
  } catch {
    return undefined;
  }
}

/** Whether `answer` is a scripted response: a numeric `status`, and no events of its own. */
export function isResponse(answer: unknown): answer is FakeResponse<unknown> {
  return typeof answer === 'object' && answer !== null && 'status' in answer && typeof answer.status === 'number' && !isObservableInput(answer);
}

/** Whether `from` takes `value`. A string, which it would take letter by letter, is refused. */
export function isObservableInput(value: unknown): value is ObservableInput<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return (
    isDeferred(value) ||
    Symbol.asyncIterator in value ||
    Symbol.iterator in value ||
    'getReader' in value ||
    ('length' in value && typeof value.length === 'number')
  );
}

/** Whether `value` is an Observable (of any rxjs) or a Promise. */
export function isDeferred(value: unknown): value is Observable<unknown> | PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return isObservable(value) || interopMethod() in value || ('then' in value && typeof value.then === 'function');
}

// The method by which Observables of other libraries are known; `Symbol.observable` exists where it was polyfilled.
function interopMethod(): PropertyKey {
  return (Symbol as { readonly observable?: symbol }).observable ?? '@@observable';
}
