import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withServer } from '../redis/fixtures/startRedis.js';
import { root, run } from './programs.js';

it.skipIf(!withServer)('examples/distributed ends every job once, over a killed worker (needs redis-server)', { timeout: 360_000 }, async () => {
  // Nothing answers there, so that it starts a Redis of its own. No key: it takes the simulator.
  const env = { MISTRAL_API_KEY: '', REDIS_URL: 'redis://127.0.0.1:1' };
  const { code, output } = await run(join(root, 'examples/distributed/main.ts'), env, 330_000);
  expect(output).toMatch(/^Redis started at redis:\/\/127\.0\.0\.1:\d+\nSimulator at .*\nAPI at http:\/\/127\.0\.0\.1:\d+\n/);
  expect(output).toMatch(/^worker \d+ killed amid \d+ jobs; another takes its place$/m);
  expect(output).toMatch(/^60 of 60 jobs ended, each once, \d+ of them taken over from a killed worker; every token was seen once, over \d+ connections\.\n$/m);
  expect(output).not.toContain('\u001B');
  expect(code).toBe(0);
});
