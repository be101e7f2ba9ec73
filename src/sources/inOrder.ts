import { catchError, concat, defer, from, mergeMap, type MonoTypeOperatorFunction, throwError } from 'rxjs';
import type { Settled } from '../events/Settled.js';

/**
 * Puts results into the order of their inputs, each of which has one. What comes before its turn waits in memory, however
 * much that is. Before an error, what waits is told with its gaps: it has been paid for.
 */
export function inOrder<T, R>(): MonoTypeOperatorFunction<Settled<T, R>> {
  return (source) =>
    defer(() => {
      const waiting = new Map<number, Settled<T, R>>();
      let turn = 0;
      const takeReady = (): Settled<T, R>[] => {
        const ready: Settled<T, R>[] = [];
        for (let next = waiting.get(turn); next !== undefined; next = waiting.get(turn)) {
          ready.push(next);
          waiting.delete(turn);
          turn += 1;
        }
        return ready;
      };

      return source.pipe(
        mergeMap((settled) => {
          waiting.set(settled.index, settled);
          return takeReady();
        }),
        catchError((error: unknown) => {
          const left = [...waiting.values()].sort((a, b) => a.index - b.index);
          return concat(from(left), throwError(() => error));
        }),
      );
    });
}
