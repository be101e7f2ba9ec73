import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { expectDuration, expectFields, expectInteger } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { ReplayEvent } from '../events/ReplayStore.js';
import { withRevivedError } from '../events/withRevivedError.js';
import { EventLog } from '../redis/EventLog.js';
import type { RedisClient } from '../redis/RedisClient.js';
import type { JobEvent, JobNews } from './JobEvent.js';

/** How the events of jobs are kept in Redis: the same for all who process a queue or read its events. */
export interface JobLogOptions {
  /**
   * The most events that are kept of a job; the oldest are dropped for new ones.
   * @defaultValue 10,000
   */
  readonly maxEvents?: number | undefined;
  /**
   * For how long an event is kept, in milliseconds: an integer. The log of a job goes so long after its last one.
   * @defaultValue 86,400,000: a day
   */
  readonly maxAge?: number | undefined;
}

/** `maxAge`, where nothing else was said. */
export const defaultMaxAge = 86_400_000;

// For how long a process is heard of is a matter of other logs: a job's writer is watched by BullMQ.
const lease = 10_000;

/** @throws TypeError that names the option. */
export function expectJobLogOptions(options: JobLogOptions | undefined): void {
  expectFields(
    options,
    {
      maxEvents: (name, value) => {
        expectInteger(name, value, 1);
      },
      maxAge: (name, value) => {
        expectInteger(name, value, 1);
        expectDuration(name, value, 1);
      },
    },
    'events',
  );
}

// One for each client and queue: all readers of a process share its connection.
const logs = new WeakMap<RedisClient, Map<string, EventLog>>();

/** The logs of the jobs of a queue; the key of each is that of `logKeyOf`. */
export function jobLogOf(redis: RedisClient, queue: string, options: JobLogOptions = {}, scheduler: SchedulerLike = asyncScheduler): EventLog {
  const { maxEvents = 10_000, maxAge = defaultMaxAge } = options;
  // BullMQ's prefix has braces in a cluster; the log puts its own around each key.
  const prefix = `rxmistral:jobs:${queue.replace(/[{}]/g, '')}`;
  const known = logs.get(redis) ?? new Map<string, EventLog>();
  logs.set(redis, known);
  const name = JSON.stringify([prefix, maxEvents, maxAge]);
  const log = known.get(name) ?? new EventLog(redis, { prefix, maxEvents, maxAge, lease, scheduler });
  known.set(name, log);
  return log;
}

/**
 * An event as the log keeps it: what its place says is not written again.
 *
 * @throws RxMistralError of kind `validation` where the value has no JSON.
 */
export function toReplayEvent<E>(id: number, attempt: number, news: JobNews<E>): ReplayEvent {
  try {
    return { id, event: '', data: JSON.stringify({ ...news, attempt }) };
  } catch (cause) {
    throw new RxMistralError({ kind: 'validation', message: 'A value of the job has no JSON', cause });
  }
}

/** The event that the log has kept; errors are ours again. */
export function toJobEvent<E>(jobId: string, { id, data }: ReplayEvent): JobEvent<E> {
  const kept: unknown = JSON.parse(data);
  if (!isRecord(kept) || typeof kept['attempt'] !== 'number') {
    throw new RxMistralError({ kind: 'protocol', message: `Event ${id} in the log of the job is none of a job's` });
  }
  const event = { ...withRevivedError(kept), jobId, id: String(id) };
  if (!('value' in event) || !isRecord(event.value)) return event as unknown as JobEvent<E>;
  return { ...event, value: withRevivedError(event.value) } as unknown as JobEvent<E>;
}
