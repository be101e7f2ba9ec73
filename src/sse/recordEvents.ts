import {
  catchError,
  concat,
  concatMap,
  defaultIfEmpty,
  defer,
  endWith,
  finalize,
  ignoreElements,
  map,
  NEVER,
  type Observable,
  type ObservableInput,
  of,
  repeat,
  type SchedulerLike,
  switchMap,
  take,
  takeUntil,
  throwError,
  timer,
} from 'rxjs';
import { TruncatedStreamError } from '../errors/RxMistralError.js';
import type { ReplayStore } from '../events/ReplayStore.js';
import type { EventEncoder } from './EventEncoder.js';
import { EventQueue } from './EventQueue.js';
import { whenSettled } from './whenSettled.js';

/** A stream that is to be written, and that its writer has made in the store. */
export interface Recording<T> {
  readonly source: ObservableInput<T>;
  readonly encoder: EventEncoder<T, number>;
  readonly store: ReplayStore;
  readonly key: string;
  /** How long the source goes on when nobody reads, in milliseconds. */
  readonly gracePeriod: number;
  /** The most that waits for the store, in characters. */
  readonly maxBuffered: number;
  readonly scheduler: SchedulerLike;
}

/**
 * Writes the events of a source into its stream, one append at a time.
 *
 * ```
 * source    -a-b-c-|
 * readers   1---0--------      nobody is left
 * stream    -a-b-c|            it went on, and came to its end in the grace period
 * ```
 *
 * Where the grace period is over before the source is, and where the source fails, the last event tells so. Where somebody
 * else has ended the stream, the source is unsubscribed from and nothing is added. Completes when the stream is ended; fails
 * where the store does.
 */
export function recordEvents<T>({ source, encoder, store, key, gracePeriod, maxBuffered, scheduler }: Recording<T>): Observable<never> {
  return defer(() => {
    const end = defer(() => whenSettled(store.end(key))).pipe(ignoreElements());
    const abandoned = timer(gracePeriod, scheduler).pipe(map(() => { throw stoppedError(); }));
    const stop = store.readers(key).pipe(
      map((count) => (count === 0 ? abandoned : NEVER)),
      endWith(of(undefined)),
      switchMap((next) => next),
    );
    const queue = new EventQueue(defer(() => source).pipe(takeUntil(stop)), encoder, maxBuffered);
    const append = (events: Parameters<ReplayStore['append']>[1]): Observable<never> =>
      defer(() => whenSettled(store.append(key, events))).pipe(ignoreElements());

    const recorded = defer(() => queue.read()).pipe(
      defaultIfEmpty(undefined),
      concatMap((events) => (events === undefined ? of(undefined) : append(events))),
      repeat(),
      take(1),
      ignoreElements(),
      // The store does not keep pace: the events behind what it has are lost, and it is told why.
      catchError((error: unknown) => append([encoder.encodeError(error)])),
    );
    return concat(recorded, end).pipe(
      // Those who wait for more must not wait for ever.
      catchError((error: unknown) => concat(end.pipe(catchError(() => of())), throwError(() => error))),
      finalize(() => {
        queue.close();
      }),
    );
  });
}

function stoppedError(): TruncatedStreamError {
  return new TruncatedStreamError({ message: 'The answer was stopped: nobody was reading it any more' });
}
