import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { asyncScheduler } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { ChannelWatch } from '../../src/redis/ChannelWatch.js';
import { redisServer } from '../fixtures/servers.js';
import { waitFor } from '../fixtures/waitFor.js';
import { startProxy } from './fixtures/startProxy.js';

const { url, missing } = await redisServer();

describe.skipIf(missing)(`ChannelWatch ${missing ?? ''}`, () => {
  it('leaves nothing unhandled where the last one leaves while the connection that was lost listens again', async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', listen);
    let answers = 0;
    const proxy = await startProxy(url, (socket, piece) => {
      if (!piece.includes('subscribe')) socket.write(piece);
      else if ((answers += 1) === 1) socket.write(piece, () => socket.destroy());
      else watching.unsubscribe();
    });
    const redis = new Redis(proxy.url);
    const duplicate = vi.spyOn(redis, 'duplicate');
    const watching = new ChannelWatch(redis, 60_000, asyncScheduler).watch('news').subscribe({ error: (error: unknown) => { throw error; } });
    await waitFor(() => { expect(duplicate.mock.results[0]?.value).toMatchObject({ status: 'end' }); });
    await turnOfEventLoop();
    redis.disconnect();
    proxy.close();
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });
});
