import { from, isObservable, type Observable, of } from 'rxjs';

/** What a function that may be synchronous has returned: at once where it was, so that virtual time stays in step. */
export function eventually<T>(result: T | PromiseLike<T>): Observable<T> {
  return isPromiseLike(result) ? from(result) : of(result);
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && !isObservable(value);
}
