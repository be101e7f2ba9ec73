export type { RedisClient, RedisListener } from './RedisClient.js';
export { redisRateLimiter, type RedisRateLimiterOptions } from './redisRateLimiter.js';
export { redisReplayStore, type RedisReplayStoreOptions } from './redisReplayStore.js';
