import { firstValueFrom } from 'rxjs';
import type { PartialMessage } from '../errors/PartialMessage.js';
import type { ChatEvent } from '../events/ChatEvent.js';
import type { ChatSnapshot } from '../events/ChatSnapshot.js';
import type { ReplayPage } from '../events/ReplayStore.js';
import { SnapshotBuilder } from '../events/SnapshotBuilder.js';
import type { EventLog } from '../redis/EventLog.js';
import type { JobCompleteEvent, JobEvent, JobFailedEvent } from './JobEvent.js';
import { toJobEvent } from './JobLog.js';

const pageSize = 500;

/** What has become of a job so far, over all of its attempts. Pure: no clock. */
export class JobHistory {
  readonly #answer = new SnapshotBuilder();
  #snapshot: ChatSnapshot | undefined;
  #last: unknown;
  #hasValue = false;
  #end: JobCompleteEvent | JobFailedEvent | undefined;

  /** Takes an event of the log of an earlier attempt. */
  takeEvent(event: JobEvent): void {
    this.takeEnd(event);
    if (event.type === 'job-value') this.takeValue(event.value);
    // The last value of an attempt that was cut is no result.
    else this.#hasValue = false;
  }

  /** Takes the last event where those before it are kept no more: it tells of an end, and of nothing else. */
  takeEnd(event: JobEvent): void {
    this.#end = event.type === 'job-complete' || event.type === 'job-failed' ? event : undefined;
  }

  /** Takes what the job's Observable has emitted. */
  takeValue(value: unknown): void {
    this.#last = value;
    this.#hasValue = true;
    // Other values than events of chats change nothing.
    this.#snapshot = isTyped(value) ? (this.#answer.take(value as ChatEvent) ?? this.#snapshot) : this.#snapshot;
  }

  /** The answer so far. */
  get partial(): PartialMessage | undefined {
    const message = this.#snapshot?.done === false ? this.#snapshot.message : undefined;
    return message?.content === '' || message?.content === undefined ? undefined : (message as PartialMessage);
  }

  /** The last value; the whole answer where that is the end of one. `null` where there was none, or it was `undefined`: JSON has no such. */
  get result(): unknown {
    if (!this.#hasValue) return null;
    return isTyped(this.#last) && this.#last.type === 'complete' && this.#snapshot?.done === true ? this.#snapshot : (this.#last ?? null);
  }

  /** The last event, where that is an end. */
  get end(): JobCompleteEvent | JobFailedEvent | undefined {
    return this.#end;
  }
}

/** Reads what the log of a job has under `key` up to event `last`. Where its beginning is not there any more, only an end is part of its history. */
export async function readJobHistory(log: EventLog, key: string, jobId: string, last: number): Promise<JobHistory> {
  const history = new JobHistory();
  const pageAfter = (after: number): Promise<ReplayPage> => firstValueFrom(log.read(key, after, pageSize), { defaultValue: { place: 'unknown' } });
  for (let after = 0; after < last; ) {
    const page = await pageAfter(after);
    if (page.place !== 'open') return page.place === 'expired' ? readEnd(await pageAfter(last - 1)) : history;
    for (const event of page.events) history.takeEvent(toJobEvent(jobId, event));
    after = page.events.at(-1)?.id ?? last;
  }
  return history;

  function readEnd(page: ReplayPage): JobHistory {
    const end = new JobHistory();
    if (page.place === 'open') for (const event of page.events) end.takeEnd(toJobEvent(jobId, event));
    return end;
  }
}

function isTyped(value: unknown): value is { readonly type: string } {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
