import {
  concat,
  defer,
  distinctUntilChanged,
  filter,
  finalize,
  from,
  ignoreElements,
  interval,
  map,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  of,
  type SchedulerLike,
  startWith,
  Subject,
  type Subscription,
  take,
  takeWhile,
  tap,
} from 'rxjs';
import { RxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import type { ErrorEvent } from '../events/ChatEvent.js';
import type { ReplayEvent, ReplayPage, ReplayPlace } from '../events/ReplayStore.js';
import { anything, ChannelWatch } from './ChannelWatch.js';
import { defineScripts, type Script } from './defineScripts.js';
import { eventLogScripts } from './eventLogScripts.js';
import { FreshAnswers } from './FreshAnswers.js';
import type { RedisClient } from './RedisClient.js';
import { redisError } from './redisError.js';

/** What an {@link EventLog} is made from. */
export interface EventLogOptions {
  readonly prefix: string;
  readonly maxEvents: number;
  readonly maxAge: number;
  /** How long a process may be silent before it is taken for gone, in milliseconds. */
  readonly lease: number;
  readonly scheduler: SchedulerLike;
}

// The most events in one command: a call has only so many arguments, and Redis does nothing else meanwhile.
const mostAtOnce = 1_000;

/** What became of an append: nothing is added to a log that is another's, that has ended, or that there is not (any more). */
export type Appended = 'added' | 'taken' | 'ended' | 'unknown';

type Count = readonly [isOpen: number, count: number, hasJoined: number];

/** What this process has in a log, for which it has to be heard of. */
interface Share {
  writer: string | undefined;
  readers: number;
  /** Joins and leaves that have not been answered. */
  pending: number;
  /** The id of the last event that the last message told of; NaN for none. */
  told: number;
  isRenewing: boolean;
}

/**
 * Logs of events in Redis, by their keys, for any number of processes. Each has one writer at a time, who is told apart by a
 * name of its own: what comes late from one whose log was taken over changes nothing.
 *
 * A command that `ioredis` sends again, because the connection broke before the answer, does not do its work twice.
 */
export class EventLog {
  readonly #redis: RedisClient;
  readonly #options: EventLogOptions;
  readonly #scripts: Readonly<Record<ScriptName, Script>>;
  readonly #watch: ChannelWatch;
  readonly #process = crypto.randomUUID();
  readonly #shares = new Map<string, Share>();
  // The number of the last join or leave.
  #changes = 0;
  // What this process itself knows before any message.
  readonly #changed = new Subject<string>();
  readonly #pages = new FreshAnswers<ReplayPage | undefined>();
  readonly #counts = new FreshAnswers<Count>();
  #renewal: Subscription | undefined;

  constructor(redis: RedisClient, options: EventLogOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#scripts = defineScripts(redis, 'rxmistralLog', 3, eventLogScripts);
    this.#watch = new ChannelWatch(redis, options.lease / 4, options.scheduler);
  }

  /** Makes the log; `false` where there is one. Its writer has a lease, which this process renews until it has ended it. */
  async create(key: string, writer: string): Promise<boolean> {
    if ((await this.#run('create', key, writer)) !== 1) return false;
    this.#shareOf(key).writer = writer;
    this.#renewRegularly();
    return true;
  }

  /** Makes the log, where there is none, for a writer who is still to take it. */
  async open(key: string): Promise<void> {
    await this.#run('open', key);
  }

  /**
   * Makes `writer` the only one, without a lease, of a log that is made where there is none, and begun again where it has ended.
   *
   * @returns the id of its last event; `undefined` where another has taken it from this writer already.
   */
  async take(key: string, writer: string): Promise<number | undefined> {
    const last = Number(await this.#run('take', key, writer));
    return last < 0 ? undefined : last;
  }

  /** Adds events, whose ids go on where the last ones ended; those that are there already are left out. */
  async append(key: string, writer: string, events: readonly ReplayEvent[]): Promise<Appended> {
    let appended: Appended = 'added';
    for (let begin = 0; begin < events.length && appended === 'added'; begin += mostAtOnce) {
      appended = await this.#append(key, writer, events.slice(begin, begin + mostAtOnce));
    }
    return appended;
  }

  async #append(key: string, writer: string, events: readonly ReplayEvent[]): Promise<Appended> {
    const [first] = events;
    if (first === undefined) return 'added';
    const appended = await this.#run('append', key, writer, first.id, ...events.flatMap(({ event, data }) => [event, data]));
    if (appended === 'gap') throw new RxMistralError({ kind: 'protocol', message: 'Events are missing between the last one and those to add' });
    if (appended !== 'added') this.#abandon(key, writer);
    return appended as Appended;
  }

  /** No more events will come. @param writer Ends it only where this still is its writer; without it, anybody may. */
  async end(key: string, writer?: string): Promise<void> {
    if (writer !== undefined) this.#abandon(key, writer);
    await this.#run('end', key, writer ?? '');
  }

  /** As of a `ReplayStore`. */
  join(key: string, after: number): Observable<ReplayPlace> {
    return defer(() => {
      const joining = this.#join(key, after);
      const place = from(joining).pipe(
        // One who may read is told soon of what comes.
        mergeMap((place) => (place === 'open' ? merge(of(place), this.#news(key).pipe(ignoreElements())) : of(place))),
      );
      return concat(place, NEVER).pipe(
        finalize(() => {
          joining.then(
            (place) => {
              if (place === 'open') this.#leave(key);
            },
            () => undefined,
          );
        }),
      );
    });
  }

  /** As of a `ReplayStore`. */
  read(key: string, after: number, limit: number): Observable<ReplayPage> {
    return defer(() => {
      const page = (): Promise<ReplayPage | undefined> =>
        this.#pages.get(`${after} ${limit} ${key}`, () =>
          this.#run('read', key, after, limit).then((answer) => pageOf(answer as readonly string[], after)),
        );
      const news = this.#news(key).pipe(filter((message) => message !== readersChanged && !(lastIn(message) <= after)));
      const next = (begin: readonly string[]): Observable<ReplayPage | undefined> =>
        concat(begin, news).pipe(
          map(page),
          distinctUntilChanged(),
          // Any answer will do that is a page; that there is nothing yet may have been overtaken.
          mergeMap((answer) => answer),
        );
      // Where a message has told already that nothing is there, it is waited for. Who finds a page need not listen; who does not
      // listens first, and looks again.
      const pages = this.#shares.get(key)?.told === after ? next([]) : from(page()).pipe(mergeMap((first) => (first === undefined ? next([anything]) : of(first))));
      return pages.pipe(
        filter((page) => page !== undefined),
        take(1),
      );
    });
  }

  /** As of a `ReplayStore`; several changes at once may be one. */
  readers(key: string): Observable<number> {
    return this.#news(key).pipe(
      filter((message) => message === anything || message === readersChanged || message === ended),
      startWith(undefined),
      map(() => this.#counts.get(key, () => this.#run('count', key) as Promise<Count>)),
      distinctUntilChanged(),
      mergeMap((answer) => answer),
      takeWhile(([isOpen]) => isOpen === 1),
      filter(([, , hasJoined]) => hasJoined === 1),
      map(([, count]) => count),
      distinctUntilChanged(),
    );
  }

  #news(key: string): Observable<string> {
    const own = this.#changed.pipe(
      filter((changed) => changed === key),
      map(() => anything),
    );
    return merge(this.#watch.watch(this.#channelOf(key)), own).pipe(
      tap((message) => {
        const share = this.#shares.get(key);
        if (share !== undefined && message !== readersChanged) share.told = lastIn(message);
      }),
    );
  }

  async #join(key: string, after: number): Promise<ReplayPlace> {
    const share = this.#shareOf(key);
    share.pending += 1;
    this.#changes += 1;
    try {
      const place = (await this.#run('join', key, after, this.#process, this.#changes)) as ReplayPlace;
      if (place === 'open') share.readers += 1;
      return place;
    } finally {
      share.pending -= 1;
      this.#renewRegularly();
    }
  }

  #leave(key: string): void {
    const share = this.#shareOf(key);
    share.readers -= 1;
    share.pending += 1;
    this.#changes += 1;
    this.#run('leave', key, this.#process, this.#changes)
      // Its lease ends.
      .catch(() => undefined)
      .finally(() => {
        share.pending -= 1;
        this.#forget(key, share);
      });
  }

  #shareOf(key: string): Share {
    const share = this.#shares.get(key) ?? { writer: undefined, readers: 0, pending: 0, told: NaN, isRenewing: false };
    this.#shares.set(key, share);
    return share;
  }

  // This process writes it no more.
  #abandon(key: string, writer: string): void {
    const share = this.#shares.get(key);
    if (share?.writer !== writer) return;
    share.writer = undefined;
    this.#forget(key, share);
    this.#changed.next(key);
  }

  #forget(key: string, share: Share): void {
    if (share.writer !== undefined || share.readers > 0 || share.pending > 0) return;
    this.#shares.delete(key);
    this.#stopIdle();
  }

  #stopIdle(): void {
    if (this.#shares.size > 0) return;
    this.#renewal?.unsubscribe();
    this.#renewal = undefined;
  }

  #renewRegularly(): void {
    for (const [key, share] of this.#shares) this.#forget(key, share);
    if (this.#shares.size === 0) return;
    const { lease, scheduler } = this.#options;
    this.#renewal ??= interval(lease / 3, scheduler).subscribe({
      next: () => {
        // Of a client that was closed nothing is heard any more, and it must not keep the process alive.
        if (this.#redis.status === 'end') this.#shares.clear();
        for (const [key, share] of this.#shares) this.#renew(key, share);
        this.#stopIdle();
      },
      // An interval has none.
      error: () => undefined,
    });
  }

  #renew(key: string, share: Share): void {
    // Where Redis is away, once is enough.
    if (share.isRenewing) return;
    share.isRenewing = true;
    const { writer } = share;
    const readers = share.pending > 0 ? -1 : share.readers;
    this.#run('renew', key, writer ?? '', this.#process, readers, this.#changes)
      .then((isWriter) => {
        if (isWriter !== 1 && writer !== undefined) this.#abandon(key, writer);
      })
      .catch(() => undefined)
      .finally(() => {
        share.isRenewing = false;
      });
  }

  #channelOf(key: string): string {
    return `${this.#options.prefix}:${key}`;
  }

  #run(name: ScriptName, key: string, ...given: readonly (string | number)[]): Promise<unknown> {
    const { prefix, maxEvents, maxAge, lease } = this.#options;
    // One slot of a cluster for each log, whatever is in its key.
    const keys = ['events', 'state', 'readers'].map((part) => `{${prefix}:${key}}:${part}`);
    return this.#scripts[name](...keys, this.#channelOf(key), maxEvents, maxAge, lease, farewell, ...given).catch((error: unknown) => {
      throw redisError(error);
    });
  }
}

// What a message tells, if not the id of the last event.
const readersChanged = 'readers';
const ended = 'end';

// NaN where it tells of none.
function lastIn(message: string): number {
  return /^\d+$/.test(message) ? Number(message) : NaN;
}

// What is left behind by a writer that is gone: for its clients the error that ends an answer.
const farewell = JSON.stringify({
  type: 'error',
  requestId: '',
  error: new TruncatedStreamError({ message: 'The answer was cut: the process that wrote it is gone' }),
} satisfies ErrorEvent);

function pageOf([place, ...texts]: readonly string[], after: number): ReplayPage | undefined {
  if (place === 'wait') return undefined;
  if (place !== 'open') return { place: place as Exclude<ReplayPlace, 'open'> };
  const events: ReplayEvent[] = [];
  for (let index = 0; index < texts.length; index += 2) {
    events.push({ id: after + 1 + index / 2, event: texts[index] ?? '', data: texts[index + 1] ?? '' });
  }
  return { place, events };
}

type ScriptName = keyof typeof eventLogScripts;
