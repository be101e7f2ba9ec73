import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pausedCount, pauseQueue } from '../../src/bullmq/pauseQueue.js';
import { redisServer } from '../fixtures/servers.js';
import { TestQueue } from './queues.js';

const { url, missing } = await redisServer();

describe.skipIf(missing)(`pauseQueue ${missing ?? ''}`, { timeout: 180_000 }, () => {
  let test: TestQueue;
  let key: string;
  beforeEach(() => {
    test = new TestQueue(url);
    key = test.queue.toKey('limiter');
  });
  afterEach(async () => {
    await test.close();
  });

  it('holds for the longest time that any of several machines was told at once', async () => {
    const machines = Array.from({ length: 8 }, () => test.connect());
    for (let round = 0; round < 20; round += 1) {
      await test.redis.del(key);
      await Promise.all(machines.map((redis, index) => pauseQueue(redis, key, index === round % 8 ? 3_600_000 : 1_000 * (index + 1))));
      expect(await test.redis.pttl(key)).toBeGreaterThan(1_800_000);
    }
  });

  it('takes the place of what a limiter has counted', async () => {
    await test.redis.set(key, 7, 'PX', 3_600_000);
    await pauseQueue(test.redis, key, 60_000);
    expect(await test.redis.get(key)).toBe(String(pausedCount));
    expect(await test.redis.pttl(key)).toBeLessThanOrEqual(60_000);
  });

  it('is what BullMQ itself knows as a queue that waits', async () => {
    await pauseQueue(test.redis, key, 60_000);
    expect(await test.queue.getRateLimitTtl()).toBeGreaterThan(30_000);
  });
});
