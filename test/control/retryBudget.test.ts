import fc from 'fast-check';
import { type Observer, type Subscription, VirtualTimeScheduler } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRetryBudget, type RetryBudget, type RetryBudgetOptions, type RetryBudgetState } from '../../src/control/retryBudget.js';

/** An observer that collects, and fails the test on an error. */
const into = <T>(values: T[]): Partial<Observer<T>> => ({
  next: (value) => values.push(value),
  error: (error) => expect.unreachable(String(error)),
});

/** Withdraws until the budget refuses, and counts. */
function exhaust(budget: RetryBudget): number {
  let granted = 0;
  while (budget.withdraw()) granted += 1;
  return granted;
}

/** Goes on to `milliseconds` from now, and runs what is due until then. */
function advance(scheduler: VirtualTimeScheduler, milliseconds: number): void {
  scheduler.maxFrames = scheduler.frame + milliseconds;
  scheduler.flush();
  scheduler.frame = scheduler.maxFrames;
}

/** The state now. */
function stateOf(budget: RetryBudget): RetryBudgetState {
  const states: RetryBudgetState[] = [];
  budget.state$.subscribe(into(states)).unsubscribe();
  return states[0]!;
}

afterEach(() => {
  vi.useRealTimers();
});

describe('createRetryBudget', () => {
  it('grants nothing before a call, and two retries for each', () => {
    const budget = createRetryBudget();
    expect(budget.withdraw()).toBe(false);
    budget.deposit();
    expect([budget.withdraw(), budget.withdraw(), budget.withdraw()]).toEqual([true, true, false]);
  });

  it('never grants more than twice the calls, in any order of calls and retries', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), (actions) => {
        const budget = createRetryBudget();
        let calls = 0;
        let retries = 0;
        for (const isCall of actions) {
          if (isCall) budget.deposit();
          if (isCall) calls += 1;
          else if (budget.withdraw()) retries += 1;
          expect(calls + retries).toBeLessThanOrEqual(3 * calls);
        }
      }),
    );
  });

  it('adds up fractions without an error of rounding', () => {
    for (const [retriesPerCall, calls, expected] of [
      [0.1, 10, 1],
      [0.2, 5, 1],
      [0.7, 10, 7],
      [0.001, 1_000, 1],
    ] as const) {
      const budget = createRetryBudget({ retriesPerCall });
      for (let call = 1; call < calls; call += 1) budget.deposit();
      const before = exhaust(budget);
      budget.deposit();
      expect(before + exhaust(budget)).toBe(expected);
    }
  });

  it('saves up no more than its capacity', () => {
    const budget = createRetryBudget({ capacity: 5 });
    for (let call = 0; call < 1_000; call += 1) budget.deposit();
    expect(exhaust(budget)).toBe(5);
  });

  it('has room for both retries of 1,000 calls by default, and for no more', () => {
    const budget = createRetryBudget();
    for (let call = 0; call < 1_000; call += 1) budget.deposit();
    expect(exhaust(budget)).toBe(2_000);
    for (let call = 0; call < 1_001; call += 1) budget.deposit();
    expect(exhaust(budget)).toBe(2_000);
  });

  it('lets nobody wait by default', () => {
    for (const budget of [createRetryBudget(), createRetryBudget({ whenEmpty: 'fail' })]) {
      expect(budget.acquire).toBeUndefined();
      expect(budget.succeed).toBeUndefined();
    }
  });

  it('earns with time where it is told to, on the clock of its scheduler', () => {
    const scheduler = new VirtualTimeScheduler();
    const budget = createRetryBudget({ retriesPerCall: 0, minRetriesPerSecond: 2, capacity: 5, scheduler });
    expect(exhaust(budget)).toBe(0);
    scheduler.frame = 1_500;
    expect(exhaust(budget)).toBe(3);
    scheduler.frame = 1_999;
    expect(exhaust(budget)).toBe(0);
    scheduler.frame = 3_600_000;
    expect(exhaust(budget)).toBe(5);
  });

  it('earns nothing with time by default', () => {
    const scheduler = new VirtualTimeScheduler();
    const budget = createRetryBudget({ scheduler });
    scheduler.frame = 3_600_000;
    expect(exhaust(budget)).toBe(0);
  });

  describe('state$', () => {
    it('emits the state now, and at each change', () => {
      const budget = createRetryBudget({ capacity: 3 });
      const states: RetryBudgetState[] = [];
      budget.state$.subscribe(into(states));
      budget.deposit();
      budget.deposit();
      exhaust(budget);
      expect(states).toEqual([
        { tokens: 0, capacity: 3, calls: 0, retries: 0, refusals: 0, waiting: 0 },
        { tokens: 2, capacity: 3, calls: 1, retries: 0, refusals: 0, waiting: 0 },
        { tokens: 3, capacity: 3, calls: 2, retries: 0, refusals: 0, waiting: 0 },
        { tokens: 2, capacity: 3, calls: 2, retries: 1, refusals: 0, waiting: 0 },
        { tokens: 1, capacity: 3, calls: 2, retries: 2, refusals: 0, waiting: 0 },
        { tokens: 0, capacity: 3, calls: 2, retries: 3, refusals: 0, waiting: 0 },
        { tokens: 0, capacity: 3, calls: 2, retries: 3, refusals: 1, waiting: 0 },
      ]);
    });

    it('tells a late subscriber the state of now, with what time has added', () => {
      const scheduler = new VirtualTimeScheduler();
      const budget = createRetryBudget({ minRetriesPerSecond: 1, scheduler });
      budget.deposit();
      scheduler.frame = 500;
      const states: RetryBudgetState[] = [];
      budget.state$.subscribe(into(states)).unsubscribe();
      budget.deposit();
      expect(states).toEqual([{ tokens: 2.5, capacity: 2_000, calls: 1, retries: 0, refusals: 0, waiting: 0 }]);
    });

    it('is no Subject: a subscriber cannot write to it', () => {
      expect(createRetryBudget().state$).not.toHaveProperty('next');
    });
  });

  it.each([
    ['retriesPerCall', { retriesPerCall: -1 }],
    ['retriesPerCall', { retriesPerCall: Infinity }],
    ['capacity', { capacity: 0 }],
    ['capacity', { capacity: Infinity }],
    ['minRetriesPerSecond', { minRetriesPerSecond: NaN }],
    ['minRetriesPerSecond', { whenEmpty: 'wait', minRetriesPerSecond: 0 }],
    ['whenEmpty', { whenEmpty: 'queue' }],
    ['maxWaiting', { maxWaiting: 0 }],
    ['maxWaiting', { maxWaiting: 1.5 }],
    ['scheduler', { scheduler: {} }],
    ['options', null],
  ])('names the bad option: %s', (name, options) => {
    expect(() => createRetryBudget(options as object)).toThrow(TypeError);
    expect(() => createRetryBudget(options as object)).toThrow(`Expected \`${name}\` to be`);
  });
});

describe("createRetryBudget with whenEmpty: 'wait'", () => {
  type WaitingBudget = { readonly [Name in keyof RetryBudget]-?: NonNullable<RetryBudget[Name]> };
  const waiting = (scheduler: VirtualTimeScheduler, options: RetryBudgetOptions = {}): WaitingBudget =>
    createRetryBudget({ whenEmpty: 'wait', scheduler, ...options }) as WaitingBudget;
  /** Joins, and notes `who` when the retry is granted or refused. */
  const join = (budget: WaitingBudget, who: number, log: unknown[]): Subscription =>
    budget.acquire().subscribe({
      next: (granted) => log.push(granted ? who : `${who} refused`),
      error: (error: unknown) => expect.unreachable(String(error)),
    });

  it('lets one go each second, and two at each success', () => {
    const scheduler = new TestScheduler((actual, expected) => {
      expect(actual).toEqual(expected);
    });
    scheduler.run(({ expectObservable }) => {
      const budget = createRetryBudget({ whenEmpty: 'wait' });
      const turn = budget.acquire!();
      scheduler.schedule(() => { budget.succeed!(); }, 1_500);
      expectObservable(turn).toBe('1000ms (t|)', { t: true });
      expectObservable(turn).toBe('1500ms (t|)', { t: true });
      expectObservable(turn).toBe('1500ms (t|)', { t: true });
      expectObservable(turn).toBe('2000ms (t|)', { t: true });
      expectObservable(turn, '^ 2000ms !').toBe('-');
    });
  });

  it('earns nothing when a call starts, and saves what successes earn, up to its capacity', () => {
    const scheduler = new VirtualTimeScheduler();
    const budget = waiting(scheduler);
    for (let call = 0; call < 1_000; call += 1) budget.deposit();
    expect(exhaust(budget)).toBe(0);
    budget.succeed();
    expect(exhaust(budget)).toBe(2);
    for (let call = 0; call < 1_000; call += 1) budget.succeed();
    expect(exhaust(budget)).toBe(100);
  });

  it('serves who waits before it saves, so that a small capacity slows no recovery', () => {
    const scheduler = new VirtualTimeScheduler();
    const budget = waiting(scheduler, { capacity: 1, retriesPerCall: 3 });
    const log: unknown[] = [];
    for (let who = 0; who < 10; who += 1) join(budget, who, log);
    budget.succeed();
    budget.succeed();
    advance(scheduler, 0);
    expect(log).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('adds up fractions of successes and of time', () => {
    const scheduler = new VirtualTimeScheduler();
    const budget = waiting(scheduler, { retriesPerCall: 0.4 });
    const log: unknown[] = [];
    for (let who = 0; who < 3; who += 1) join(budget, who, log);
    budget.succeed();
    advance(scheduler, 599);
    expect(log).toEqual([]);
    advance(scheduler, 1);
    expect(log).toEqual([0]);
  });

  it('lets withdraw overtake nobody', () => {
    const scheduler = new VirtualTimeScheduler();
    const budget = waiting(scheduler);
    const log: unknown[] = [];
    join(budget, 0, log);
    scheduler.frame = 5_000;
    expect(budget.withdraw()).toBe(false);
    advance(scheduler, 0);
    expect(log).toEqual([0]);
    expect(budget.withdraw()).toBe(true);
  });

  it('refuses the 10,001st by default', () => {
    const scheduler = new VirtualTimeScheduler();
    const budget = waiting(scheduler);
    const log: unknown[] = [];
    for (let who = 1; who <= 10_001; who += 1) join(budget, who, log);
    expect(log).toEqual(['10001 refused']);
    expect(stateOf(budget)).toMatchObject({ waiting: 10_000, refusals: 1 });
  });

  it('shows in state$ who joins, goes, leaves and is refused', () => {
    const scheduler = new VirtualTimeScheduler();
    const budget = waiting(scheduler, { maxWaiting: 2, capacity: 5 });
    const states: RetryBudgetState[] = [];
    budget.state$.subscribe(into(states));
    budget.deposit();
    const [first] = [1, 2, 3].map((who) => join(budget, who, []));
    first?.unsubscribe();
    budget.succeed();
    expect(states).toEqual([
      { tokens: 0, capacity: 5, calls: 0, retries: 0, refusals: 0, waiting: 0 },
      { tokens: 0, capacity: 5, calls: 1, retries: 0, refusals: 0, waiting: 0 },
      { tokens: 0, capacity: 5, calls: 1, retries: 0, refusals: 0, waiting: 1 },
      { tokens: 0, capacity: 5, calls: 1, retries: 0, refusals: 0, waiting: 2 },
      { tokens: 0, capacity: 5, calls: 1, retries: 0, refusals: 1, waiting: 2 },
      { tokens: 0, capacity: 5, calls: 1, retries: 0, refusals: 1, waiting: 1 },
      { tokens: 1, capacity: 5, calls: 1, retries: 1, refusals: 1, waiting: 0 },
    ]);
  });

  it('keeps the program alive only while somebody waits', () => {
    vi.useFakeTimers();
    const budget = createRetryBudget({ whenEmpty: 'wait' });
    budget.succeed?.();
    expect(vi.getTimerCount()).toBe(0);
    exhaust(budget);
    const subscription = budget.acquire?.().subscribe({ error: () => expect.unreachable() });
    expect(vi.getTimerCount()).toBe(1);
    subscription?.unsubscribe();
    expect(vi.getTimerCount()).toBe(0);
  });

  describe('in any order of joining, leaving, succeeding and passing time', () => {
    const action = fc.oneof(
      { weight: 4, arbitrary: fc.constant({ type: 'join' as const }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('leave' as const), which: fc.nat(20) }) },
      { weight: 2, arbitrary: fc.constant({ type: 'succeed' as const }) },
      { weight: 1, arbitrary: fc.constant({ type: 'withdraw' as const }) },
      { weight: 3, arbitrary: fc.record({ type: fc.constant('pass' as const), milliseconds: fc.oneof(fc.constant(0), fc.nat(3_000)) }) },
    );
    const given = fc.record({
      retriesPerCall: fc.constantFrom(0, 0.3, 1, 2, 2.5),
      capacity: fc.constantFrom(1, 2, 7.5, 100),
      minRetriesPerSecond: fc.constantFrom(0.3, 1, 4),
      maxWaiting: fc.constantFrom(1, 5, 10_000),
    });

    it('grants no more than it has earned, in the order of joining, and lets nobody wait for nothing', () => {
      fc.assert(
        fc.property(given, fc.array(action, { maxLength: 60 }), (options, actions) => {
          const scheduler = new VirtualTimeScheduler();
          const budget = waiting(scheduler, options);
          const log: unknown[] = [];
          const places: Subscription[] = [];
          const snapshots = [{ now: 0, successes: 0, retries: 0 }];
          let successes = 0;
          let withdrawn = 0;
          for (const act of actions) {
            if (act.type === 'join') places.push(join(budget, places.length, log));
            else if (act.type === 'leave') places[act.which]?.unsubscribe();
            else if (act.type === 'withdraw') withdrawn += Number(budget.withdraw());
            else if (act.type === 'pass') advance(scheduler, act.milliseconds);
            else {
              successes += 1;
              budget.succeed();
            }
            const state = stateOf(budget);
            snapshots.push({ now: scheduler.now(), successes, retries: state.retries });
            expect(state.waiting).toBeLessThanOrEqual(options.maxWaiting);
            expect(state.tokens).toBeLessThanOrEqual(options.capacity);
            if (act.type === 'pass' && state.waiting > 0) expect(state.tokens).toBeLessThan(1);
          }
          advance(scheduler, 0);

          const granted = log.filter((entry) => typeof entry === 'number');
          expect(granted).toEqual([...granted].sort((a, b) => a - b));
          expect(stateOf(budget).retries).toBe(granted.length + withdrawn);
          for (const [index, to] of snapshots.entries()) {
            for (const from of snapshots.slice(0, index)) {
              const earned = options.retriesPerCall * (to.successes - from.successes);
              const seconds = (to.now - from.now) / 1_000;
              const most = earned + options.minRetriesPerSecond * seconds + options.capacity;
              expect(to.retries - from.retries).toBeLessThanOrEqual(most + 1e-6);
            }
          }
        }),
      );
    });
  });
});
