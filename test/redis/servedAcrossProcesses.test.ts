import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { constantBackoff, isRxMistralError } from '../../src/index.js';
import { remoteChat } from '../../src/sse/index.js';
import { redisServer } from '../fixtures/servers.js';
import { outcomeOf } from '../wire/fixtures/outcomeOf.js';
import { answerOf } from './fixtures/answerOf.js';
import { cutFetch } from './fixtures/cutFetch.js';
import { type Program, startProcess } from './fixtures/startProcess.js';

const { url, missing } = await redisServer();
const reconnect = { backoff: constantBackoff(0), maxRetries: 1_000 };

describe.skipIf(missing)(`an answer that two processes serve ${missing ?? ''}`, () => {
  const prefix = `test:${randomUUID()}`;
  let processes: Program[] = [];
  let redis: Redis;
  const serve = async (lease: number, words: number, pace: number): Promise<number[]> => {
    const started = [1, 2].map(() => startProcess('serveAnswers.ts', url, prefix, `${lease}`, `${words}`, `${pace}`));
    processes.push(...started);
    return Promise.all(started.map(async (program) => Number(await program.line())));
  };
  beforeEach(() => {
    processes = [];
    redis = new Redis(url);
  });
  afterEach(async () => {
    for (const program of processes) await program.kill();
    const keys = await redis.keys(`*${prefix}*`);
    if (keys.length > 0) await redis.del(keys);
    redis.disconnect();
  });

  it('goes on at the other one wherever it is cut, with exactly what was missed', async () => {
    const words = 10;
    const expected = answerOf(words);
    const ports = await serve(10_000, words, 3);
    for (let behind = 1; behind < expected.length; behind += 1) {
      const { fetch, asked } = cutFetch(ports, (connection) => (connection === 0 ? behind : undefined));
      const { events, completed, error } = await outcomeOf(remoteChat('http://127.0.0.1/', {}, { fetch, reconnect }));
      expect([error, completed, events, asked]).toEqual([undefined, true, expected, [null, String(behind)]]);
    }
  }, 300_000);

  it('goes back and forth between the two behind every single event', async () => {
    const words = 40;
    const expected = answerOf(words);
    const ports = await serve(10_000, words, 1);
    const { fetch, asked } = cutFetch(ports, () => 1);
    const { events, completed } = await outcomeOf(remoteChat('http://127.0.0.1/', {}, { fetch, reconnect }));
    expect([completed, events]).toEqual([true, expected]);
    expect(asked).toEqual([null, ...expected.slice(0, -1).map((_, index) => String(index + 1))]);
  }, 300_000);

  it('is begun once, by whichever of many clients of both is first', async () => {
    const expected = answerOf(20);
    const ports = await serve(10_000, 20, 2);
    const chats = Array.from({ length: 20 }, (_, index) => {
      const { fetch } = cutFetch([ports[index % 2]!], () => undefined);
      return outcomeOf(remoteChat('http://127.0.0.1/', {}, { fetch, reconnect, key: 'the same' }));
    });
    for (const { events } of await Promise.all(chats)) expect(events).toEqual(expected);
    // The two lines that tell that one has begun are one.
    const first = await Promise.race(processes.map((program) => program.line()));
    expect(first).toBe('begun');
    const more = Promise.allSettled(processes.map((program) => program.line()));
    for (const program of processes) await program.kill();
    expect((await more).filter(({ status }) => status === 'fulfilled')).toEqual([]);
  }, 300_000);

  it('ends with an error for who reads it elsewhere, where the process that writes it is killed and its lease is over', async () => {
    const lease = 1_000;
    const ports = await serve(lease, 100_000, 5);
    // Begins at the first, and reads at the second.
    const { fetch } = cutFetch(ports, (connection) => (connection === 0 ? 1 : undefined));
    let isKilled = false;
    const { events, error } = await outcomeOf(remoteChat('http://127.0.0.1/', {}, { fetch, reconnect, key: 'cut' }), ({ type }) => {
      if (type !== 'text-delta' || isKilled) return;
      isKilled = true;
      void processes[0]!.kill();
    });
    expect(isRxMistralError(error) && error).toMatchObject({ kind: 'truncated', message: 'The answer was cut: the process that wrote it is gone', retryable: true });
    expect(events.length).toBeGreaterThan(1);
    // Whoever comes later gets the same.
    const { fetch: later } = cutFetch([ports[1]!], () => undefined);
    const again = await outcomeOf(remoteChat('http://127.0.0.1/', {}, { fetch: later, reconnect: false, key: 'cut' }));
    expect([again.events, again.error]).toMatchObject([events, { kind: 'truncated' }]);
  }, 300_000);
});
