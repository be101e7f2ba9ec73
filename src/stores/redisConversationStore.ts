import { ConversationConflictError } from '../errors/ConversationConflictError.js';
import { expectInteger, expectObject, expectText, fail } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import {
  compareIds,
  conversationOf,
  corruptedConversation,
  expectConversationId,
  rangeOf,
  recordsToAppend,
} from '../events/conversationRecords.js';
import type { ConversationStore, ConversationSummary } from '../events/ConversationStore.js';
import { expectDriver } from './expect.js';

/** What is used of a client of `ioredis` 6: a `Redis` has it, and a `Cluster`. */
export interface RedisClient {
  defineCommand(name: string, definition: { lua: string; numberOfKeys?: number; readOnly?: boolean }): void;
  lrange(key: string, start: number, stop: number): Promise<string[]>;
  zrangebylex(key: string, min: string, max: string, limit: 'LIMIT', offset: number, count: number): Promise<string[]>;
}

/** Options of {@link redisConversationStore}. */
export interface RedisConversationStoreOptions {
  /**
   * What all keys begin with, behind the client's own `keyPrefix`; without `{` and `}`, which are put around it.
   * @defaultValue `'rxmistral:conversations'`
   */
  readonly prefix?: string | undefined;
  /**
   * How long after its last entry a conversation is forgotten, in milliseconds: an integer of at least 1. The last `append`
   * decides: one without it lets the conversation stay.
   * @defaultValue never
   */
  readonly expireAfter?: number | undefined;
}

/**
 * A store of conversations in Redis, through `ioredis`: a list of entries for each conversation, and sorted sets of the
 * ids. An `append` is one script, which Redis runs whole or not at all.
 *
 * In a cluster the conversations spread over 16 slots, each with its part of the ids, so that a script has all of its keys
 * in one place. The client stays the user's, who opens and closes it, and gets some commands that begin with
 * `rxmistral`.
 *
 * - What has returned survives a crash of the server as far as Redis is set up for it: `appendonly yes` with
 *   `appendfsync always`; with `everysec` the last second may be lost, without `appendonly` more. `maxmemory-policy` has to
 *   be `noeviction`, or Redis forgets conversations to make room.
 * - Where the connection breaks before the answer, `ioredis` sends the command again; the script sees that the entries are
 *   there already, and adds them once.
 * - `updatedAt` is by the server's clock. `list` asks each of the 16 parts for `limit` ids.
 *
 * Errors of Redis pass as they are, without the arguments of the command, which `ioredis` hangs on them.
 *
 * @param redis A client of `ioredis`.
 * @throws TypeError at once when the client is none, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Redis } from 'ioredis';
 * import { redisConversationStore } from 'rxmistral/stores';
 *
 * const redis = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
 * const store = redisConversationStore(redis, { prefix: `support-${process.pid}`, expireAfter: 60_000 });
 *
 * await store.append('support-17', [{ type: 'message.input', role: 'user', content: 'Hello!' }], 0);
 * console.log(await store.load('support-17'), await store.list());
 *
 * await store.delete('support-17');
 * redis.disconnect();
 * ```
 */
export function redisConversationStore(redis: RedisClient, options: RedisConversationStoreOptions = {}): ConversationStore {
  expectDriver('redis', redis, 'a client of ioredis', ['defineCommand', 'lrange', 'zrangebylex']);
  expectObject('options', options);
  const { prefix = 'rxmistral:conversations', expireAfter } = options;
  expectText('prefix', prefix);
  if (/[{}]/.test(prefix)) fail('prefix', 'a string without { and }', prefix);
  expectInteger('expireAfter', expireAfter, 1);

  const scripts = defineScripts(redis);
  const indexOf = (bucket: number): string => `{${prefix}:${bucket}}:index`;
  const entriesOf = (id: string): string => `{${prefix}:${bucketOf(id)}}:entries:${id}`;

  return {
    load(id) {
      expectConversationId(id);
      return withoutArguments(
        redis.lrange(entriesOf(id), 0, -1).then((elements) => (elements.length === 0 ? undefined : conversationOf(id, elements.map(recordIn)))),
      );
    },

    append(id, entries, expectedVersion) {
      const records = recordsToAppend(id, entries, expectedVersion);
      const keys = [entriesOf(id), indexOf(bucketOf(id))];
      const writing = scripts.append(2, ...keys, id, expectedVersion, expireAfter ?? 0, crypto.randomUUID(), ...records);
      return withoutArguments(
        writing.then((answer) => {
          const [added, version] = answer as [0 | 1, number];
          if (added === 0) throw new ConversationConflictError({ expectedVersion, actualVersion: version });
          return version;
        }),
      );
    },

    delete(id) {
      expectConversationId(id);
      return withoutArguments(scripts.delete(2, entriesOf(id), indexOf(bucketOf(id)), id).then((removed) => removed === 1));
    },

    list(options) {
      const { limit, after } = rangeOf(options);
      return withoutArguments(listed(limit, after));
    },
  };

  async function listed(limit: number, after: string | undefined): Promise<ConversationSummary[]> {
    const found: ConversationSummary[] = [];
    for (let behind = after; ; ) {
      const wanted = limit - found.length;
      const ids = await idsBehind(behind, wanted);
      found.push(...(await summariesOf(ids)));
      // Fewer than were asked for are the last ones; of those that have expired there may be others behind.
      if (found.length === limit || ids.length < wanted) return found;
      behind = ids.at(-1);
    }
  }

  async function idsBehind(after: string | undefined, limit: number): Promise<string[]> {
    const start = after === undefined ? '-' : `(${after}`;
    const parts = buckets.map((bucket) => redis.zrangebylex(indexOf(bucket), start, '+', 'LIMIT', 0, limit));
    return (await Promise.all(parts)).flat().sort(compareIds).slice(0, limit);
  }

  async function summariesOf(ids: readonly string[]): Promise<ConversationSummary[]> {
    const found = new Map<string, ConversationSummary>();
    const parts = buckets.map(async (bucket) => {
      const own = ids.filter((id) => bucketOf(id) === bucket);
      if (own.length === 0) return;
      const answers = await scripts.summarize(own.length + 1, indexOf(bucket), ...own.map(entriesOf), ...own);
      (answers as [number, string][]).forEach(([version, time], index) => {
        const id = own[index] ?? '';
        if (version > 0) found.set(id, { id, version, updatedAt: Number(time) });
      });
    });
    await Promise.all(parts);
    return ids.flatMap((id) => found.get(id) ?? []);
  }
}

// Both are in the names of keys, so they must stay as they are.
const buckets = Array.from({ length: 16 }, (_, bucket) => bucket);

function bucketOf(id: string): number {
  let hash = 0;
  for (let index = 0; index < id.length; index++) hash = (Math.imul(hash, 31) + id.charCodeAt(index)) | 0;
  return (hash >>> 0) % buckets.length;
}

// An element is the time of its append, the append's own name, and the entry's JSON.
const element = /^\d+ [\w-]+ (.*)$/s;

function recordIn(text: string, index: number): string {
  const [, record] = element.exec(text) ?? [];
  if (record === undefined) throw corruptedConversation(`record ${index} is no entry`);
  return record;
}

// KEYS: entries, index. ARGV: id, expected version, milliseconds to live or 0, name of the append, entries...
const append = `
local version = redis.call('LLEN', KEYS[1])
local expected = tonumber(ARGV[2])
local added = #ARGV - 4
if added > 0 and version == expected + added then
  -- The same append, sent again because its answer was lost.
  local last = redis.call('LINDEX', KEYS[1], -1)
  if string.match(last, '^%d+ ([%w-]+) ') == ARGV[4] then return { 1, version } end
end
if version ~= expected then return { 0, version } end
if added == 0 then return { 1, version } end
local time = redis.call('TIME')
local head = string.format('%d %s ', time[1] * 1000 + math.floor(time[2] / 1000), ARGV[4])
redis.call('ZADD', KEYS[2], 0, ARGV[1])
for index = 5, #ARGV do redis.call('RPUSH', KEYS[1], head .. ARGV[index]) end
if ARGV[3] == '0' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return { 1, version + added }
`;

// KEYS: entries, index. ARGV: id.
const remove = `
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
`;

// KEYS: index, entries of each id... ARGV: ids... Takes those that have expired out of the index.
const summarize = `
local answers = {}
for index = 1, #ARGV do
  local key = KEYS[index + 1]
  local version = redis.call('LLEN', key)
  if version == 0 then
    redis.call('ZREM', KEYS[1], ARGV[index])
    answers[index] = { 0, '0' }
  else
    answers[index] = { version, string.match(redis.call('LINDEX', key, -1), '^%d+') or '0' }
  end
end
return answers
`;

type Script = (numberOfKeys: number, ...keysAndArguments: (string | number)[]) => Promise<unknown>;

// The client knows a script by its digest, and sends its text where the server does not have it.
function defineScripts(redis: RedisClient): Record<'append' | 'delete' | 'summarize', Script> {
  redis.defineCommand('rxmistralAppend', { lua: append });
  redis.defineCommand('rxmistralDelete', { lua: remove });
  redis.defineCommand('rxmistralSummarize', { lua: summarize });
  const commands = redis as RedisClient & Record<'rxmistralAppend' | 'rxmistralDelete' | 'rxmistralSummarize', Script>;
  return {
    append: (...given) => commands.rxmistralAppend(...given),
    delete: (...given) => commands.rxmistralDelete(...given),
    summarize: (...given) => commands.rxmistralSummarize(...given),
  };
}

// The error of a command has the command with all of its arguments: the entries.
function withoutArguments<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    if (isRecord(error) && isRecord(error['command'])) Object.assign(error, { command: { name: error['command']['name'] } });
    throw error;
  });
}
