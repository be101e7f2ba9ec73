import { asyncScheduler, BehaviorSubject, map, Observable, type SchedulerLike, type Subscriber, type Subscription } from 'rxjs';
import { expectDuration, expectInteger, expectNumber, expectObject, expectScheduler, fail, maxTimerMs } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { estimateRequestTokens } from '../policies/estimateTokens.js';
import { Gcra } from '../policies/gcra.js';
import { LearntLimits } from '../policies/LearntLimits.js';
import type { Allowance, Permit, PermitRequest, RateLimiter, RateLimiterState } from './RateLimiter.js';

/** Options of {@link createRateLimiter}. */
export interface RateLimiterOptions {
  /** How many requests may start. @defaultValue as many as the server's headers say; no limit until they have */
  readonly requests?:
    | {
        /** An integer of at least 1. */
        readonly limit: number;
        /** In milliseconds, more than 0. */
        readonly interval: number;
        /**
         * How many may start at once after a quiet time: an integer from 1 to `limit`.
         * @defaultValue 1: starts are spaced evenly, `interval / limit` apart
         */
        readonly burst?: number | undefined;
      }
    | undefined;
  /** How many tokens may be used. @defaultValue as many as the server's headers say */
  readonly tokens?: Allowance | undefined;
  /**
   * The most who wait: an integer of at least 0, or `Infinity`. One more fails at once, with an error of kind `limit`.
   * @defaultValue 10,000
   */
  readonly maxWaiting?: number | undefined;
  /**
   * The interval that the limits in the server's headers are for, in milliseconds.
   * @defaultValue 60,000: their names say `minute`
   */
  readonly headerInterval?: number | undefined;
  /**
   * The clock and the timers.
   * @defaultValue `asyncScheduler`
   */
  readonly scheduler?: SchedulerLike | undefined;
}

interface Waiter {
  readonly subscriber: Subscriber<Permit>;
  readonly weight: number;
  readonly tokens: () => number;
}

/**
 * A rate limiter, to be shared by any number of pipelines: as the `limiter` of a source's options, by
 * {@link withLimiter}, or by {@link rateLimit}.
 *
 * The algorithm is GCRA, by virtual scheduling: requests are planned `interval / limit` apart, and one may start as much
 * before its plan as `burst` allows. **The worst case**: in any stretch of W milliseconds (its end not included), at most
 * `burst + W · limit / interval` requests of weight 1 start. With the default `burst` of 1 no stretch of `interval` has more than
 * `limit`, wherever a server's own windows may lie; a `burst` of `limit` would let nearly twice as many into one of them, and
 * earn a 429. What `tokens` allows is held likewise by what was estimated. Beyond it come at most the tokens of one request, since a
 * request starts when those before it are paid off: a large one waits no longer than a small one, and is never stuck. An
 * estimate that proves too high is given back at once, and lets others start at once: so there also comes what was estimated
 * too high for those that were under way when the stretch began.
 *
 * **Order**: first come, first served, whatever a request weighs. At most `maxWaiting` wait. Unsubscribing leaves the queue
 * and costs nothing.
 *
 * **Tokens** are estimated before a call and settled when its usage is known: `Permit.settle` corrects the account.
 *
 * **Learning.** Each response is told to `observe` (sources with the `limiter` option do it):
 * - A 429 holds everybody back for as long as the server said; where it said nothing, for a second, and twice as long at each
 *   further one in a row, up to a minute. One with a zero allowance is final: it teaches nothing, and nobody waits for it.
 * - `x-ratelimit-limit-req-minute` and `-tokens-minute` become limits of their own beside those of the options.
 * - `x-ratelimit-remaining-req-minute`: no more start than it leaves, less those that are running, until a later response
 *   says otherwise. There is no header for the end of the server's window, so one at a time goes on trying.
 * - A 503 is the server's capacity and not the caller's limit: each call waits for itself.
 *
 * @throws TypeError when an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatComplete, createRateLimiter, pullMap } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const limiter = createRateLimiter({ requests: { limit: 10, interval: 1_000 } });
 * const ask = (content: string) =>
 *   chatComplete(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content }] }, { limiter, retry: {} });
 *
 * pullMap(['Loire', 'Rhine', 'Danube'], ask, { concurrency: 5 }).subscribe(({ usage }) => console.log(usage.totalTokens));
 * ```
 *
 * @see https://www.itu.int/rec/T-REC-I.371 Annex A: the algorithm
 */
export function createRateLimiter(options: RateLimiterOptions = {}): RateLimiter {
  expectObject('options', options);
  const { requests, tokens, maxWaiting = 10_000, headerInterval = 60_000, scheduler = asyncScheduler } = options;
  expectObject('requests', requests);
  if (requests !== undefined) expectPace(requests, 'requests.');
  expectObject('tokens', tokens);
  if (tokens !== undefined) expectPace(tokens, 'tokens.');
  expectInteger('maxWaiting', maxWaiting, 0, true);
  expectDuration('headerInterval', headerInterval, 1);
  expectScheduler('scheduler', scheduler);

  const requestPace = requests && new Gcra({ limit: requests.limit, interval: requests.interval, burst: requests.burst ?? 1 });
  const tokenPace = tokens && new Gcra({ ...tokens, burst: 1 });
  const learnt = new LearntLimits(headerInterval);
  const queue = new Set<Waiter>();
  let running = 0;
  let pausedUntil = -Infinity;
  let isServing = false;
  // Something has changed while the queue was served.
  let isStale = false;
  let timer: Subscription | undefined;

  // Carries no state: whoever is told reads it afresh.
  const changes = new BehaviorSubject<undefined>(undefined);
  const changed = (): void => {
    changes.next(undefined);
  };

  const requestPaces = (): readonly Gcra[] => [requestPace, learnt.requestPace].filter((pace) => pace !== undefined);
  const tokenPaces = (): readonly Gcra[] => [tokenPace, learnt.tokenPace].filter((pace) => pace !== undefined);
  const earliest = (now: number): number =>
    Math.max(pausedUntil, ...[...requestPaces(), ...tokenPaces()].map((pace) => pace.earliest(now)));

  const grant = ({ subscriber, weight, tokens: estimate }: Waiter, now: number): void => {
    let estimated: number;
    try {
      estimated = tokenPaces().length === 0 ? 0 : estimate();
      expectNumber('tokens', estimated, 0);
    } catch (error) {
      subscriber.error(error);
      return;
    }
    // The estimate, or whoever was served before, may have ended this one.
    if (subscriber.closed) return;
    const taken = requestPaces().map((pace) => ({ pace, end: pace.take(weight, now) }));
    for (const pace of tokenPaces()) pace.take(estimated, now);
    learnt.started(weight);
    running += 1;

    let isOver = false;
    const end = (): boolean => {
      if (isOver) return false;
      isOver = true;
      running -= 1;
      return true;
    };
    subscriber.next({
      settle(real) {
        expectNumber('tokens', real, 0);
        if (!end()) return;
        for (const pace of tokenPaces()) pace.adjust((real ?? estimated) - estimated, scheduler.now());
        serve();
      },
      release() {
        if (!end()) return;
        for (const { pace, end: until } of taken) pace.giveBack(weight, until, scheduler.now());
        for (const pace of tokenPaces()) pace.adjust(-estimated, scheduler.now());
        learnt.neverStarted(weight);
        serve();
      },
    });
    subscriber.complete();
  };

  const refuseSurplus = (): void => {
    for (const waiter of [...queue].slice(maxWaiting)) {
      queue.delete(waiter);
      const message = `More than ${maxWaiting} wait for a permit (\`maxWaiting\`)`;
      waiter.subscriber.error(new RxMistralError({ kind: 'limit', message }));
    }
  };

  // A loop, not a call of a call: a permit may be settled, and the next one asked for, while it is being handed out.
  const serve = (): void => {
    isStale = true;
    if (isServing) return;
    isServing = true;
    try {
      do {
        isStale = false;
        serveQueue();
        if (queue.size > maxWaiting) refuseSurplus();
        // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- whoever is served may call `serve`
      } while (isStale);
    } finally {
      isServing = false;
    }
    changed();
  };

  const serveQueue = (): void => {
    timer?.unsubscribe();
    timer = undefined;
    for (const waiter of queue) {
      const now = scheduler.now();
      const wait = earliest(now) - now;
      if (wait > roundingError) {
        timer = scheduler.schedule(serve, Math.ceil(Math.min(wait, maxTimerMs)));
        break;
      }
      // Whoever runs will tell how much is left.
      if (!learnt.mayStart(waiter.weight, running, now)) {
        timer = scheduler.schedule(serve, learnt.forgetsIn(now));
        break;
      }
      queue.delete(waiter);
      grant(waiter, now);
    }
  };

  const pause = (milliseconds: number): void => {
    const until = scheduler.now() + milliseconds;
    if (until <= pausedUntil) return;
    pausedUntil = until;
    serve();
  };

  const readState = (): RateLimiterState => {
    const now = scheduler.now();
    const isPaused = pausedUntil > now;
    const isPaidOff = tokenPaces().every((pace) => pace.available(now) > 0);
    const available = !isPaidOff ? 0 : Math.min(...requestPaces().map((pace) => pace.available(now)), learnt.remaining(running, now));
    return {
      available: isPaused || queue.size > 0 ? 0 : available,
      waiting: queue.size,
      running,
      pausedUntil: isPaused ? pausedUntil : undefined,
      learnt: { requests: learnt.requests, tokens: learnt.tokens },
    };
  };

  return {
    acquire(request: PermitRequest = {}) {
      expectObject('request', request);
      const { weight = 1, tokens: cost = 0 } = request;
      expectInteger('weight', weight, 1);
      if (typeof cost !== 'function') expectNumber('tokens', cost, 0);
      const estimate = typeof cost === 'function' ? cost : (): number => cost;
      // Constructed: a queue that one can leave is no chain of operators.
      return new Observable<Permit>((subscriber) => {
        const waiter: Waiter = { subscriber, weight, tokens: estimate };
        queue.add(waiter);
        serve();
        subscriber.add(() => {
          if (queue.delete(waiter)) serve();
        });
      });
    },
    estimateTokens: estimateRequestTokens,
    pause(milliseconds) {
      if ((milliseconds as unknown) === undefined) fail('milliseconds', 'a number >= 0', milliseconds);
      expectNumber('milliseconds', milliseconds, 0);
      pause(milliseconds);
    },
    observe(status, headers) {
      const pauseMs = learnt.observe(status, headers, running, scheduler.now(), pausedUntil);
      if (pauseMs > 0) pause(pauseMs);
      else serve();
    },
    // `asObservable` first: what a Subject's own `pipe` returns has the Subject's `next`.
    state$: changes.asObservable().pipe(map(readState)),
  };
}

// Sums of fractions of milliseconds are a hair more than whole.
const roundingError = 1e-6;

/**
 * Throws unless so many may start in an interval.
 *
 * @param path What stands before the names of its fields where they are named: `requests.`.
 */
export function expectPace({ limit, interval, burst }: NonNullable<RateLimiterOptions['requests']>, path = ''): void {
  if ((limit as unknown) === undefined) fail(`${path}limit`, 'an integer >= 1', limit);
  expectInteger(`${path}limit`, limit, 1);
  if ((interval as unknown) === undefined) fail(`${path}interval`, 'milliseconds', interval);
  expectDuration(`${path}interval`, interval, Number.MIN_VALUE);
  expectInteger(`${path}burst`, burst, 1);
  if (burst !== undefined && burst > limit) fail(`${path}burst`, `at most the limit of ${limit}`, burst);
}
