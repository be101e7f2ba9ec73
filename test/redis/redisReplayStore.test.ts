import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { finalize, firstValueFrom, merge, NEVER, Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReplayStore } from '../../src/events/ReplayStore.js';
import { type RedisClient, type RedisListener, redisReplayStore } from '../../src/redis/index.js';
import { toServerSentEvents } from '../../src/sse/index.js';
import { redisServer } from '../fixtures/servers.js';
import { waitFor } from '../fixtures/waitFor.js';
import { startProcess } from './fixtures/startProcess.js';
import { replayEvent, replayStoreContract, shown } from '../sse/replayStoreContract.js';

const { url, missing } = await redisServer();

describe.skipIf(missing)(`redisReplayStore ${missing ?? ''}`, () => {
  let prefix: string;
  let redis: Redis;
  const page = (store: ReplayStore, key: string, after: number): Promise<readonly number[] | string> =>
    firstValueFrom(store.read(key, after, 1_000)).then(shown);
  const connectionsOf = async (name: string): Promise<readonly string[]> =>
    String(await redis.client('LIST')).split('\n').filter((line) => line.includes(` name=${name} `));
  beforeEach(() => {
    prefix = `test:${randomUUID()}`;
    redis = new Redis(url);
  });
  afterEach(async () => {
    const keys = await redis.keys(`*${prefix}*`);
    if (keys.length > 0) await redis.del(keys);
    redis.disconnect();
  });

  describe.each<[string, { keyPrefix?: string; enableAutoPipelining?: boolean; lazyConnect?: boolean }]>([
    ['as it comes', {}],
    ['with a key prefix', { keyPrefix: 'app:' }],
    ['with a hash tag of the user', { keyPrefix: '{app}:' }],
    ['with automatic pipelining', { enableAutoPipelining: true }],
    ['that connects late', { lazyConnect: true }],
  ])('on a client %s', (_, options) => {
    replayStoreContract((settings) => {
      // What only the silence of the channel would tell does not come in time.
      const lease = 200_000;
      const clients = [new Redis(url, options), new Redis(url, options)] as const;
      return {
        writer: redisReplayStore(clients[0], { prefix, lease, ...settings }),
        reader: redisReplayStore(clients[1], { prefix, lease, ...settings }),
        close() {
          for (const client of clients) client.disconnect();
        },
      };
    });
  });


  describe('its connections', () => {
    it('are one more for all who wait, and none when nobody does', async () => {
      const connectionName = `c${randomUUID()}`;
      const client = new Redis(url, { connectionName });
      const store = redisReplayStore(client, { prefix });
      for (const key of ['a', 'b', 'c']) await store.create(key);
      expect(await connectionsOf(connectionName)).toHaveLength(1);
      const readers = new Subscription();
      for (let index = 0; index < 50; index += 1) {
        const key = 'abc'.charAt(index % 3);
        readers.add(merge(store.join(key, 0), store.read(key, 0, 1), store.readers(key)).subscribe({ error: rethrow }));
      }
      await waitFor(async () => { expect(await connectionsOf(connectionName)).toHaveLength(2); });
      await sleep(50);
      expect(await connectionsOf(connectionName)).toHaveLength(2);
      readers.unsubscribe();
      await waitFor(async () => { expect(await connectionsOf(connectionName)).toHaveLength(1); });
      for (const key of ['a', 'b', 'c']) await store.end(key);
      client.disconnect();
    });

    it('give no event twice and leave none out where that which listens is closed again and again', async () => {
      const connectionName = `c${randomUUID()}`;
      const client = new Redis(url, { connectionName, retryStrategy: () => 1 });
      const store = redisReplayStore(client, { prefix, lease: 200_000 });
      const writer = redisReplayStore(redis, { prefix, lease: 200_000 });
      await writer.create('a');
      const text = new Response(toServerSentEvents(undefined, { replay: store, key: 'a' })).text();
      for (let id = 1; id <= 300; id += 1) {
        await writer.append('a', [replayEvent(id)]);
        if (id % 20 > 0) continue;
        for (const line of await connectionsOf(connectionName)) {
          if (!line.includes(' sub=0 ')) await redis.client('KILL', 'ID', /^id=(\d+)/.exec(line)![1]!);
        }
      }
      await writer.end('a');
      expect([...(await text).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
      client.disconnect();
    });

    it('keep no process alive once the client is closed', async () => {
      const program = startProcess('leaveStream.ts', url, prefix);
      expect(await program.line()).toBe('closed');
      const [code] = await program.exit;
      expect(code).toBe(0);
    }, 180_000);

    it('need no message: a reader finds what none has told of', async () => {
      // Says that it listens, and hears nothing.
      const deaf: RedisListener = {
        status: 'wait',
        options: {},
        subscribe: () => Promise.resolve(),
        unsubscribe: () => Promise.resolve(),
        on: () => undefined,
        disconnect: () => undefined,
      };
      const client: RedisClient = Object.create(redis, { duplicate: { value: () => deaf } }) as RedisClient;
      const store = redisReplayStore(client, { prefix, lease: 4_000 });
      await store.create('a');
      const counts: number[] = [];
      const counting = store.readers('a').subscribe({ next: (count) => counts.push(count), error: rethrow });
      const reading = store.join('a', 0).subscribe({ error: rethrow });
      const next = page(store, 'a', 0);
      await sleep(20);
      await store.append('a', [replayEvent(1)]);
      expect(await next).toEqual([1]);
      await waitFor(() => { expect(counts).toEqual([1]); });
      reading.unsubscribe();
      await waitFor(() => { expect(counts).toEqual([1, 0]); });
      counting.unsubscribe();
      await store.end('a');
    });
  });

  describe('maxAge', () => {
    it('is the age at which events are dropped one by one, and a stream that has ended is forgotten', async () => {
      const store = redisReplayStore(redis, { prefix, maxAge: 3_000 });
      await store.create('a');
      await store.append('a', [replayEvent(1)]);
      await sleep(2_000);
      await store.append('a', [replayEvent(2)]);
      await waitFor(async () => { expect(await page(store, 'a', 0)).toBe('expired'); });
      await store.append('a', [replayEvent(3)]);
      // The second may be gone by now, on a busy machine; the third follows on it.
      expect([[2, 3], 'expired']).toContainEqual(await page(store, 'a', 1));
      expect(await page(store, 'a', 2)).toEqual([3]);
      await store.end('a');
      await waitFor(async () => { expect(await page(store, 'a', 3)).toBe('unknown'); });
      expect(await redis.keys(`*${prefix}*`)).toEqual([]);
      expect(await store.create('a')).toBe(true);
      await store.end('a');
    });

    it('forgets no stream that is being written, however long it is silent', async () => {
      const store = redisReplayStore(redis, { prefix, maxAge: 1, lease: 800 });
      await store.create('a');
      // Four leases and more.
      await sleep(4_000);
      expect(await store.create('a')).toBe(false);
      const next = page(store, 'a', 0);
      await store.append('a', [replayEvent(1)]);
      // Read or dropped, but the stream is there.
      expect([[1], 'expired']).toContainEqual(await next);
      await store.end('a');
    });
  });

  it('keeps no more than `maxEvents`, and little more than their text', async () => {
    const store = redisReplayStore(redis, { prefix, maxEvents: 1_000 });
    await store.create('a');
    const data = JSON.stringify({ type: 'text-delta', requestId: randomUUID(), index: 1, text: 'word' });
    for (let first = 1; first <= 5_000; first += 500) {
      await store.append('a', Array.from({ length: 500 }, (_, index) => ({ id: first + index, event: '', data })));
    }
    const key = `{${prefix}:a}:events`;
    expect(await redis.xlen(key)).toBe(1_000);
    expect(await redis.memory('USAGE', key, 'SAMPLES', 0)).toBeLessThan(1_000 * (data.length + 32) + 10_000);
    await store.end('a');
  });

  it('ends no stream that another process has begun in the meantime', async () => {
    const [late, other] = [redisReplayStore(redis, { prefix }), redisReplayStore(redis, { prefix })];
    await late.create('a');
    // What a process does that was suspended for longer than the stream is kept.
    await redis.del(await redis.keys(`*${prefix}*`));
    expect(await other.create('a')).toBe(true);
    await expect(late.append('a', [replayEvent(1)])).rejects.toMatchObject({ kind: 'conflict' });
    await late.end('a');
    await other.append('a', [replayEvent(1)]);
    expect(await page(other, 'a', 0)).toEqual([1]);
    await other.end('a');
  });

  it('stops the source of a stream that Redis has lost', async () => {
    const store = redisReplayStore(redis, { prefix, lease: 400 });
    let isOpen = true;
    const source = NEVER.pipe(finalize(() => { isOpen = false; }));
    const reader = toServerSentEvents(source, { replay: store, key: 'a', heartbeat: false }).getReader();
    const reading = reader.read();
    await waitFor(async () => { expect(await redis.keys(`*${prefix}*readers`)).toHaveLength(1); });
    await redis.del(await redis.keys(`*${prefix}*`));
    await expect(reading).rejects.toMatchObject({ kind: 'limit' });
    await waitFor(() => { expect(isOpen).toBe(false); });
  });

  it('counts the readers of a process that was killed no more', async () => {
    const lease = 4_000;
    const store = redisReplayStore(redis, { prefix, lease });
    await store.create('a');
    const counts: number[] = [];
    const counting = store.readers('a').subscribe({ next: (count) => counts.push(count), error: rethrow });
    const program = startProcess('joinStream.ts', url, prefix, `${lease}`, 'a', '3');
    expect(await program.line()).toBe('joined');
    const own = store.join('a', 0).subscribe({ error: rethrow });
    await waitFor(() => { expect(counts.at(-1)).toBe(4); });
    // It is heard of for longer than one lease.
    await sleep(1.5 * lease);
    expect(counts.at(-1)).toBe(4);
    await program.kill();
    await waitFor(() => { expect(counts.at(-1)).toBe(1); });
    own.unsubscribe();
    counting.unsubscribe();
    await store.end('a');
  }, 180_000);
});

const rethrow = (error: unknown): never => {
  throw error;
};

describe('redisReplayStore', () => {
  const client = { defineCommand: () => undefined, duplicate: () => undefined };
  it.each<[unknown, object, string]>([
    [undefined, {}, 'Expected `redis` to be a client of ioredis, got undefined'],
    [{}, {}, 'Expected `redis` to be a client of ioredis, got an object'],
    [client, { prefix: '' }, 'Expected `prefix` to be a string that is not empty, got ""'],
    [client, { prefix: 'a}' }, 'Expected `prefix` to be a string without { and }, got "a}"'],
    [client, { maxEvents: 0 }, 'Expected `maxEvents` to be an integer >= 1, got 0'],
    [client, { maxAge: 0.5 }, 'Expected `maxAge` to be an integer >= 1, got 0.5'],
    [client, { lease: 99 }, 'Expected `lease` to be an integer >= 100, got 99'],
    [client, { scheduler: {} }, 'Expected `scheduler` to be a scheduler, got an object'],
  ])('refuses bad options at the call (%#)', (given, options, message) => {
    expect(() => redisReplayStore(given as RedisClient, options)).toThrow(new TypeError(message));
  });
});
