import fc from 'fast-check';
import { finalize, map, mergeMap, type Observable, of, skip, Subject, Subscription, takeUntil, timer, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createRateLimiter, type Permit, type RateLimiter, type RateLimiterOptions, type RateLimiterState } from '../../src/index.js';
import { marbles } from '../../src/testing/index.js';

const headers = (values: Record<string, string> = {}): Headers => new Headers(values);
const unexpected = (error: unknown): never => expect.unreachable(String(error));

/** When permits come, on a clock that runs from 0. */
function starts(limiter: RateLimiter, scheduler: VirtualTimeScheduler, count: number): number[] {
  const seen: number[] = [];
  for (let index = 0; index < count; index += 1) {
    limiter.acquire().subscribe({ next: (permit) => { seen.push(scheduler.now()); permit.settle(); }, error: unexpected });
  }
  scheduler.flush();
  return seen;
}

function virtual(options: Omit<RateLimiterOptions, 'scheduler'> = {}): readonly [RateLimiter, VirtualTimeScheduler] {
  const scheduler = new VirtualTimeScheduler();
  return [createRateLimiter({ ...options, scheduler }), scheduler];
}

describe('permits', () => {
  test('are spaced evenly', () => {
    const [limiter, scheduler] = virtual({ requests: { limit: 10, interval: 1_000 } });
    expect(starts(limiter, scheduler, 5)).toEqual([0, 100, 200, 300, 400]);
  });

  test('come at once as far as the burst goes', () => {
    const [limiter, scheduler] = virtual({ requests: { limit: 10, interval: 1_000, burst: 3 } });
    expect(starts(limiter, scheduler, 5)).toEqual([0, 0, 0, 100, 200]);
  });

  test('come at once where nothing limits them', () => {
    const [limiter, scheduler] = virtual();
    expect(starts(limiter, scheduler, 3)).toEqual([0, 0, 0]);
  });

  test('come synchronously, with a completion', () => {
    marbles((m) => {
      const limiter = createRateLimiter({ requests: { limit: 1, interval: 5 } });
      const permit = limiter.acquire().pipe(map((given) => (given.settle(), 'p')));

      m.expectObservable(permit).toBe('      (p|)');
      m.expectObservable(permit, '-^').toBe('-----(p|)');
      m.expectObservable(permit, '--^').toBe('----------(p|)');
    });
  });

  test('come in order, whatever each costs', () => {
    const [limiter, scheduler] = virtual({ requests: { limit: 10, interval: 1_000 }, tokens: { limit: 1_000, interval: 1_000 } });
    const seen: (readonly [string, number])[] = [];
    for (const [name, tokens, weight] of [['large', 500, 1], ['heavy', 1, 3], ['small', 1, 1]] as const) {
      limiter.acquire({ tokens, weight }).subscribe({ next: () => seen.push([name, scheduler.now()]), error: unexpected });
    }
    scheduler.flush();
    // 500 tokens are paid off after half a second; three requests after three tenths more.
    expect(seen).toEqual([['large', 0], ['heavy', 500], ['small', 800]]);
  });

  test('that cost more than any interval allows come all the same, when those before are paid off', () => {
    const [limiter, scheduler] = virtual({ tokens: { limit: 100, interval: 1_000 } });
    const seen: number[] = [];
    for (const tokens of [5_000, 10]) limiter.acquire({ tokens }).subscribe({ next: () => seen.push(scheduler.now()), error: unexpected });
    scheduler.flush();
    expect(seen).toEqual([0, 50_000]);
  });

  test('are settled with what a call has really cost', () => {
    const [limiter, scheduler] = virtual({ tokens: { limit: 100, interval: 1_000 } });
    const permits: Permit[] = [];
    const seen: number[] = [];
    limiter.acquire({ tokens: () => 1_000 }).subscribe({ next: (permit) => permits.push(permit), error: unexpected });
    limiter.acquire().subscribe({ next: () => seen.push(scheduler.now()), error: unexpected });
    permits[0]?.settle(20);
    permits[0]?.settle(5_000);
    permits[0]?.release();
    scheduler.flush();
    expect(seen).toEqual([200]);
  });

  test('that are released cost nothing', () => {
    const [limiter, scheduler] = virtual({ requests: { limit: 1, interval: 1_000 } });
    const permits: Permit[] = [];
    const seen: number[] = [];
    limiter.acquire().subscribe({ next: (permit) => permits.push(permit), error: unexpected });
    limiter.acquire().subscribe({ next: () => seen.push(scheduler.now()), error: unexpected });
    permits[0]?.release();
    expect(seen).toEqual([0]);
  });

  test('are not waited for any more, at no cost, when unsubscribed', () => {
    const [limiter, scheduler] = virtual({ requests: { limit: 1, interval: 1_000 } });
    const seen: number[] = [];
    const subscriptions = [0, 1, 2, 3].map((index) =>
      limiter.acquire().subscribe({ next: () => seen.push(index), error: unexpected }),
    );
    subscriptions[1]?.unsubscribe();
    subscriptions[2]?.unsubscribe();
    scheduler.flush();
    expect([seen, scheduler.now()]).toEqual([[0, 3], 1_000]);
  });

  test('may be asked for, and left, while one is being handed out', () => {
    const [limiter, scheduler] = virtual({ requests: { limit: 1_000, interval: 1_000, burst: 1_000 } });
    const seen: string[] = [];
    const other = new Subscription();
    const ask = (name: string): Subscription =>
      limiter.acquire().subscribe({ next: () => seen.push(name), error: unexpected });
    limiter.pause(5);
    limiter.acquire().subscribe({
      next: () => {
        seen.push('a');
        other.unsubscribe();
        ask('c');
      },
      error: unexpected,
    });
    other.add(ask('b'));
    ask('d');
    scheduler.flush();
    expect(seen).toEqual(['a', 'd', 'c']);
  });

  test('for a hundred thousand who waited do not grow the stack', () => {
    const [limiter, scheduler] = virtual({ maxWaiting: Infinity });
    let count = 0;
    limiter.pause(10);
    for (let index = 0; index < 100_000; index += 1) {
      limiter.acquire().subscribe({ next: (permit) => { count += 1; permit.settle(); }, error: unexpected });
    }
    scheduler.flush();
    expect(count).toBe(100_000);
  });

  test('are refused where too many wait', () => {
    const [limiter, scheduler] = virtual({ requests: { limit: 1, interval: 10 }, maxWaiting: 2 });
    const seen: unknown[] = [];
    for (const index of [0, 1, 2, 3]) {
      limiter.acquire().subscribe({ next: () => seen.push(index), error: (error: unknown) => seen.push(error) });
    }
    expect(seen).toEqual([0, expect.objectContaining({ kind: 'limit', message: 'More than 2 wait for a permit (`maxWaiting`)' })]);
    scheduler.flush();
    expect(seen.slice(2)).toEqual([1, 2]);
  });

  test('fail with what the estimate throws, and the next one comes', () => {
    const [limiter] = virtual({ tokens: { limit: 1, interval: 1 } });
    const seen: unknown[] = [];
    const tokens = (): number => {
      throw new Error('estimate');
    };
    limiter.acquire({ tokens }).subscribe({ error: (error: unknown) => seen.push((error as Error).message) });
    limiter.acquire().subscribe({ next: () => seen.push('next'), error: unexpected });
    expect(seen).toEqual(['estimate', 'next']);
  });
});

describe('whatever those who share it do', () => {
  const limits = { requests: { limit: 10, interval: 1_000 } };

  test('a permit that is released late gives back no more than is left of it', () => {
    const [limiter, scheduler] = virtual(limits);
    const permits: Permit[] = [];
    limiter.acquire().subscribe({ next: (permit) => permits.push(permit), error: unexpected });
    scheduler.schedule(() => undefined, 10_000);
    scheduler.flush();
    const seen: number[] = [];
    for (let index = 0; index < 2; index += 1) limiter.acquire().subscribe({ next: () => seen.push(scheduler.now()), error: unexpected });
    permits[0]?.release();
    scheduler.flush();
    expect(seen).toEqual([10_000, 10_100]);
  });

  test('a limit that is told anew keeps the pace', () => {
    const [limiter, scheduler] = virtual();
    const seen: number[] = [];
    for (let index = 0; index < 3; index += 1) {
      limiter.observe(200, headers({ 'x-ratelimit-limit-req-minute': index % 2 === 0 ? '60' : '600' }));
      limiter.acquire().subscribe({ next: (permit) => { seen.push(scheduler.now()); permit.settle(); }, error: unexpected });
    }
    scheduler.flush();
    expect(seen[1]).toBeGreaterThan(0);
  });

  test('a teardown that throws stops nobody else', () => {
    const [limiter, scheduler] = virtual(limits);
    const seen: string[] = [];
    limiter.acquire().subscribe({ next: (permit) => { permit.settle(); }, error: unexpected });
    const throwing = finalize<Permit>(() => {
      throw new Error('teardown');
    });
    limiter.acquire().pipe(throwing).subscribe({ next: (permit) => { permit.settle(); }, error: unexpected });
    expect(() => { scheduler.flush(); }).toThrow('teardown');
    limiter.acquire().subscribe({ next: () => seen.push('served'), error: unexpected });
    scheduler.flush();
    expect(seen).toEqual(['served']);
  });

  test('an estimate that ends its own call leaves nothing behind', () => {
    const [limiter] = virtual({ tokens: { limit: 1, interval: 1 } });
    const stop = new Subject<void>();
    const tokens = (): number => {
      stop.next();
      return 1;
    };
    limiter.acquire({ tokens }).pipe(takeUntil(stop)).subscribe({ error: unexpected });
    let state: RateLimiterState | undefined;
    limiter.state$.subscribe({ next: (now) => (state = now), error: unexpected });
    expect(state).toMatchObject({ running: 0, waiting: 0 });
  });
});

describe('a pause', () => {
  test('holds everybody back, and of several the last end counts', () => {
    const [limiter, scheduler] = virtual();
    limiter.pause(500);
    limiter.pause(2_000);
    limiter.pause(100);
    expect(starts(limiter, scheduler, 2)).toEqual([2_000, 2_000]);
  });

  test('may be longer than a timer takes', () => {
    const [limiter, scheduler] = virtual();
    const thirtyDays = 30 * 86_400_000;
    limiter.pause(thirtyDays);
    expect(starts(limiter, scheduler, 1)).toEqual([thirtyDays]);
  });
});

describe('learning', () => {
  const minuteLimit = (limit: number, remaining = limit): Headers =>
    headers({ 'x-ratelimit-limit-req-minute': String(limit), 'x-ratelimit-remaining-req-minute': String(remaining) });

  test('takes the limits of the headers for its own', () => {
    const [limiter, scheduler] = virtual();
    limiter.observe(200, minuteLimit(600));
    expect(starts(limiter, scheduler, 4)).toEqual([0, 100, 200, 300]);
  });

  test('keeps to the tighter of two limits', () => {
    const [limiter, scheduler] = virtual({ requests: { limit: 1, interval: 1_000 } });
    limiter.observe(200, minuteLimit(600));
    expect(starts(limiter, scheduler, 3)).toEqual([0, 1_000, 2_000]);
  });

  test('reads tokens too', () => {
    const [limiter, scheduler] = virtual();
    limiter.observe(200, headers({ 'x-ratelimit-limit-tokens-minute': '60000' }));
    const seen: number[] = [];
    for (const tokens of [500, 1]) limiter.acquire({ tokens }).subscribe({ next: () => seen.push(scheduler.now()), error: unexpected });
    scheduler.flush();
    expect(seen).toEqual([0, 500]);
  });

  test('starts no more than the server has left, less what is running; one at a time goes on trying', () => {
    const [limiter, scheduler] = virtual();
    const permits: Permit[] = [];
    const ask = (): void => {
      limiter.acquire().subscribe({ next: (permit) => permits.push(permit), error: unexpected });
    };
    for (let index = 0; index < 3; index += 1) ask();
    expect(permits).toHaveLength(3);
    // One of three has been answered: three are left, of which two may be on their way.
    limiter.observe(200, headers({ 'x-ratelimit-remaining-req-minute': '3' }));
    permits[0]?.settle();
    for (let index = 0; index < 3; index += 1) ask();
    expect(permits).toHaveLength(4);
    for (const permit of permits.slice(1)) permit.settle();
    expect(permits).toHaveLength(5);
    permits[4]?.settle();
    expect(permits).toHaveLength(6);
    expect(scheduler.now()).toBe(0);
  });

  test('forgets what the server had left when its interval is over', () => {
    const [limiter, scheduler] = virtual({ headerInterval: 1_000 });
    limiter.observe(200, headers({ 'x-ratelimit-remaining-req-minute': '0' }));
    const seen: number[] = [];
    // Nobody settles.
    for (const _ of [1, 2, 3]) limiter.acquire().subscribe({ next: () => seen.push(scheduler.now()), error: unexpected });
    scheduler.flush();
    expect(seen).toEqual([0, 1_000, 1_000]);
  });

  test('pauses at a 429 for as long as the server said', () => {
    for (const said of [{ 'retry-after': '7' }, { 'retry-after-ms': '7000' }, { 'retry-after': new Date(7_000).toUTCString(), date: new Date(0).toUTCString() }]) {
      const [limiter, scheduler] = virtual();
      limiter.observe(429, headers(said));
      expect(starts(limiter, scheduler, 1)).toEqual([7_000]);
    }
  });

  test('pauses for twice as long at each 429 in a row that says nothing, and for a second again behind a success', () => {
    const [limiter, scheduler] = virtual();
    const pauseAfter = (status: number): number => {
      const before = scheduler.now();
      limiter.observe(status, headers());
      limiter.observe(status, headers());
      return (starts(limiter, scheduler, 1)[0] ?? 0) - before;
    };
    expect([429, 429, 429, 200, 429].map(pauseAfter)).toEqual([1_000, 2_000, 4_000, 0, 1_000]);
    expect(Array.from({ length: 9 }, () => pauseAfter(429)).at(-1)).toBe(60_000);
  });

  test('learns nothing of a zero allowance, for which no wait helps', () => {
    const [limiter, scheduler] = virtual();
    limiter.observe(429, headers({ 'x-ratelimit-limit-req-minute': '0', 'retry-after': '60' }));
    expect(starts(limiter, scheduler, 2)).toEqual([0, 0]);
  });

  test('does not take a 503 for a limit', () => {
    const [limiter, scheduler] = virtual();
    limiter.observe(503, headers({ 'retry-after': '60' }));
    expect(starts(limiter, scheduler, 1)).toEqual([0]);
  });

  test('ignores headers that are no counts', () => {
    const [limiter, scheduler] = virtual();
    for (const value of ['', 'many', '-1', '1.5', '1e3', '9'.repeat(40), 'NaN']) {
      limiter.observe(200, headers({ 'x-ratelimit-limit-req-minute': value, 'x-ratelimit-remaining-req-minute': value }));
    }
    expect(starts(limiter, scheduler, 3)).toEqual([0, 0, 0]);
  });
});

describe('state$', () => {
  test('tells what is now, and what changes', () => {
    const [limiter, scheduler] = virtual({ requests: { limit: 10, interval: 1_000, burst: 2 } });
    const states: RateLimiterState[] = [];
    limiter.state$.subscribe({ next: (state) => states.push(state), error: unexpected });
    const learnt = { requests: undefined, tokens: undefined };
    expect(states).toEqual([{ available: 2, waiting: 0, running: 0, pausedUntil: undefined, learnt }]);

    const permits: Permit[] = [];
    for (let index = 0; index < 3; index += 1) limiter.acquire().subscribe({ next: (permit) => permits.push(permit), error: unexpected });
    expect(states.at(-1)).toEqual({ available: 0, waiting: 1, running: 2, pausedUntil: undefined, learnt });

    limiter.pause(5_000);
    expect(states.at(-1)).toMatchObject({ available: 0, waiting: 1, pausedUntil: 5_000 });
    scheduler.flush();
    permits.forEach((permit) => { permit.settle(); });
    limiter.observe(200, headers({ 'x-ratelimit-limit-req-minute': '60', 'x-ratelimit-limit-tokens-minute': '1000' }));
    expect(states.at(-1)).toMatchObject({
      waiting: 0,
      running: 0,
      pausedUntil: undefined,
      learnt: { requests: { limit: 60, interval: 60_000 }, tokens: { limit: 1_000, interval: 60_000 } },
    });
  });

  test('is told to each who asks, also where one leaves while it is told', () => {
    const [limiter, scheduler] = virtual({ requests: { limit: 10, interval: 1_000 } });
    const later: RateLimiterState[] = [];
    const first = new Subscription();
    first.add(limiter.state$.pipe(skip(1)).subscribe({ next: () => { first.unsubscribe(); }, error: unexpected }));
    expect(starts(limiter, scheduler, 2)).toEqual([0, 100]);
    limiter.state$.subscribe({ next: (state) => later.push(state), error: unexpected });
    expect(later).toHaveLength(1);
  });
});

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
const tokensOf = ({ tokens, really, lasts }: { tokens: number; really: number; lasts: number }, at: number): { estimated: number; settled: number; end: number } => ({
  estimated: tokens,
  settled: really,
  end: at + lasts,
});

test('any run keeps to its bound in every stretch of time, in order, with nobody lost or starved', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.log(`rateLimiter: SEED=${seed}`);
  const call = fc.record({
    at: fc.nat(2_000),
    patience: fc.option(fc.nat(1_000), { nil: undefined, freq: 4 }),
    tokens: fc.nat(300),
    really: fc.nat(300),
    lasts: fc.nat(200),
    releases: fc.boolean(),
  });
  const runs = fc.record({
    limit: fc.integer({ min: 1, max: 20 }),
    interval: fc.integer({ min: 10, max: 1_000 }),
    burst: fc.integer({ min: 1, max: 5 }),
    tokenLimit: fc.option(fc.integer({ min: 50, max: 2_000 }), { nil: undefined }),
    pauses: fc.array(fc.record({ at: fc.nat(2_000), length: fc.nat(500) }), { maxLength: 3 }),
    calls: fc.array(call, { maxLength: 40 }),
  });
  fc.assert(
    fc.property(runs, ({ limit, interval, burst, tokenLimit, pauses, calls }) => {
      const scheduler = new VirtualTimeScheduler();
      const size = Math.min(burst, limit);
      const limiter = createRateLimiter({
        requests: { limit, interval, burst: size },
        tokens: tokenLimit === undefined ? undefined : { limit: tokenLimit, interval: 1_000 },
        scheduler,
      });
      for (const { at, length } of pauses) timer(at, scheduler).subscribe({ next: () => { limiter.pause(length); }, error: unexpected });

      const asked: number[] = [];
      const left = new Set<number>();
      const granted: { readonly index: number; readonly at: number; readonly counts: boolean }[] = [];
      const ask = (index: number, { tokens, really, lasts, releases }: (typeof calls)[number]): Subscription => {
        asked.push(index);
        return limiter
          .acquire({ tokens })
          .pipe(
            mergeMap((permit): Observable<Permit> => {
              granted.push({ index, at: scheduler.now(), counts: !releases });
              if (releases) permit.release();
              return releases ? of(permit) : timer(lasts, scheduler).pipe(map(() => permit));
            }),
          )
          .subscribe({ next: (permit) => { permit.settle(really); }, error: unexpected });
      };
      calls.forEach((call, index) => {
        const waiting = new Subscription();
        timer(call.at, scheduler).subscribe({ next: () => { waiting.add(ask(index, call)); }, error: unexpected });
        if (call.patience === undefined) return;
        timer(call.at + call.patience, scheduler).subscribe({
          next: () => {
            if (granted.some((grant) => grant.index === index)) return;
            left.add(index);
            waiting.unsubscribe();
          },
          error: unexpected,
        });
      });
      scheduler.flush();

      // Nobody is lost or starved, and the order is that of asking.
      expect(granted.map(({ index }) => index)).toEqual(asked.filter((index) => !left.has(index)));
      // The bound, in each stretch that begins and ends with a start.
      const counted = granted.filter(({ counts }) => counts).map(({ at }) => at);
      counted.forEach((from, first) => {
        counted.slice(first).forEach((to, count) => {
          expect(count + 1).toBeLessThanOrEqual(size + ((to - from) * limit) / interval + 1e-6);
        });
      });
      if (tokenLimit !== undefined) {
        const charged = granted.filter(({ counts }) => counts).map(({ index, at }) => ({ at, ...tokensOf(calls[index]!, at) }));
        charged.forEach((from, first) => {
          const before = charged.slice(0, first);
          charged.slice(first).forEach((to, count) => {
            const givenBack = sum(before.filter(({ end }) => end >= from.at && end <= to.at).map(({ estimated, settled }) => Math.max(0, estimated - settled)));
            const used = charged.slice(first, first + count).map(({ estimated, settled, end }) => (end < to.at ? settled : Math.min(estimated, settled)));
            expect(sum(used)).toBeLessThanOrEqual(givenBack + ((to.at - from.at) * tokenLimit) / 1_000 + 1e-6);
          });
        });
      }
      // Nobody starts within a pause.
      for (const { at, length } of pauses) {
        expect(granted.filter((grant) => grant.at > at && grant.at < at + length)).toEqual([]);
      }
      let state: RateLimiterState | undefined;
      limiter.state$.subscribe({ next: (now) => (state = now), error: unexpected });
      expect(state).toMatchObject({ waiting: 0, running: 0 });
    }),
    { seed, numRuns: 1_000 },
  );
});

describe('bad options are a TypeError at the call', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['Expected `requests.limit` to be an integer >= 1, got 0', { requests: { limit: 0, interval: 1 } }],
    ['Expected `requests.limit` to be an integer >= 1, got undefined', { requests: { interval: 1 } }],
    ['Expected `requests.interval` to be milliseconds, got undefined', { requests: { limit: 1 } }],
    ['Expected `requests.burst` to be at most the limit of 2, got 3', { requests: { limit: 2, interval: 1, burst: 3 } }],
    ['Expected `requests` to be an object, got 10', { requests: 10 }],
    ['Expected `tokens.limit` to be an integer >= 1, got 0.5', { tokens: { limit: 0.5, interval: 1 } }],
    ['Expected `maxWaiting` to be an integer >= 0 or Infinity, got -1', { maxWaiting: -1 }],
    ['Expected `headerInterval` to be milliseconds from 1 to 2147483647, got 0', { headerInterval: 0 }],
    ['Expected `scheduler` to be a scheduler, got an object', { scheduler: {} }],
  ];
  for (const [message, options] of cases) {
    test(message, () => {
      expect(() => createRateLimiter(options as RateLimiterOptions)).toThrow(new TypeError(message));
    });
  }

  test('of `acquire`, `pause` and `settle` too', () => {
    const limiter = createRateLimiter();
    expect(() => limiter.acquire({ weight: 0 })).toThrow(new TypeError('Expected `weight` to be an integer >= 1, got 0'));
    expect(() => limiter.acquire({ tokens: -1 })).toThrow(new TypeError('Expected `tokens` to be a number >= 0, got -1'));
    expect(() => { limiter.pause(-1); }).toThrow(new TypeError('Expected `milliseconds` to be a number >= 0, got -1'));
    expect(() => { limiter.pause(undefined as never); }).toThrow(new TypeError('Expected `milliseconds` to be a number >= 0, got undefined'));
    limiter.acquire().subscribe({ next: (permit) => { expect(() => { permit.settle(NaN); }).toThrow(TypeError); }, error: unexpected });
  });
});
