import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { expectDuration, expectInteger, expectMethods, expectObject, expectScheduler, expectText, fail } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { ReplayStore } from '../events/ReplayStore.js';
import { EventLog } from './EventLog.js';
import type { RedisClient } from './RedisClient.js';

/** Options of {@link redisReplayStore}: the same in all processes. */
export interface RedisReplayStoreOptions {
  /**
   * What all keys begin with, behind the client's own `keyPrefix`; without `{` and `}`, which are put around it.
   * @defaultValue `'rxmistral:replay'`
   */
  readonly prefix?: string | undefined;
  /**
   * The most events that are kept of each stream; the oldest are dropped for new ones.
   * @defaultValue 10,000
   */
  readonly maxEvents?: number | undefined;
  /**
   * For how long an event is kept, in milliseconds. A stream that has ended is forgotten so long after its end.
   * @defaultValue 300,000: five minutes
   */
  readonly maxAge?: number | undefined;
  /**
   * How long a process may be silent before it is taken for gone, in milliseconds; each tells three times as often that it is
   * there.
   * @defaultValue 10,000
   */
  readonly lease?: number | undefined;
  /** The timers of this process: what is told and looked for regularly. The clock is that of Redis. @defaultValue asyncScheduler */
  readonly scheduler?: SchedulerLike | undefined;
}

/**
 * Keeps the events of streams in Redis, for any number of processes: a client goes on at another one than it left.
 *
 * ```
 * process 1   create -a-b-c-|
 * process 2          join(0) -a-b-!              the connection is lost
 * process 3                    join(2)   c|      what it missed, and then live
 * ```
 *
 * Each step is one script, by the clock of Redis. Commands go over the client, which stays the user's, who opens and closes it,
 * and gets some commands that begin with `rxmistral`. To wait, each store has one connection more, a `duplicate()` of the client:
 * it is there while somebody reads or writes a stream, and closed with the last of them. A message on it is only a hint, so
 * that one that is lost costs a quarter of `lease`, and no event.
 *
 * **Where a process is killed**, its readers count no more after `lease`. A stream whose writer is gone is ended, with an error
 * event of kind `truncated` as its last one, by any process that reads it: all of its clients are told within two leases.
 * Where nobody reads it, it is forgotten with its age.
 *
 * **Where Redis is away**, commands wait as the client is set up to (`maxRetriesPerRequest`, `enableOfflineQueue`), and go on with
 * no event lost or repeated as far as Redis has kept them: `appendonly yes`, with `appendfsync always`, or `everysec` and the
 * last second at risk. What does not wait any longer fails with an error of kind `connection`. `maxmemory-policy` has to be
 * `noeviction`, or Redis forgets streams to make room.
 *
 * **Keys**: three a stream, in one slot of a cluster, that expire `maxAge` behind the end. While it is being written, a stream
 * is kept by its writer. Redis 6.2 or later.
 *
 * @param redis A client of `ioredis`.
 * @throws TypeError at once when the client is none, or an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { Redis } from 'ioredis';
 * import { from } from 'rxjs';
 * import { redisReplayStore } from 'rxmistral/redis';
 * import { toServerSentEvents } from 'rxmistral/sse';
 *
 * const redis = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
 * const replay = redisReplayStore(redis, { maxAge: 60_000 });
 * // What two machines would do: each has a store of its own.
 * const elsewhere = redisReplayStore(redis, { maxAge: 60_000 });
 * const key = crypto.randomUUID();
 *
 * const begun = toServerSentEvents(from(['a', 'b', 'c']), { replay, key });
 * console.log(await new Response(begun).text()); // ids 1, 2 and 3
 * const gone = toServerSentEvents(undefined, { replay: elsewhere, key, lastEventId: '2' });
 * console.log(await new Response(gone).text()); // id 3 alone
 * redis.disconnect();
 * ```
 *
 * @see https://redis.io/docs/latest/develop/data-types/streams/
 */
export function redisReplayStore(redis: RedisClient, options: RedisReplayStoreOptions = {}): ReplayStore {
  if ((redis as unknown) === undefined) fail('redis', 'a client of ioredis', redis);
  expectMethods('redis', redis, 'a client of ioredis', ['defineCommand', 'duplicate']);
  expectObject('options', options);
  const { prefix = 'rxmistral:replay', maxEvents = 10_000, maxAge = 300_000, lease = 10_000, scheduler = asyncScheduler } = options;
  expectText('prefix', prefix);
  if (/[{}]/.test(prefix)) fail('prefix', 'a string without { and }', prefix);
  expectInteger('maxEvents', maxEvents, 1);
  expectInteger('maxAge', maxAge, 1);
  expectDuration('maxAge', maxAge, 1);
  expectInteger('lease', lease, 100);
  expectDuration('lease', lease, 100);
  expectScheduler('scheduler', scheduler);

  const log = new EventLog(redis, { prefix, maxEvents, maxAge, lease, scheduler });
  // Of the streams that are written here, by their keys.
  const writers = new Map<string, string>();

  return {
    async create(key) {
      const writer = crypto.randomUUID();
      const isCreated = await log.create(key, writer);
      if (isCreated) writers.set(key, writer);
      return isCreated;
    },
    async append(key, events) {
      const appended = await log.append(key, writers.get(key) ?? '', events);
      if (appended === 'taken') throw new RxMistralError({ kind: 'conflict', message: 'Another process writes this stream' });
    },
    async end(key) {
      // Of one that it has lost, this process ends nothing that others write by now.
      const writer = writers.get(key);
      writers.delete(key);
      await log.end(key, writer);
    },
    join: (key, after) => log.join(key, after),
    read: (key, after, limit) => log.read(key, after, limit),
    readers: (key) => log.readers(key),
  };
}
