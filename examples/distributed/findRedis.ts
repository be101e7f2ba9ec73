import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** A Redis to work with. */
export interface FoundRedis {
  readonly url: string;
  readonly isOurs: boolean;
  /** Ends it, where it was started here. */
  stop(): Promise<void>;
}

/** The Redis of `REDIS_URL`, or of this machine; where there is none, one that is started for this run, on a port and in a directory of its own. */
export async function findRedis(): Promise<FoundRedis> {
  const url = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
  if (await answers(url)) return { url, isOurs: false, stop: () => Promise.resolve() };
  return startRedis();
}

async function startRedis(): Promise<FoundRedis> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const directory = await mkdtemp(join(tmpdir(), 'rxmistral-redis-'));
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--maxmemory-policy', 'noeviction'];
  const server = spawn('redis-server', words, { stdio: 'ignore' });
  const gone = once(server, 'exit');
  const failure = gone.then(
    () => 'redis-server ended at once',
    (error: unknown) => `no redis-server to start (${String(error)}): install it, or set REDIS_URL`,
  );
  while (!(await answers(url))) {
    const reason = await Promise.race([failure, sleep(50)]);
    if (reason !== undefined) throw new Error(reason);
  }
  return {
    url,
    isOurs: true,
    async stop() {
      server.kill();
      await gone;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 2_000, retryStrategy: () => null });
  // The error comes from `connect`, too.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
    return true;
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

/** None of those that the system gives to connections, one of which might have it before Redis does. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 30_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(() => true, () => false);
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
