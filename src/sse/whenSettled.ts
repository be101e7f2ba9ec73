import { from, type Observable, of } from 'rxjs';

/** What a store answers, at once where it answers at once: a promise that is there already would still take a turn. */
export function whenSettled<T>(answer: T | PromiseLike<T>): Observable<T> {
  return isPromiseLike(answer) ? from(answer) : of(answer);
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
