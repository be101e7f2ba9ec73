import { asyncScheduler } from 'rxjs';
import { createRateLimiter, type RateLimiterOptions } from '../control/createRateLimiter.js';
import type { RateLimiter } from '../control/RateLimiter.js';
import { expectDuration, expectInteger, expectMethods, expectObject, expectOneOf, expectText, fail } from '../errors/expect.js';
import type { RedisClient } from './RedisClient.js';
import { SharedLimiter } from './SharedLimiter.js';

/** Options of {@link redisRateLimiter}: the same in all processes. */
export interface RedisRateLimiterOptions extends RateLimiterOptions {
  /** Whose limit it is: all who have the same name, and the same Redis, share it. */
  readonly name: string;
  /**
   * What the key begins with, behind the client's own `keyPrefix`.
   * @defaultValue `'rxmistral:limit'`
   */
  readonly prefix?: string | undefined;
  /**
   * What becomes of those who ask while Redis is away:
   *
   * - `'local'`: each process keeps the whole limit by itself. Calls go on; together the processes may start as many more as
   *   there are of them, and a 429 pauses the one that gets it.
   * - `'wait'`: they wait until it is back: no more than the limit, and no calls.
   * - `'fail'`: they fail with an error of kind `connection`, which is retryable.
   *
   * @defaultValue `'local'`: what is guarded has a limit of its own, and the loss of the guard should not be the loss of the
   * service
   */
  readonly whenUnavailable?: 'local' | 'wait' | 'fail' | undefined;
  /**
   * How long Redis may take to answer before it counts as away, in milliseconds.
   * @defaultValue 1,000
   */
  readonly answerTimeout?: number | undefined;
}

/**
 * A rate limiter that all processes share: the one of {@link createRateLimiter}, with its plan in Redis.
 *
 * ```
 * process 1   acquire  p---------p---------p       limit 10, interval 1,000: one each 100 ms
 * process 2   acquire  -----p---------p-----       together, evenly spaced
 * ```
 *
 * The same algorithm, in one script, by the clock of Redis: the clocks of the machines do not matter. Who has to wait has its
 * start planned there, so that an acquire is one round trip (many at once are one together, up to 64), nobody asks in vain,
 * and nothing is to be taken back from a process that dies: its plans are only time. In each process first come is first served;
 * between processes, whose first one asked first.
 *
 * **The worst case**: a permit is used at most L = `max(interval / limit, 50 ms)` behind its plan (a process that is later gives it
 * back, and twice at most), so in any stretch of W milliseconds at most `burst + (W + L) · limit / interval` requests of weight 1
 * start: with the default `burst`, one more in an `interval` than its `limit`.
 *
 * **A pause**, by `pause` or a 429, is in Redis, and told to all who wait: they hear of it at once, and one whose message is
 * lost when it next asks. **Learnt limits** (`x-ratelimit-limit-…`) are shared; what the server has left
 * (`x-ratelimit-remaining-req-minute`) each process counts for itself. A released permit is given back where nobody has his start
 * planned behind it.
 *
 * **Where Redis is away**, or answers later than `answerTimeout`, `whenUnavailable` decides. It is asked again each half second;
 * pauses are told to it then.
 *
 * Commands go over the client, which stays the user's, and gets some that begin with `rxmistral`. While somebody waits, and a second
 * longer, there is one connection more, a `duplicate()`. One key, that expires a day after it was last used.
 *
 * `state$` is that of this process: its own who wait and run; `available` is what Redis said last.
 *
 * @param redis A client of `ioredis`.
 * @throws TypeError at once when the client is none, or an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { Redis } from 'ioredis';
 * import { chatComplete, pullMap } from 'rxmistral';
 * import { redisRateLimiter } from 'rxmistral/redis';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const redis = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
 * // On each machine: together they start ten a second.
 * const limiter = redisRateLimiter(redis, { name: `mistral-${process.pid}`, requests: { limit: 10, interval: 1_000 } });
 * const ask = (content: string) =>
 *   chatComplete(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content }] }, { limiter, retry: {} });
 *
 * pullMap(['Loire', 'Rhine', 'Danube'], ask, { concurrency: 5 }).subscribe({
 *   next: ({ usage }) => console.log(usage.totalTokens),
 *   complete: () => redis.disconnect(),
 * });
 * ```
 *
 * @see https://www.itu.int/rec/T-REC-I.371 Annex A: the algorithm
 */
export function redisRateLimiter(redis: RedisClient, options: RedisRateLimiterOptions): RateLimiter {
  if ((redis as unknown) === undefined) fail('redis', 'a client of ioredis', redis);
  expectMethods('redis', redis, 'a client of ioredis', ['defineCommand', 'duplicate']);
  if ((options as unknown) === undefined) fail('options', 'an object', options);
  expectObject('options', options);
  const { name, prefix = 'rxmistral:limit', whenUnavailable = 'local', answerTimeout = 1_000 } = options;
  const { requests, tokens, maxWaiting = 10_000, headerInterval = 60_000, scheduler = asyncScheduler } = options;
  if ((name as unknown) === undefined) fail('name', 'a string that is not empty', name);
  expectText('name', name);
  expectText('prefix', prefix);
  if (/[{}]/.test(prefix)) fail('prefix', 'a string without { and }', prefix);
  expectOneOf('whenUnavailable', whenUnavailable, ['local', 'wait', 'fail']);
  expectDuration('answerTimeout', answerTimeout, 1);
  // Checks the rest; and is what keeps the limit where Redis is away.
  const local = createRateLimiter({ requests, tokens, maxWaiting: Infinity, headerInterval, scheduler });
  expectInteger('maxWaiting', maxWaiting, 0, true);

  return new SharedLimiter(redis, local, { requests, tokens, maxWaiting, headerInterval, scheduler, whenUnavailable, answerTimeout, key: `${prefix}:{${name}}` });
}
