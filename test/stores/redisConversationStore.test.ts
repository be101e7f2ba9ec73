import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConversationEntry } from '../../src/events/ConversationStore.js';
import { type RedisClient, redisConversationStore } from '../../src/stores/index.js';
import { freePort } from '../fixtures/freePort.js';
import { redisServer } from '../fixtures/servers.js';
import { conversationStoreContract } from './conversationStoreContract.js';
import { processesContract } from './processes.js';

const said = (content: string): ConversationEntry => ({ type: 'message.input', role: 'user', content });
const { url, missing } = await redisServer();

describe.skipIf(missing)(`redisConversationStore ${missing ?? ''}`, () => {
  let prefix: string;
  let redis: Redis;
  beforeEach(() => {
    prefix = `test:${randomUUID()}`;
    redis = new Redis(url);
  });
  afterEach(async () => {
    const keys = await redis.keys(`*${prefix}*`);
    if (keys.length > 0) await redis.del(keys);
    redis.disconnect();
  });

  describe.each<[string, { keyPrefix?: string; enableAutoPipelining?: boolean }]>([
    ['as it comes', {}],
    ['with a key prefix', { keyPrefix: 'app:' }],
    ['with a hash tag of the user', { keyPrefix: '{app}:' }],
    ['with automatic pipelining', { enableAutoPipelining: true }],
  ])('on a client %s', (_, options) => {
    conversationStoreContract(() => {
      const clients = [new Redis(url, options), new Redis(url, options)] as const;
      return {
        first: redisConversationStore(clients[0], { prefix }),
        second: redisConversationStore(clients[1], { prefix }),
        close() {
          for (const client of clients) client.disconnect();
        },
      };
    });
  });

  processesContract(() => ({ driver: 'redis', location: url, name: prefix }));

  it('writes below its prefix alone, behind that of the client', async () => {
    const client = new Redis(url, { keyPrefix: 'app:' });
    await redisConversationStore(client, { prefix }).append('a', [said('1')], 0);
    client.disconnect();

    expect((await redis.keys(`*${prefix}*`)).sort()).toEqual([`app:{${prefix}:1}:entries:a`, `app:{${prefix}:1}:index`]);
  });

  it('leaves no key behind a deleted conversation', async () => {
    const store = redisConversationStore(redis, { prefix });
    await store.append('a', [said('1')], 0);
    await store.delete('a');

    expect(await redis.keys(`*${prefix}*`)).toEqual([]);
  });

  it('goes on when the server has forgotten the scripts', async () => {
    const store = redisConversationStore(redis, { prefix });
    await store.append('a', [said('1')], 0);
    await redis.script('FLUSH');

    expect(await store.append('a', [said('2')], 1)).toBe(2);
  });

  describe('expireAfter', () => {
    it('is the life of a conversation behind its last entry', async () => {
      const store = redisConversationStore(redis, { prefix, expireAfter: 500_000 });
      await store.append('a', [said('1')], 0);
      const key = `{${prefix}:1}:entries:a`;
      expect(await redis.pttl(key)).toBeGreaterThan(0);

      await redis.pexpire(key, 100_000);
      await store.append('a', [said('2')], 1);
      expect(await redis.pttl(key)).toBeGreaterThan(100_000);
      expect(await redis.pttl(key)).toBeLessThanOrEqual(500_000);
    });

    it('is taken off by an append that has none', async () => {
      await redisConversationStore(redis, { prefix, expireAfter: 500_000 }).append('a', [said('1')], 0);
      await redisConversationStore(redis, { prefix }).append('a', [said('2')], 1);

      expect(await redis.pttl(`{${prefix}:1}:entries:a`)).toBe(-1);
    });

    it('takes a conversation out of lists, whose pages stay full', async () => {
      const lasting = redisConversationStore(redis, { prefix });
      const store = redisConversationStore(redis, { prefix, expireAfter: 1 });
      const ids = Array.from({ length: 30 }, (_, index) => String(index).padStart(2, '0'));
      for (const id of ids) await (Number(id) % 3 === 0 ? lasting : store).append(id, [said(id)], 0);
      await sleep(20);

      expect(await store.load('01')).toBeUndefined();
      expect((await store.list({ limit: 4 })).map(({ id }) => id)).toEqual(['00', '03', '06', '09']);
      expect((await store.list({ after: '09' })).map(({ id }) => id)).toEqual(['12', '15', '18', '21', '24', '27']);
      await store.list();
      // Only what stays is still in the index.
      const index = await Promise.all((await redis.keys(`*${prefix}*:index`)).map((key) => redis.zcard(key)));
      expect(index.reduce((sum, count) => sum + count, 0)).toBe(10);
    });

    it('lets an id begin anew', async () => {
      const store = redisConversationStore(redis, { prefix, expireAfter: 1 });
      await store.append('a', [said('1')], 0);
      await sleep(20);

      await expect(store.append('a', [said('2')], 1)).rejects.toMatchObject({ kind: 'conflict', actualVersion: 0 });
      expect(await store.append('a', [said('2')], 0)).toBe(1);
    });
  });

  it('adds once what the client sent twice, because the connection broke before the answer', async () => {
    let answers = 0;
    // Answers to the script, and to nothing else, are `*2` lists: the first one is lost with its connection.
    const proxy = await startProxy(url, (socket, answer) => {
      if (answer.startsWith('*2') && ++answers === 1) socket.destroy();
      else socket.write(answer);
    });
    const client = new Redis({ port: proxy.port, host: '127.0.0.1', db: redis.options.db ?? 0, retryStrategy: () => 10 });
    const store = redisConversationStore(client, { prefix });

    expect(await store.append('a', [said('1'), said('2')], 0)).toBe(2);
    expect(answers).toBe(2);
    expect(await redisConversationStore(redis, { prefix }).load('a')).toEqual({ id: 'a', version: 2, entries: [said('1'), said('2')] });
    client.disconnect();
    proxy.close();
  });

  describe('an error of Redis', () => {
    it('passes as it is, without the entries, and nothing is added', async () => {
      const store = redisConversationStore(redis, { prefix });
      await redis.set(`{${prefix}:1}:index`, 'in the way');

      const error: unknown = await Promise.resolve(store.append('a', [said('secret')], 0)).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'ReplyError', message: expect.stringContaining('WRONGTYPE') });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret/);
      expect(await store.load('a')).toBeUndefined();
    });

    it('of a client that is closed passes, too', async () => {
      const store = redisConversationStore(redis, { prefix });
      redis.disconnect();

      await expect(store.load('a')).rejects.toThrow('Connection is closed.');
      const error: unknown = await Promise.resolve(store.append('a', [said('secret')], 0)).catch((reason: unknown) => reason);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret/);
      redis = new Redis(url);
    });
  });

  it.each([
    ['text that is none of ours', 'secret'],
    ['text that is no JSON', '1 x secret {'],
    ['JSON that is no entry', '1 x "secret"'],
  ])('tells that a conversation was changed: %s', async (_, text) => {
    const store = redisConversationStore(redis, { prefix });
    await store.append('a', [said('1')], 0);
    await redis.rpush(`{${prefix}:1}:entries:a`, text);

    const error: unknown = await Promise.resolve(store.load('a')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'protocol', message: 'The stored conversation is damaged: record 1 is no entry' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret/);
  });
});

const withServer = await new Promise<boolean>((resolve) => {
  spawn('redis-server', ['--version'])
    .on('error', () => {
      resolve(false);
    })
    .on('exit', () => {
      resolve(true);
    });
});

describe.skipIf(!withServer && process.env['CI'] !== 'true')('redisConversationStore in a cluster (needs redis-server)', () => {
  // A cluster of one node has the rule that matters: a script whose keys are in several slots is refused.
  it('keeps what a script needs in one slot', async () => {
    const port = await freePort();
    const directory = await mkdtemp(join(tmpdir(), 'cluster-'));
    const settings = { port, bind: '127.0.0.1', 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1', save: '', dir: directory };
    const server = spawn('redis-server', Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]));
    try {
      const node = new Redis(port, { retryStrategy: () => 20, maxRetriesPerRequest: null });
      node.on('error', () => undefined);
      await node.cluster('ADDSLOTSRANGE', 0, 16_383);
      while (!(await node.cluster('INFO')).includes('cluster_state:ok')) await sleep(20);
      node.disconnect();

      const cluster = new Cluster([{ host: '127.0.0.1', port }]);
      const store = redisConversationStore(cluster);
      const ids = Array.from({ length: 40 }, (_, index) => `{${index}}`).sort();
      for (const id of ids) await store.append(id, [said(id)], 0);

      expect((await store.list({ limit: 50 })).map(({ id }) => id)).toEqual(ids);
      expect(await store.load('{7}')).toEqual({ id: '{7}', version: 1, entries: [said('{7}')] });
      expect(await store.delete('{7}')).toBe(true);
      cluster.disconnect();
    } finally {
      server.kill('SIGKILL');
      await once(server, 'exit');
      await rm(directory, { recursive: true });
    }
  });
});

describe('redisConversationStore', () => {
  const client: RedisClient = { defineCommand: () => undefined, lrange: () => Promise.resolve([]), zrangebylex: () => Promise.resolve([]) };

  it.each([
    [undefined, {}, 'Expected `redis` to be a client of ioredis, got undefined'],
    [{}, {}, 'Expected `redis` to be a client of ioredis, got an object'],
    [client, { prefix: '' }, 'Expected `prefix` to be a string that is not empty, got ""'],
    [client, { prefix: '{a}' }, 'Expected `prefix` to be a string without { and }, got "{a}"'],
    [client, { expireAfter: 0 }, 'Expected `expireAfter` to be an integer >= 1, got 0'],
    [client, 7, 'Expected `options` to be an object, got 7'],
  ])('refuses bad options at the call (%#)', (given, options, message) => {
    expect(() => redisConversationStore(given as RedisClient, options as object)).toThrow(new TypeError(message));
  });
});

/** A proxy before the Redis at `url`; `answer` has each piece of what the server says. */
async function startProxy(target: string, answer: (socket: Socket, text: string) => void): Promise<{ port: number; close(): void }> {
  const { hostname, port } = new URL(target);
  const server = createServer((socket) => {
    const upstream = connect(Number(port || 6379), hostname);
    socket.on('data', (data) => upstream.write(data)).on('close', () => upstream.destroy());
    socket.on('error', () => undefined);
    upstream.on('error', () => undefined);
    upstream.setEncoding('utf8').on('data', (text: string) => {
      answer(socket, text);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}
