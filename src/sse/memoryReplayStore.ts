import {
  asyncScheduler,
  concat,
  defer,
  EMPTY,
  finalize,
  NEVER,
  Observable,
  of,
  type SchedulerLike,
  skipWhile,
} from 'rxjs';
import { expectDuration, expectInteger, expectObject, expectScheduler } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { ReplayPlace, ReplayStore } from '../events/ReplayStore.js';
import { MemoryStream } from './MemoryStream.js';

/** Options of {@link memoryReplayStore}. */
export interface MemoryReplayStoreOptions {
  /**
   * The most events that are kept of each stream; the oldest are dropped for new ones.
   * @defaultValue 10,000
   */
  readonly maxEvents?: number | undefined;
  /**
   * For how long an event is kept, in milliseconds. A stream that has ended is forgotten with its last one.
   * @defaultValue 300,000: five minutes
   */
  readonly maxAge?: number | undefined;
  /**
   * The most streams. For one more, the one that has ended the longest ago is forgotten; where none has ended, it is refused with
   * an error of kind `limit`.
   * @defaultValue 1,000
   */
  readonly maxStreams?: number | undefined;
  /** The clock. @defaultValue asyncScheduler */
  readonly scheduler?: SchedulerLike | undefined;
}

/**
 * Keeps the events of streams in the memory of this process: for one process, or where a client always comes back to the same.
 *
 * ```
 * writer   create -a-b-c-|
 * reader   join(0) -a-b-!                  the connection is lost
 * reader        join(2)   c|               what it missed, and then live
 * late              join(0) (abc|)
 * ```
 *
 * It runs no timer: what is too old is dropped when the store is next used, so a store that nobody uses keeps what it has.
 *
 * @throws TypeError when an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { from } from 'rxjs';
 * import { memoryReplayStore, toServerSentEvents } from 'rxmistral/sse';
 *
 * const replay = memoryReplayStore({ maxAge: 60_000 });
 * const connect = (lastEventId?: string) =>
 *   new Response(toServerSentEvents(from(['a', 'b', 'c']), { replay, key: 'chat-1', lastEventId })).text();
 *
 * console.log(await connect()); // ids 1, 2 and 3
 * console.log(await connect('2')); // id 3 alone: the source is not subscribed to again
 * ```
 *
 * @see {@link toServerSentEvents}
 */
export function memoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  expectObject('options', options);
  const { maxEvents = 10_000, maxAge = 300_000, maxStreams = 1_000, scheduler = asyncScheduler } = options;
  expectInteger('maxEvents', maxEvents, 1);
  expectDuration('maxAge', maxAge, 1);
  expectInteger('maxStreams', maxStreams, 1);
  expectScheduler('scheduler', scheduler);
  const streams = new Map<string, MemoryStream>();

  // The stream, without what is too old in it; none where nothing is left.
  const find = (key: string): MemoryStream | undefined => {
    const stream = streams.get(key);
    if (stream?.dropOlder(scheduler.now() - maxAge) !== 'spent') return stream;
    streams.delete(key);
    return undefined;
  };
  const makeRoom = (): void => {
    for (const key of streams.keys()) find(key);
    if (streams.size < maxStreams) return;
    const [oldest] = [...streams].filter(([, { hasEnded }]) => hasEnded).sort(([, a], [, b]) => a.touchedAt - b.touchedAt);
    if (oldest === undefined) throw new RxMistralError({ kind: 'limit', message: `More than ${maxStreams} streams are running (\`maxStreams\`)` });
    streams.delete(oldest[0]);
  };

  return {
    create(key) {
      if (find(key) !== undefined) return false;
      makeRoom();
      streams.set(key, new MemoryStream(maxEvents, scheduler.now()));
      return true;
    },
    append(key, events) {
      find(key)?.append(events, scheduler.now());
    },
    end(key) {
      find(key)?.end(scheduler.now());
    },
    join: (key, after) =>
      defer((): Observable<ReplayPlace> => {
        const stream = find(key);
        const place = stream?.placeOf(after) ?? 'unknown';
        if (stream === undefined || place !== 'open') return concat(of(place), NEVER);
        stream.countReader(1);
        return concat(of(place), NEVER).pipe(
          finalize(() => {
            stream.countReader(-1);
          }),
        );
      }),
    read: (key, after, limit) =>
      // Constructed: it is asked by every reader for every event, and the chain of operators that it could be was the larger part of what
      // serving a thousand of them cost.
      new Observable((reader) => {
        const stream = find(key);
        if (stream !== undefined) return stream.read(after, limit, reader);
        reader.next({ place: 'unknown' });
        reader.complete();
        return undefined;
      }),
    readers: (key) => defer(() => find(key)?.readers.pipe(skipWhile((count) => count === 0)) ?? EMPTY),
  };
}
