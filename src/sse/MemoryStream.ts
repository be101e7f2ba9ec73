import { BehaviorSubject, type Subscriber } from 'rxjs';
import type { ReplayEvent, ReplayPage, ReplayPlace } from '../events/ReplayStore.js';

interface Kept {
  readonly event: ReplayEvent;
  readonly at: number;
}

interface Waiting {
  readonly after: number;
  readonly limit: number;
  readonly reader: Subscriber<ReplayPage>;
}

/** One stream of a store in memory: its last events, and those who wait for more. Pure: the caller brings the time. */
export class MemoryStream {
  readonly #readers = new BehaviorSubject(0);
  /** How many read it. Completes with the stream. */
  readonly readers = this.#readers.asObservable();
  readonly #maxEvents: number;
  // Those before `#start` are dropped: the list is cut when they are the half of it, so that dropping one costs no move of all.
  #kept: Kept[] = [];
  #start = 0;
  #lastId = 0;
  #hasEnded = false;
  #touchedAt: number;
  // In the order of their coming. A set: one of a thousand that leaves is not looked for among the others.
  #waiting = new Set<Waiting>();
  // The page that was read last, until something is added or dropped: a thousand readers who keep pace read the same one.
  #lastPage: { readonly after: number; readonly limit: number; readonly page: ReplayPage } | undefined;

  constructor(maxEvents: number, now: number) {
    this.#maxEvents = maxEvents;
    this.#touchedAt = now;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** When it was last added to, or ended. */
  get touchedAt(): number {
    return this.#touchedAt;
  }

  /** One more reads it, or one less. */
  countReader(change: 1 | -1): void {
    this.#readers.next(this.#readers.value + change);
  }

  append(events: readonly ReplayEvent[], now: number): void {
    // What its writer still had under way when somebody ended it.
    if (this.#hasEnded) return;
    for (const event of events) {
      this.#kept.push({ event, at: now });
      this.#lastId = event.id;
    }
    this.#touchedAt = now;
    this.#lastPage = undefined;
    this.#drop(this.#kept.length - this.#start - this.#maxEvents);
    this.#wake();
  }

  end(now: number): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#touchedAt = now;
    this.#lastPage = undefined;
    this.#wake();
    this.#readers.complete();
  }

  /** Drops the events that are older than `time`; `spent` when it has ended and nothing of it is left. */
  dropOlder(time: number): 'spent' | 'kept' {
    let count = 0;
    for (let kept = this.#kept[this.#start]; kept !== undefined && kept.at <= time; kept = this.#kept[this.#start + count]) count += 1;
    this.#drop(count);
    return this.#hasEnded && this.#touchedAt <= time ? 'spent' : 'kept';
  }

  placeOf(after: number): ReplayPlace {
    const firstId = this.#lastId - (this.#kept.length - this.#start) + 1;
    if (after > this.#lastId || after < firstId - 1) return 'expired';
    return this.#hasEnded && after === this.#lastId ? 'ended' : 'open';
  }

  /** Gives what stands behind `after`, as soon as it has come. Returns how to wait no longer. */
  read(after: number, limit: number, reader: Subscriber<ReplayPage>): (() => void) | undefined {
    const page = this.#page(after, limit);
    if (page !== undefined) {
      give(reader, page);
      return undefined;
    }
    const waiting = { after, limit, reader };
    this.#waiting.add(waiting);
    return () => {
      this.#waiting.delete(waiting);
    };
  }

  // Those who come back for more while the others are given theirs wait for the next time.
  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const { after, limit, reader } of waiting) {
      // One may have left because of what another got.
      const page = reader.closed ? undefined : this.#page(after, limit);
      if (page !== undefined) give(reader, page);
    }
  }

  // `undefined` where it has not come yet.
  #page(after: number, limit: number): ReplayPage | undefined {
    const last = this.#lastPage;
    if (last?.after === after && last.limit === limit) return last.page;
    const place = this.placeOf(after);
    if (place !== 'open') return { place };
    if (after === this.#lastId) return undefined;
    const from = this.#kept.length - (this.#lastId - after);
    const page: ReplayPage = { place, events: this.#kept.slice(from, from + limit).map(({ event }) => event) };
    this.#lastPage = { after, limit, page };
    return page;
  }

  #drop(count: number): void {
    if (count <= 0) return;
    this.#lastPage = undefined;
    this.#start += count;
    if (this.#start * 2 < this.#kept.length) return;
    this.#kept = this.#kept.slice(this.#start);
    this.#start = 0;
  }
}

function give(reader: Subscriber<ReplayPage>, page: ReplayPage): void {
  reader.next(page);
  reader.complete();
}
