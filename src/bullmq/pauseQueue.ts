import { defineScripts } from '../redis/defineScripts.js';
import type { RedisClient } from '../redis/RedisClient.js';

// The count by which BullMQ itself knows a queue that waits: more than any limiter allows.
export const pausedCount = Number.MAX_SAFE_INTEGER;

// One step: several calls are told at once to wait, for different times and in any order. A smaller count is the limiter's own.
const lua = `
local isPaused = tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1])
if not isPaused or redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
`;

/** Lets the queue wait for all of its workers: the later end holds. */
export async function pauseQueue(redis: RedisClient, limiterKey: string, milliseconds: number): Promise<void> {
  const { pause } = defineScripts(redis, 'rxmistralQueue', 1, { pause: lua });
  await pause(limiterKey, pausedCount, milliseconds);
}
