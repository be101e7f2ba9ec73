import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { asyncScheduler, firstValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReplayEvent } from '../../src/events/ReplayStore.js';
import { EventLog, type EventLogOptions } from '../../src/redis/EventLog.js';
import { redisServer } from '../fixtures/servers.js';
import { waitFor } from '../fixtures/waitFor.js';
import { seed, seededRandom } from '../wire/fixtures/outcomeOf.js';

const { url, missing } = await redisServer();
const events = (first: number, ...texts: readonly string[]): ReplayEvent[] => texts.map((data, index) => ({ id: first + index, event: '', data }));

describe.skipIf(missing)(`EventLog ${missing ?? ''}`, () => {
  let prefix: string;
  let redis: Redis;
  let options: EventLogOptions;
  const textsIn = async (log: EventLog, key: string): Promise<readonly string[]> => {
    const page = await firstValueFrom(log.read(key, 0, 10_000));
    return page.place === 'open' ? page.events.map(({ data }) => data) : [page.place];
  };
  beforeEach(() => {
    prefix = `test:${randomUUID()}`;
    redis = new Redis(url);
    options = { prefix, maxEvents: 100_000, maxAge: 60_000, lease: 60_000, scheduler: asyncScheduler };
  });
  afterEach(async () => {
    const keys = await redis.keys(`*${prefix}*`);
    if (keys.length > 0) await redis.del(keys);
    redis.disconnect();
  });

  it('is taken over with what is in it, and takes nothing more of who had it', async () => {
    const [a, b] = [new EventLog(redis, options), new EventLog(redis, options)];
    expect(await a.take('job', 'a')).toBe(0);
    expect(await a.append('job', 'a', events(1, '1', '2'))).toBe('added');
    expect(await b.take('job', 'b')).toBe(2);
    expect(await a.append('job', 'a', events(3, 'late'))).toBe('taken');
    expect(await b.append('job', 'b', events(3, '3'))).toBe('added');
    await a.end('job', 'a');
    expect(await b.append('job', 'b', events(4, '4'))).toBe('added');
    await b.end('job', 'b');
    expect(await textsIn(a, 'job')).toEqual(['1', '2', '3', '4']);
    expect(await b.append('job', 'b', events(5, '5'))).toBe('ended');
  });

  it('is not taken back by a command that comes late from who had it', async () => {
    const log = new EventLog(redis, options);
    expect([await log.take('job', 'a'), await log.take('job', 'a'), await log.take('job', 'b'), await log.take('job', 'a')]).toEqual([0, 0, 0, undefined]);
    expect([await log.append('job', 'a', events(1, 'x')), await log.append('job', 'b', events(1, '1'))]).toEqual(['taken', 'added']);
  });

  it('goes on when it is taken again behind its end', async () => {
    const log = new EventLog(redis, options);
    await log.take('job', 'a');
    await log.append('job', 'a', events(1, '1'));
    await log.end('job', 'a');
    expect(await firstValueFrom(log.read('job', 1, 1))).toEqual({ place: 'ended' });
    expect(await log.take('job', 'b')).toBe(1);
    const next = firstValueFrom(log.read('job', 1, 1));
    await log.append('job', 'b', events(2, '2'));
    expect(await next).toMatchObject({ events: [{ id: 2, data: '2' }] });
  });

  it('adds what it is told twice once, a part of it too, and refuses what leaves a gap', async () => {
    const log = new EventLog(redis, options);
    await log.take('job', 'a');
    await log.append('job', 'a', events(1, '1', '2'));
    await log.append('job', 'a', events(1, '1', '2'));
    await log.append('job', 'a', events(2, '2', '3'));
    await expect(log.append('job', 'a', events(5, 'secret'))).rejects.toMatchObject({ kind: 'protocol' });
    expect(await log.append('job', 'a', [])).toBe('added');
    expect(await textsIn(log, 'job')).toEqual(['1', '2', '3']);
  });

  it('has no lease where it was taken: a job may be silent', async () => {
    const log = new EventLog(redis, { ...options, lease: 100 });
    await log.take('job', 'a');
    await log.append('job', 'a', events(1, '1'));
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await log.append('job', 'a', events(2, '2'))).toBe('added');
  });

  it(`holds what a model holds, whoever takes it and sends again (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const log = new EventLog(redis, options);
    const model = { writer: '', had: new Set<string>(), texts: [] as string[], hasEnded: false };
    const names = ['a', 'b', 'c', 'd'];
    const sent: (() => Promise<unknown>)[] = [];
    for (let step = 0; step < 400; step += 1) {
      const name = names[Math.floor(random() * names.length)]!;
      const dice = random();
      if (dice < 0.03) {
        // A writer's name is that of an attempt: a later one has another.
        const attempt = `${name}${step}`;
        names[names.indexOf(name)] = attempt;
        expect(await log.take('job', attempt)).toBe(model.texts.length);
        model.had.add(attempt);
        model.writer = attempt;
        model.hasEnded = false;
      } else if (dice < 0.04) {
        await log.end('job', name);
        model.hasEnded ||= name === model.writer;
      } else if (dice < 0.2 && sent.length > 0) {
        // The last one again, as a connection that breaks has it.
        await sent.at(-1)!();
      } else {
        const texts = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, index) => `${step}.${index}`);
        const batch = events(model.texts.length + 1, ...texts);
        const append = (): Promise<unknown> => log.append('job', name, batch);
        const expected = model.writer === '' ? 'unknown' : name !== model.writer ? 'taken' : model.hasEnded ? 'ended' : 'added';
        expect(await append()).toBe(expected);
        if (expected === 'added') {
          model.texts.push(...texts);
          sent.push(append);
        }
      }
    }
    if (model.texts.length > 0) expect(await textsIn(log, 'job')).toEqual(model.texts);
  });

  it('shows nothing of an event in the error of a command', async () => {
    const log = new EventLog(redis, options);
    await redis.set(`{${prefix}:job}:events`, 'in the way');
    await redis.hset(`{${prefix}:job}:state`, 'last', 0, 'writer', 'a');
    const error: unknown = await log.append('job', 'a', events(1, 'secret')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'RxMistralError', kind: 'protocol', code: 'WRONGTYPE', retryable: false });
    redis.disconnect();
    const closed: unknown = await log.append('job', 'a', events(1, 'secret')).catch((reason: unknown) => reason);
    expect(closed).toMatchObject({ kind: 'connection', retryable: true, cause: { message: 'Connection is closed.' } });
    expect(inspect([error, closed], { depth: 9, showHidden: true })).not.toMatch(/secret/);
    redis = new Redis(url);
    await waitFor(() => redis.ping());
  });
});
