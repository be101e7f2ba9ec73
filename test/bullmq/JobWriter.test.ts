import { Subject, firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { JobWriter, type JobWriterOptions } from '../../src/bullmq/JobWriter.js';
import { RxMistralError } from '../../src/index.js';
import type { ReplayEvent } from '../../src/events/ReplayStore.js';
import type { Appended, EventLog } from '../../src/redis/EventLog.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';

/** What was to be appended, and what the log answers to it. */
interface Append {
  readonly ids: readonly number[];
  readonly values: readonly unknown[];
  readonly answer: Subject<Appended>;
}

const away = new RxMistralError({ kind: 'connection', message: 'Away', retryable: true });

function setUp(options: Partial<JobWriterOptions> = {}): { readonly writer: JobWriter; readonly appends: Append[]; readonly lost: unknown[] } {
  const appends: Append[] = [];
  const lost: unknown[] = [];
  const log = {
    append: (_: string, __: string, events: readonly ReplayEvent[]): Promise<Appended> => {
      const answer = new Subject<Appended>();
      const values = events.map(({ data }) => (JSON.parse(data) as { value: unknown }).value);
      appends.push({ ids: events.map(({ id }) => id), values, answer });
      return firstValueFrom(answer);
    },
  } as unknown as EventLog;
  const writer = new JobWriter({
    log,
    key: 'j',
    attempt: 1,
    writer: 'w',
    last: 4,
    interval: 10,
    maxBuffered: 1_000,
    onLost: (error) => lost.push(error),
    ...options,
  });
  return { writer, appends, lost };
}

describe('the events of an attempt', () => {
  it('that come within an interval are one command, and go on where the log ends', async () => {
    const { writer, appends } = setUp();
    const ids = ['a', 'b', 'c'].map((value) => writer.add({ type: 'job-value', value }));
    expect(ids).toEqual([5, 6, 7]);
    expect(appends).toHaveLength(0);
    await eventually(() => appends.length === 1, 'it is written');
    expect(appends[0]).toMatchObject({ ids: [5, 6, 7], values: ['a', 'b', 'c'] });
  });

  it('that come while a command is under way are the next one', async () => {
    const { writer, appends } = setUp();
    writer.add({ type: 'job-value', value: 'a' });
    await eventually(() => appends.length === 1, 'it is written');
    writer.add({ type: 'job-value', value: 'b' });
    writer.add({ type: 'job-value', value: 'c' });
    const flushed = writer.flush();
    expect(appends).toHaveLength(1);
    appends[0]?.answer.next('added');
    await eventually(() => appends.length === 2, 'the others are written');
    expect(appends[1]).toMatchObject({ ids: [6, 7], values: ['b', 'c'] });
    appends[1]?.answer.next('added');
    expect(await flushed).toBe(true);
  });

  it('do not wait for the interval when they are flushed', async () => {
    const { writer, appends } = setUp({ interval: 3_600_000 });
    writer.add({ type: 'job-start' });
    const flushed = writer.flush();
    await eventually(() => appends.length === 1, 'it is written');
    appends[0]?.answer.next('added');
    await flushed;
  });

  it('are written again, under the same ids, where Redis was away', async () => {
    const { writer, appends, lost } = setUp();
    writer.add({ type: 'job-value', value: 'a' });
    await eventually(() => appends.length === 1, 'it is written');
    appends[0]?.answer.error(away);
    await eventually(() => appends.length === 2, 'it is written again');
    expect(appends[1]?.ids).toEqual([5]);
    appends[1]?.answer.next('added');
    await writer.flush();
    expect(lost).toEqual([]);
  });

  it('are written no more where another worker has the log', async () => {
    const { writer, appends, lost } = setUp();
    writer.add({ type: 'job-value', value: 'a' });
    await eventually(() => appends.length === 1, 'it is written');
    writer.add({ type: 'job-value', value: 'b' });
    appends[0]?.answer.next('taken');
    expect(await writer.flush()).toBe(false);
    expect(lost).toEqual([undefined]);
    writer.add({ type: 'job-value', value: 'c' });
    await writer.flush();
    expect(appends).toHaveLength(1);
  });

  it('that Redis refuses for good end the attempt with its error', async () => {
    const { writer, appends, lost } = setUp();
    writer.add({ type: 'job-value', value: 'a' });
    await eventually(() => appends.length === 1, 'it is written');
    const refused = new RxMistralError({ kind: 'protocol', message: 'Refused' });
    appends[0]?.answer.error(refused);
    await writer.flush();
    expect(lost).toEqual([refused]);
  });

  it('that wait for Redis are bounded: the attempt that is ahead by more ends', () => {
    const { writer, lost } = setUp({ maxBuffered: 1_000 });
    const value = 'x'.repeat(250);
    for (let count = 0; count < 3; count += 1) writer.add({ type: 'job-value', value });
    expect(lost).toEqual([]);
    writer.add({ type: 'job-value', value });
    expect(lost).toMatchObject([{ kind: 'limit', message: 'More than 1000 characters of events wait for Redis (`maxBuffered`)' }]);
  });

  it('without JSON are refused where they are added', () => {
    const { writer } = setUp();
    expect(() => writer.add({ type: 'job-value', value: 1n })).toThrow('A value of the job has no JSON');
  });
});
