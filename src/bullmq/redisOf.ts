import type { Queue, Worker } from 'bullmq';
import { fail } from '../errors/expect.js';
import type { RedisClient } from '../redis/RedisClient.js';
import { redisError } from '../redis/redisError.js';

/** What is used of a client of `ioredis`, beside scripts and the connection to listen on. */
export interface JobRedis extends RedisClient {
  hget(key: string, field: string): Promise<string | null>;
  hexists(key: string, field: string): Promise<number>;
  hdel(key: string, ...fields: string[]): Promise<number>;
  get(key: string): Promise<string | null>;
  set(key: string, value: number, mode: 'PX', milliseconds: number): Promise<unknown>;
}

/**
 * The client of `ioredis` that BullMQ itself uses.
 *
 * @throws TypeError where it is another driver's.
 * @throws RxMistralError of kind `connection` where it was closed before it was there.
 */
export async function redisOf(bull: Pick<Queue | Worker, 'backend'>): Promise<JobRedis> {
  const client: unknown = await bull.backend.client.catch((error: unknown) => {
    throw redisError(error);
  });
  const commands = client as Partial<Record<string, unknown>>;
  if (typeof commands['defineCommand'] !== 'function' || typeof commands['publish'] !== 'function') {
    fail('connection', 'a client of ioredis', client);
  }
  return client as JobRedis;
}
