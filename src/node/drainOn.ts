import { constants } from 'node:os';
import { defer, fromEvent, merge, type MonoTypeOperatorFunction, type Observable, of, take, takeUntil } from 'rxjs';
import { fail } from '../errors/expect.js';

/** What asks for an end: signals of the process, or an `AbortSignal`. */
export type DrainSignal = NodeJS.Signals | readonly NodeJS.Signals[] | AbortSignal;

/**
 * Ends a source of work at a signal, so that a service stops as it should: no new work, and what is running comes to its end.
 *
 * ```
 * source:                 -a-b-c-d-e-
 * SIGTERM:                ------!
 * drainOn('SIGTERM'):     -a-b-c|
 * … mergeMap(work):       --A-B----C|      c was running, and is finished
 * ```
 *
 * It stands **before** the work: what is below it is not unsubscribed from. When all has ended, nothing of this library
 * keeps the process alive. A work that must not take longer than the platform waits (often 10 to 30 s) gets a limit of its own, as
 * `timeouts: { total }`, or leaves a checkpoint, as `runBatch` does with a `journal`.
 *
 * With an iterable as the second argument it is an async iterable that ends at the signal: for `pullMap`, whose source is asked
 * and not listened to. One that is being waited for is left, and closed.
 *
 * The process is listened to while somebody is subscribed, and only until the first signal: the second one ends the process as
 * it would have without.
 *
 * **Completes** at the signal, or with the source; an error passes.
 *
 * @param signal `'SIGTERM'`, several of them, or an `AbortSignal`.
 * @throws TypeError at once when the signal is none.
 *
 * @example
 * ```ts
 * import { interval, mergeMap, timer } from 'rxjs';
 * import { drainOn } from 'rxmistral/node';
 *
 * const stop = new AbortController();
 * setTimeout(() => stop.abort(), 35);
 *
 * interval(10)
 *   .pipe(drainOn(stop.signal), mergeMap(() => timer(20), 5))
 *   .subscribe({ complete: () => console.log('all that had begun has ended') });
 * ```
 */
export function drainOn<T>(signal: DrainSignal): MonoTypeOperatorFunction<T>;
export function drainOn<T>(signal: DrainSignal, source: Iterable<T> | AsyncIterable<T>): AsyncIterable<T>;
export function drainOn<T>(
  signal: DrainSignal,
  source?: Iterable<T> | AsyncIterable<T>,
): MonoTypeOperatorFunction<T> | AsyncIterable<T> {
  const end = endOf(signal);
  if (source === undefined) return takeUntil(end);
  if (!isIterable(source)) fail('source', 'an iterable or an async iterable', source);
  return { [Symbol.asyncIterator]: () => iterateUntil(end, source) };
}

function endOf(signal: DrainSignal): Observable<unknown> {
  if (signal instanceof AbortSignal) return defer(() => (signal.aborted ? of(undefined) : fromEvent(signal, 'abort')));
  const names: readonly unknown[] = [signal].flat();
  if (names.length === 0 || !names.every(isHeard)) fail('signal', "a signal that a process can hear of, as 'SIGTERM', an array of them, or an AbortSignal", signal);
  return merge(...names.map((name) => fromEvent(process, name as string))).pipe(take(1));
}

function isIterable(source: unknown): boolean {
  return typeof source === 'string' || (typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source));
}

function isHeard(name: unknown): boolean {
  return typeof name === 'string' && name in constants.signals && name !== 'SIGKILL' && name !== 'SIGSTOP';
}

async function* iterateUntil<T>(end: Observable<unknown>, source: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, undefined> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const state = { isOver: false, isDone: false, stopWaiting: (): void => undefined };
  const subscription = end.subscribe({
    next: () => {
      state.isOver = true;
      state.stopWaiting();
    },
    error: () => undefined,
  });
  // A promise for each value: one that lasted would remember every wait.
  const nextOrEnd = (): Promise<IteratorResult<T> | undefined> =>
    new Promise((resolve, reject) => {
      state.stopWaiting = () => {
        resolve(undefined);
      };
      Promise.resolve(iterator.next()).then(resolve, reject);
    });
  try {
    while (!state.isOver) {
      const result = await nextOrEnd();
      if (result === undefined) break;
      state.isDone = result.done === true;
      if (result.done) break;
      yield result.value;
    }
    return undefined;
  } finally {
    subscription.unsubscribe();
    // One that is being waited for closes when its wait is over; nobody waits for that here.
    if (!state.isDone) Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
