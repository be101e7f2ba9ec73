import { asyncScheduler, firstValueFrom, race, type SchedulerLike, Subject, timer } from 'rxjs';
import { isRxMistralError, RxMistralError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import type { ReplayEvent } from '../events/ReplayStore.js';
import type { EventLog } from '../redis/EventLog.js';
import type { JobNews } from './JobEvent.js';
import { toReplayEvent } from './JobLog.js';

/** What a {@link JobWriter} is made from. */
export interface JobWriterOptions {
  readonly log: EventLog;
  /** That of the log. */
  readonly key: string;
  readonly attempt: number;
  readonly writer: string;
  /** The id of the last event that is there. */
  readonly last: number;
  /** How long an event waits for those that are written with it, in milliseconds. */
  readonly interval: number;
  /** The most characters that wait for Redis. */
  readonly maxBuffered: number;
  /** Called where the attempt must not go on: with what ends it, or with nothing where another worker has taken the job over. */
  readonly onLost: (error: RxMistralError | undefined) => void;
  readonly scheduler?: SchedulerLike | undefined;
}

// Where Redis does not answer, the events wait; it is asked again so often.
const retryDelay = 500;

/**
 * Writes the events of one attempt into the log of its job: what comes within an interval is one command, and one command is
 * under way at a time.
 */
export class JobWriter {
  readonly #options: JobWriterOptions;
  readonly #hurry = new Subject<undefined>();
  #last: number;
  #waiting: ReplayEvent[] = [];
  #waitingLength = 0;
  #writing: Promise<void> | undefined;
  // The log takes no more of this attempt.
  #isClosed = false;
  // Another attempt writes it now.
  #isTaken = false;

  constructor(options: JobWriterOptions) {
    this.#options = options;
    this.#last = options.last;
  }

  /** @returns the id that the event has in the log. */
  add(news: JobNews): number {
    const { attempt, interval, maxBuffered, scheduler = asyncScheduler } = this.#options;
    const id = this.#last + 1;
    // What has no JSON throws, and takes no id: the next one would leave a gap.
    const event = this.#isClosed ? undefined : toReplayEvent(id, attempt, news);
    this.#last = id;
    if (event === undefined) return id;
    this.#waiting.push(event);
    this.#waitingLength += event.data.length;
    if (this.#waitingLength > maxBuffered) this.#options.onLost(behindError(maxBuffered));
    // Also where it is too much: what comes behind it is how the attempt has ended.
    this.#writing ??= this.#write(firstValueFrom(race(timer(interval, scheduler), this.#hurry), { defaultValue: undefined }));
    return this.#last;
  }

  /**
   * Resolves when all is written that was added.
   *
   * @returns whether the log still was this attempt's: where another has taken it over, nothing was written.
   */
  async flush(): Promise<boolean> {
    this.#hurry.next(undefined);
    while (this.#writing !== undefined) await this.#writing;
    return !this.#isTaken;
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#waitingLength = 0;
  }

  async #write(delay: Promise<unknown>): Promise<void> {
    await delay;
    while (this.#waiting.length > 0) {
      const events = this.#waiting;
      this.#waiting = [];
      this.#waitingLength = 0;
      await this.#append(events);
    }
    this.#writing = undefined;
  }

  async #append(events: readonly ReplayEvent[]): Promise<void> {
    const { log, key, writer, scheduler = asyncScheduler } = this.#options;
    while (!this.#isClosed) {
      try {
        const appended = await log.append(key, writer, events);
        if (appended === 'added') return;
        this.close();
        // A log that is gone takes nothing more; the job has its result all the same.
        this.#isTaken = appended === 'taken';
        if (this.#isTaken) this.#options.onLost(undefined);
        return;
      } catch (error) {
        if (!isRxMistralError(error) || error.kind !== 'connection') {
          this.close();
          this.#options.onLost(toRxMistralError(error));
          return;
        }
        await firstValueFrom(timer(retryDelay, scheduler), { defaultValue: undefined });
      }
    }
  }
}

function behindError(maxBuffered: number): RxMistralError {
  return new RxMistralError({ kind: 'limit', message: `More than ${maxBuffered} characters of events wait for Redis (\`maxBuffered\`)` });
}
