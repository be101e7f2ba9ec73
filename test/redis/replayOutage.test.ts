import { Cluster, Redis } from 'ioredis';
import { firstValueFrom, Observable, of, range, concatMap, timer } from 'rxjs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { redisReplayStore } from '../../src/redis/index.js';
import { toServerSentEvents } from '../../src/sse/index.js';
import { waitFor } from '../fixtures/waitFor.js';
import { seed, seededRandom } from '../wire/fixtures/outcomeOf.js';
import { replayEvent, shown } from '../sse/replayStoreContract.js';
import { type OwnRedis, startRedis, withServer } from './fixtures/startRedis.js';
import { startProxy } from './fixtures/startProxy.js';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const idsOf = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
const paced = (count: number): Observable<number> => range(1, count).pipe(concatMap((value) => timer(2).pipe(concatMap(() => of(value)))));

describe.skipIf(!withServer)('redisReplayStore where Redis is away (needs redis-server)', () => {
  let server: OwnRedis;
  const clients: Redis[] = [];
  const connect = (url: string): Redis => {
    const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    await server.remove();
  });

  it('loses no event and repeats none over a crash in the middle, with `appendonly yes`', async () => {
    const [writing, reading] = [connect(server.url), connect(server.url)];
    const options = { lease: 2_000 };
    const [replay, elsewhere] = [redisReplayStore(writing, options), redisReplayStore(reading, options)];
    const own = new Response(toServerSentEvents(paced(500), { replay, key: 'a' })).text();
    await waitFor(async () => { expect(await writing.xlen('{rxmistral:replay:a}:events')).toBeGreaterThan(50); });
    const others = [1, 2, 3].map(() => new Response(toServerSentEvents(undefined, { replay: elsewhere, key: 'a' })).text());
    await server.kill();
    // Longer than a writer may be silent: it is Redis that was.
    await sleep(2_500);
    await server.restart();
    for (const text of await Promise.all([own, ...others])) expect(idsOf(text)).toEqual(numbers(500));
    const late = await new Response(toServerSentEvents(undefined, { replay: elsewhere, key: 'a', lastEventId: '490' })).text();
    expect(idsOf(late)).toEqual(numbers(500).slice(490));
  }, 180_000);

  it('fails with an error of kind connection where the client waits no longer, and lets nobody wait for ever', async () => {
    const client = new Redis(server.url, { retryStrategy: () => 20, maxRetriesPerRequest: 3 });
    client.on('error', () => undefined);
    clients.push(client);
    const replay = redisReplayStore(client, { lease: 400 });
    const onError = vi.fn();
    const text = new Response(toServerSentEvents(paced(100_000), { replay, key: 'a', onError })).text();
    await waitFor(async () => { expect(await client.xlen('{rxmistral:replay:a}:events')).toBeGreaterThan(5); });
    await server.kill();
    await expect(text).rejects.toMatchObject({ kind: 'connection', message: 'Redis cannot be reached', retryable: true });
    await waitFor(() => { expect(onError).toHaveBeenCalledTimes(2); });
    await expect(replay.create('b')).rejects.toMatchObject({ kind: 'connection', retryable: true });
    await expect(firstValueFrom(replay.join('a', 0))).rejects.toMatchObject({ kind: 'connection' });
  }, 180_000);

  it(`does once what is sent again, wherever answers are lost (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    let lost = 0;
    const proxy = await startProxy(server.url, (socket, piece) => {
      // The answer that is lost is that of a command which was carried out.
      if (random() < 0.05) {
        lost += 1;
        socket.destroy();
      } else socket.write(piece);
    });
    const [writing, reading] = [connect(proxy.url), connect(proxy.url)];
    const [replay, elsewhere] = [redisReplayStore(writing), redisReplayStore(reading)];
    for (let round = 0; round < 5; round += 1) {
      const key = `k${round}`;
      expect(await replay.create(key)).toBe(true);
      const counts: number[] = [];
      replay.readers(key).subscribe({ next: (count) => counts.push(count), error: () => undefined });
      const leaving = [1, 2].map(() => elsewhere.join(key, 0).subscribe({ error: () => undefined }));
      const texts = [1, 2, 3].map(() => new Response(toServerSentEvents(undefined, { replay: elsewhere, key })).text());
      for (let id = 1; id <= 100; id += 1) await replay.append(key, [replayEvent(id)]);
      for (const reader of leaving) reader.unsubscribe();
      await waitFor(() => { expect(counts.at(-1)).toBe(3); });
      await replay.end(key);
      for (const text of await Promise.all(texts)) expect(idsOf(text)).toEqual(numbers(100));
    }
    expect(lost).toBeGreaterThan(5);
    proxy.close();
  }, 180_000);

  it('keeps what a script needs in one slot of a cluster', async () => {
    await server.remove();
    server = await startRedis({ 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' });
    const node = connect(server.url);
    await node.cluster('ADDSLOTSRANGE', 0, 16_383);
    await waitFor(async () => { expect(await node.cluster('INFO')).toContain('cluster_state:ok'); });
    const cluster = new Cluster([{ host: '127.0.0.1', port: server.port }]);
    const replay = redisReplayStore(cluster, { lease: 400 });
    for (const key of ['a', '{b}', '}c{', 'd{e}']) {
      await replay.create(key);
      const next = firstValueFrom(replay.read(key, 0, 10));
      await replay.append(key, [replayEvent(1)]);
      expect(shown(await next)).toEqual([1]);
      await replay.end(key);
    }
    cluster.disconnect();
  }, 180_000);
});
