import { BehaviorSubject, from, map, Observable, type SchedulerLike, share, type Subscriber, Subscription, tap, timeout, timer } from 'rxjs';
import type { RateLimiterOptions } from '../control/createRateLimiter.js';
import type { Permit, PermitRequest, RateLimiter, RateLimiterState } from '../control/RateLimiter.js';
import { expectInteger, expectNumber, expectObject, fail, maxTimerMs } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { estimateRequestTokens } from '../policies/estimateTokens.js';
import { LearntLimits } from '../policies/LearntLimits.js';
import { anything, ChannelWatch } from './ChannelWatch.js';
import { defineScripts, type Script } from './defineScripts.js';
import { rateLimiterScripts } from './rateLimiterScripts.js';
import type { RedisClient } from './RedisClient.js';
import { redisError } from './redisError.js';

/** What a {@link SharedLimiter} is made from: checked options, none left out. */
export interface SharedLimiterSettings {
  readonly key: string;
  readonly requests: RateLimiterOptions['requests'];
  readonly tokens: RateLimiterOptions['tokens'];
  readonly maxWaiting: number;
  readonly headerInterval: number;
  readonly whenUnavailable: 'local' | 'wait' | 'fail';
  readonly answerTimeout: number;
  readonly scheduler: SchedulerLike;
}

interface Waiter {
  readonly subscriber: Subscriber<Permit>;
  readonly weight: number;
  readonly estimate: () => number;
}

/** What one who waits costs, as Redis was told. */
interface Cost {
  readonly waiter: Waiter;
  readonly weight: number;
  readonly tokens: number;
}

/** A start that is planned in Redis, for the one who was first then. */
interface Reservation extends Cost {
  /** By the clock of the scheduler: not before, and by what Redis said perhaps a little earlier. */
  readonly startAt: number;
  readonly plannedAt: number;
  /** Until when it is planned there, by the requests and by the learnt ones. */
  readonly ends: readonly string[];
}

/** For how long all are held back, how many could start, whether tokens are limited; then three for each who asked. */
type Answer = readonly [pausedFor: string, available: number, limitsTokens: number, ...starts: string[]];

// What is asked for in one step: who starts many at once does not wait for an answer for each.
const batchSize = 64;
// How late a start may be, in milliseconds; at a slower pace, as late as the next one.
const leastLateness = 50;
// A process that is late again and again starts all the same.
const mostTries = 3;
// By how much two clocks may differ on when a pause ends, in milliseconds.
const tolerance = 100;
// How soon a Redis that is away is asked again, in milliseconds.
const retryInterval = 500;
// How long it goes on listening when nobody waits, in milliseconds: the next one who does finds it listening.
const linger = 1_000;
// What nobody has told for so long is looked for, in milliseconds.
const silence = 5_000;
// Sums of fractions of milliseconds are a hair more than whole.
const roundingError = 1e-6;

/**
 * The limiter of one process among others. Only the first of those who wait here has a start planned in Redis; the others come
 * behind it in their order. Where it leaves, its start goes to the next one, or is given back.
 */
export class SharedLimiter implements RateLimiter {
  readonly state$: Observable<RateLimiterState>;
  readonly estimateTokens = estimateRequestTokens;
  readonly #redis: RedisClient;
  readonly #local: RateLimiter;
  readonly #settings: SharedLimiterSettings;
  readonly #scripts: Readonly<Record<ScriptName, Script>>;
  readonly #learnt: LearntLimits;
  readonly #queue = new Set<Waiter>();
  // Carries no state: whoever is told reads it afresh.
  readonly #changes = new BehaviorSubject<undefined>(undefined);
  readonly #pauses: Observable<string>;
  readonly #mostLate: number;
  #listening: Subscription | undefined;
  #isAsking = false;
  #isServing = false;
  #isAway = false;
  #reservation: Reservation | undefined;
  // Ends what the first of the queue waits for.
  #wait: Subscription | undefined;
  #probe: Subscription | undefined;
  #forgetting: Subscription | undefined;
  #tries = 0;
  #running = 0;
  #available: number;
  #limitsTokens: boolean;
  #pausedUntil = -Infinity;
  // Whether Redis knows of the pause.
  #isTold = true;

  /** @param local Keeps the limit where Redis is away, and hears of all pauses. */
  constructor(redis: RedisClient, local: RateLimiter, settings: SharedLimiterSettings) {
    const { requests, tokens, headerInterval, scheduler, key } = settings;
    this.#redis = redis;
    this.#local = local;
    this.#settings = settings;
    this.#learnt = new LearntLimits(headerInterval);
    this.#limitsTokens = tokens !== undefined;
    this.#available = requests === undefined ? Infinity : (requests.burst ?? 1);
    this.#mostLate = Math.max(leastLateness, requests === undefined ? 0 : requests.interval / requests.limit);
    this.#scripts = defineScripts(redis, 'rxmistralLimit', 1, rateLimiterScripts());
    this.#pauses = new ChannelWatch(redis, silence, scheduler).watch(key).pipe(
      tap((message) => {
        if (message === anything) this.#look();
        else this.#hold(Number(message));
      }),
      share({ resetOnRefCountZero: () => timer(linger, scheduler) }),
    );
    // `asObservable` first: what a Subject's own `pipe` returns has the Subject's `next`.
    this.state$ = this.#changes.asObservable().pipe(map(() => this.#readState()));
  }

  acquire(request: PermitRequest = {}): Observable<Permit> {
    expectObject('request', request);
    const { weight = 1, tokens = 0 } = request;
    expectInteger('weight', weight, 1);
    if (typeof tokens !== 'function') expectNumber('tokens', tokens, 0);
    const estimate = typeof tokens === 'function' ? tokens : (): number => tokens;
    // Constructed: a queue that one can leave is no chain of operators.
    return new Observable<Permit>((subscriber) => {
      const waiter: Waiter = { subscriber, weight, estimate };
      this.#queue.add(waiter);
      this.#serve();
      subscriber.add(() => {
        if (!this.#queue.delete(waiter)) return;
        if (this.#queue.size === 0) this.#rest();
        this.#changed();
      });
    });
  }

  pause(milliseconds: number): void {
    if ((milliseconds as unknown) === undefined) fail('milliseconds', 'a number >= 0', milliseconds);
    expectNumber('milliseconds', milliseconds, 0);
    this.#tell(milliseconds, 0, 0);
    this.#hold(milliseconds);
  }

  observe(status: number, headers: Pick<Headers, 'get'>): void {
    const { requests, tokens } = this.#learnt;
    const pauseMs = this.#learnt.observe(status, headers, this.#running, this.#now(), this.#pausedUntil);
    this.#local.observe(status, headers);
    const isNew = this.#learnt.requests !== requests || this.#learnt.tokens !== tokens;
    if (this.#learnt.tokens !== undefined) this.#limitsTokens = true;
    if (pauseMs > 0 || isNew) this.#tell(pauseMs, this.#learnt.requests?.limit ?? 0, this.#learnt.tokens?.limit ?? 0);
    this.#hold(pauseMs);
    this.#serve();
  }

  #tell(milliseconds: number, requestLimit: number, tokenLimit: number): void {
    // Until Redis has answered, each question tells it.
    if (milliseconds > 0) this.#isTold = false;
    this.#run('tell', this.#settings.key, milliseconds, requestLimit, tokenLimit).then(
      () => {
        this.#isTold = true;
      },
      () => undefined,
    );
  }

  // Nobody starts before then, whatever was planned.
  #hold(milliseconds: number): void {
    const until = this.#now() + milliseconds;
    if (!(milliseconds > 0) || until <= this.#pausedUntil) return;
    this.#pausedUntil = until;
    this.#local.pause(milliseconds);
    if (this.#reservation !== undefined && this.#reservation.startAt < until - tolerance) this.#rest();
    this.#serve();
  }

  #serve(): void {
    // Whoever is served may ask for more.
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      if (this.#isAway) this.#serveLocally();
      else this.#ask();
      this.#refuseSurplus();
    } finally {
      this.#isServing = false;
    }
    this.#changed();
  }

  #ask(): void {
    if (this.#isAsking || this.#wait !== undefined) return;
    const costs = this.#nextCosts();
    if (costs.length === 0) return;
    this.#isAsking = true;
    const askedAt = this.#now();
    const pausedFor = this.#isTold ? 0 : Math.max(0, this.#pausedUntil - askedAt);
    const answer = this.#run('reserve', pausedFor, ...costs.flatMap(({ weight, tokens }) => [weight, tokens])) as Promise<Answer>;
    const { answerTimeout, scheduler } = this.#settings;
    let isLost = false;
    from(answer)
      .pipe(timeout({ each: answerTimeout, scheduler }))
      .subscribe({
        next: (answered) => {
          this.#take(answered);
          this.#grantAll(reservationsOf(costs, answered, askedAt, this.#now()));
          this.#isAsking = false;
          this.#serve();
        },
        error: (error: unknown) => {
          isLost = true;
          this.#isAsking = false;
          this.#lose(redisError(error));
        },
      });
    answer.then(
      (answered) => {
        // It came after all, when nobody waited for it any more.
        if (isLost) for (const reservation of reservationsOf(costs, answered, askedAt, this.#now())) this.#giveBack(reservation);
      },
      () => undefined,
    );
  }

  // The first of the queue, as many as the server has room for by its own word.
  #nextCosts(): readonly Cost[] {
    const costs: Cost[] = [];
    const now = this.#now();
    let weights = 0;
    for (const waiter of this.#queue) {
      if (costs.length === batchSize) break;
      if (!this.#learnt.mayStart(weights + waiter.weight, this.#running + costs.length, now)) {
        // Whoever runs will tell how much is left, or it is forgotten.
        if (this.#forgetting?.closed !== false) this.#forgetting = this.#later(this.#learnt.forgetsIn(now), () => { this.#serve(); });
        break;
      }
      const tokens = this.#tokensOf(waiter);
      if (tokens === undefined) continue;
      weights += waiter.weight;
      costs.push({ waiter, weight: waiter.weight, tokens });
    }
    return costs;
  }

  #tokensOf({ subscriber, estimate }: Waiter): number | undefined {
    try {
      const tokens = this.#limitsTokens ? estimate() : 0;
      expectNumber('tokens', tokens, 0);
      return tokens;
    } catch (error) {
      subscriber.error(error);
      return undefined;
    }
  }

  // What Redis knows of all.
  #take([pausedFor, available, limitsTokens]: Answer): void {
    this.#isAway = false;
    this.#available = available < 0 ? Infinity : available;
    this.#limitsTokens ||= limitsTokens === 1;
    this.#hold(Number(pausedFor));
  }

  #grantAll(reservations: readonly Reservation[]): void {
    for (const reservation of reservations) {
      const { waiter, startAt } = reservation;
      if (startAt < this.#pausedUntil - tolerance) {
        // Redis has forgotten of it.
        this.#isTold = false;
        this.#giveBack(reservation);
      } else if (startAt > this.#now() + roundingError) this.#reserve(reservation);
      else if (this.#isTooLate(reservation) || !this.#queue.delete(waiter)) this.#giveBack(reservation);
      else this.#grant(waiter.subscriber, reservation);
    }
  }

  #reserve(reservation: Reservation): void {
    if (this.#queue.size === 0) {
      this.#giveBack(reservation);
      return;
    }
    this.#reservation = reservation;
    this.#listening ??= this.#pauses.subscribe({ error: () => undefined });
    this.#waitFor(reservation.startAt - this.#now(), () => {
      this.#start(reservation);
    });
  }

  #start(reservation: Reservation): void {
    this.#reservation = undefined;
    const [first] = this.#queue;
    if (first?.weight !== reservation.weight || this.#isTooLate(reservation)) {
      this.#giveBack(reservation);
      return;
    }
    const tokens = first === reservation.waiter ? reservation.tokens : this.#tokensOf(first);
    if (tokens === undefined) {
      this.#giveBack(reservation);
      return;
    }
    this.#adjust(tokens - reservation.tokens);
    this.#queue.delete(first);
    this.#grant(first.subscriber, { ...reservation, tokens });
  }

  #isTooLate({ plannedAt }: Reservation): boolean {
    if (this.#now() - plannedAt <= this.#mostLate || this.#tries >= mostTries - 1) {
      this.#tries = 0;
      return false;
    }
    this.#tries += 1;
    return true;
  }

  #grant(subscriber: Subscriber<Permit>, reservation: Reservation): void {
    this.#learnt.started(reservation.weight);
    this.#hand(subscriber, {
      settle: (tokens) => {
        this.#adjust((tokens ?? reservation.tokens) - reservation.tokens);
      },
      release: () => {
        this.#learnt.neverStarted(reservation.weight);
        this.#giveBack(reservation);
      },
    });
  }

  #hand(subscriber: Subscriber<Permit>, permit: Permit): void {
    this.#running += 1;
    let isOver = false;
    const end = (then: () => void): void => {
      if (isOver) return;
      isOver = true;
      this.#running -= 1;
      then();
      this.#serve();
    };
    subscriber.next({
      settle: (tokens) => {
        expectNumber('tokens', tokens, 0);
        end(() => { permit.settle(tokens); });
      },
      release: () => {
        end(() => { permit.release(); });
      },
    });
    subscriber.complete();
  }

  #adjust(tokens: number): void {
    if (this.#limitsTokens && tokens !== 0) this.#run('adjust', tokens).catch(() => undefined);
  }

  #giveBack({ weight, tokens, ends }: Reservation): void {
    this.#run('giveBack', weight, tokens, ...ends).catch(() => undefined);
  }

  // Redis has not answered, or cannot be asked.
  #lose(error: RxMistralError): void {
    const { whenUnavailable } = this.#settings;
    if (error.kind !== 'connection' || whenUnavailable === 'fail') {
      const waiting = [...this.#queue];
      this.#queue.clear();
      for (const { subscriber } of waiting) subscriber.error(error);
    } else if (whenUnavailable === 'local') {
      this.#isAway = true;
    } else {
      this.#waitFor(retryInterval);
    }
    this.#serve();
  }

  #serveLocally(): void {
    if (this.#probe === undefined) this.#probe = this.#later(retryInterval, () => {
      this.#probe = undefined;
      this.#look();
    });
    let [first] = this.#queue;
    while (first !== undefined && this.#wait === undefined) {
      const waiting = new Subscription();
      this.#wait = waiting;
      waiting.add(
        this.#local.acquire({ weight: first.weight, tokens: first.estimate }).subscribe({
          next: (permit) => {
            this.#wait = undefined;
            const [next] = this.#queue;
            if (next === undefined) permit.release();
            else {
              this.#queue.delete(next);
              this.#hand(next.subscriber, permit);
            }
          },
          error: (error: unknown) => {
            this.#wait = undefined;
            first?.subscriber.error(error);
          },
          complete: () => {
            if (!this.#isServing) this.#serve();
          },
        }),
      );
      [first] = this.#queue;
    }
  }

  // Whether Redis is there, and what it knows.
  #look(): void {
    const wasAway = this.#isAway;
    const pausedFor = this.#isTold ? 0 : Math.max(0, this.#pausedUntil - this.#now());
    (this.#run('reserve', pausedFor) as Promise<Answer>).then(
      (answered) => {
        // What waits for the local limiter waits for the shared one now.
        if (wasAway && this.#isAway) this.#rest();
        this.#take(answered);
        this.#serve();
      },
      () => {
        if (this.#isAway && this.#queue.size > 0) this.#serve();
      },
    );
  }

  #refuseSurplus(): void {
    const { maxWaiting } = this.#settings;
    // Of those who are being asked for nobody knows yet.
    const most = maxWaiting + (this.#isAsking ? batchSize : 0);
    if (this.#queue.size <= most) return;
    for (const waiter of [...this.#queue].slice(most)) {
      this.#queue.delete(waiter);
      waiter.subscriber.error(new RxMistralError({ kind: 'limit', message: `More than ${maxWaiting} wait for a permit (\`maxWaiting\`)` }));
    }
    if (this.#queue.size === 0) this.#rest();
  }

  #waitFor(milliseconds: number, then: () => void = () => undefined): void {
    this.#wait = this.#later(milliseconds, () => {
      this.#wait = undefined;
      then();
      this.#serve();
    });
  }

  #later(milliseconds: number, then: () => void): Subscription {
    // A timer has no errors.
    return timer(Math.ceil(Math.min(milliseconds, maxTimerMs)), this.#settings.scheduler).subscribe({ next: then, error: () => undefined });
  }

  #rest(): void {
    this.#wait?.unsubscribe();
    this.#wait = undefined;
    const reservation = this.#reservation;
    this.#reservation = undefined;
    if (reservation !== undefined) this.#giveBack(reservation);
  }

  #changed(): void {
    if (this.#queue.size === 0) {
      this.#listening?.unsubscribe();
      this.#listening = undefined;
      this.#forgetting?.unsubscribe();
    }
    this.#changes.next(undefined);
  }

  #readState(): RateLimiterState {
    const now = this.#now();
    const isPaused = this.#pausedUntil > now;
    return {
      available: isPaused || this.#queue.size > 0 ? 0 : Math.min(this.#available, this.#learnt.remaining(this.#running, now)),
      waiting: this.#queue.size,
      running: this.#running,
      pausedUntil: isPaused ? this.#pausedUntil : undefined,
      learnt: { requests: this.#learnt.requests, tokens: this.#learnt.tokens },
    };
  }

  #now(): number {
    return this.#settings.scheduler.now();
  }

  #run(name: ScriptName, ...given: readonly (string | number)[]): Promise<unknown> {
    const { key, requests, tokens, headerInterval } = this.#settings;
    // One that is being looked for would answer when it is found, whenever that is.
    const { status } = this.#redis;
    if (status === 'reconnecting' || status === 'close' || status === 'end') return Promise.reject(new Error(`The client is not connected (${status})`));
    const limits = [requests?.limit ?? 0, requests?.interval ?? 0, requests?.burst ?? 1, tokens?.limit ?? 0, tokens?.interval ?? 0, headerInterval];
    return this.#scripts[name](key, ...limits, ...given);
  }
}

function reservationsOf(costs: readonly Cost[], [, , , ...starts]: Answer, askedAt: number, now: number): readonly Reservation[] {
  return costs.slice(0, starts.length / 3).map((cost, index) => {
    const wait = Number(starts[3 * index]);
    return { ...cost, startAt: now + wait, plannedAt: askedAt + wait, ends: starts.slice(3 * index + 1, 3 * index + 3) };
  });
}

type ScriptName = keyof ReturnType<typeof rateLimiterScripts>;
