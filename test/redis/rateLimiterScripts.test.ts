import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gcra } from '../../src/policies/gcra.js';
import { rateLimiterScripts } from '../../src/redis/rateLimiterScripts.js';
import { redisServer } from '../fixtures/servers.js';
import { seed, seededRandom } from '../wire/fixtures/outcomeOf.js';

const { url, missing } = await redisServer();

// The time is the last argument, and taken off: what is behind it is none of the script's.
const scripts = rateLimiterScripts('local now = tonumber(table.remove(ARGV))\n');

describe.skipIf(missing)(`the scripts of redisRateLimiter ${missing ?? ''}`, () => {
  let redis: Redis;
  beforeAll(() => {
    redis = new Redis(url);
  });
  afterAll(() => {
    redis.disconnect();
  });

  it.each(Array.from({ length: 12 }, (_, index) => seed + index))('decide as the policy does, given the same times (seed %s)', async (own) => {
    const random = seededRandom(own);
    const integer = (most: number): number => 1 + Math.floor(random() * most);
    const key = `test:limit:${randomUUID()}`;
    const limit = integer(20);
    const requests = { limit, interval: integer(2_000), burst: integer(limit) };
    const tokens = { limit: integer(1_000), interval: integer(2_000) };
    const pace = new Gcra(requests);
    const tokenPace = new Gcra({ ...tokens, burst: 1 });
    const run = (script: string, now: number, ...given: readonly (string | number)[]): Promise<unknown> =>
      redis.eval(script, 1, key, requests.limit, requests.interval, requests.burst, tokens.limit, tokens.interval, 60_000, ...given, String(now));

    let now = 1_700_000_000_000;
    let pausedUntil = 0;
    const taken: { weight: number; cost: number; ends: readonly string[] }[] = [];
    for (let step = 0; step < 250; step += 1) {
      now += random() < 0.3 ? 0 : integer(300) + random();
      // A clock that is set back.
      if (random() < 0.02) {
        now -= integer(1_000);
      }
      // The script looks at the clock whatever it does.
      for (const each of [pace, tokenPace]) each.earliest(now);
      const dice = random();
      if (dice < 0.6) {
        const weight = random() < 0.8 ? 1 : integer(4);
        const cost = random() < 0.5 ? 0 : integer(200);
        const start = Math.max(now, pausedUntil, pace.earliest(now), tokenPace.earliest(now));
        const [, , , wait, ...ends] = (await run(scripts.reserve, now, 0, weight, cost)) as [string, number, number, string, ...string[]];
        expect(Number(wait)).toBeCloseTo(start - now, 2);
        // The policy is asked when the time has come.
        now = start;
        expect(Number(ends[0])).toBeCloseTo(pace.take(weight, now), 2);
        tokenPace.take(cost, now);
        await run(scripts.adjust, now, 0);
        taken.push({ weight, cost, ends });
      } else if (dice < 0.75 && taken.length > 0) {
        const { weight, cost, ends } = taken.pop()!;
        await run(scripts.giveBack, now, weight, cost, ...ends);
        pace.giveBack(weight, Number(ends[0]), now);
        tokenPace.adjust(-cost, now);
      } else if (dice < 0.9) {
        const more = integer(200) - 100;
        await run(scripts.adjust, now, more);
        if (more !== 0) tokenPace.adjust(more, now);
      } else {
        const milliseconds = integer(500);
        await run(scripts.tell, now, 'nobody', milliseconds, 0, 0);
        pausedUntil = Math.max(pausedUntil, now + milliseconds);
      }
    }
    await redis.del(key);
  });

  describe('for several who ask at once', () => {
    const limits = [10, 1_000, 1, 0, 0, 60_000] as const;
    const key = `test:limit:${randomUUID()}`;
    const run = (script: string, now: number, ...given: readonly (string | number)[]): Promise<unknown> => redis.eval(script, 1, key, ...limits, ...given, String(now));
    const reserve = async (now: number): Promise<{ wait: number; ends: readonly string[] }> => {
      const [, , , wait, ...ends] = (await run(scripts.reserve, now, 0, 1, 0)) as [string, number, number, string, ...string[]];
      return { wait: Number(wait), ends };
    };

    it('plan one behind the other, and give back only what nobody is planned behind', async () => {
      const [first, second, third] = [await reserve(5_000), await reserve(5_000), await reserve(5_010)];
      expect([first.wait, second.wait, third.wait]).toEqual([0, 100, 190]);
      // The second leaves: its place is lost, for the third stays where it is.
      await run(scripts.giveBack, 5_020, 1, 0, ...second.ends);
      expect((await reserve(5_020)).wait).toBe(280);
      // The last one leaves: its place is free.
      const last = await reserve(5_020);
      await run(scripts.giveBack, 5_030, 1, 0, ...last.ends);
      expect((await reserve(5_030)).wait).toBe(last.wait - 10);
      await redis.del(key);
    });

    it('answer all who can start, and the first who cannot', async () => {
      const answer = (await redis.eval(scripts.reserve, 1, key, 10, 1_000, 3, 0, 0, 60_000, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, '5000')) as string[];
      expect([0, 1, 2, 3].map((index) => Number(answer[3 + 3 * index]))).toEqual([0, 0, 0, 100]);
      expect(answer).toHaveLength(3 + 4 * 3);
      await redis.del(key);
    });
  });
});
