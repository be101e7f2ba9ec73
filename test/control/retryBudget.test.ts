import fc from 'fast-check';
import { type Observer, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createRetryBudget, type RetryBudget, type RetryBudgetState } from '../../src/control/retryBudget.js';

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

  it('holds 100 retries by default', () => {
    const budget = createRetryBudget();
    for (let call = 0; call < 1_000; call += 1) budget.deposit();
    expect(exhaust(budget)).toBe(100);
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
        { tokens: 0, capacity: 3, calls: 0, retries: 0, refusals: 0 },
        { tokens: 2, capacity: 3, calls: 1, retries: 0, refusals: 0 },
        { tokens: 3, capacity: 3, calls: 2, retries: 0, refusals: 0 },
        { tokens: 2, capacity: 3, calls: 2, retries: 1, refusals: 0 },
        { tokens: 1, capacity: 3, calls: 2, retries: 2, refusals: 0 },
        { tokens: 0, capacity: 3, calls: 2, retries: 3, refusals: 0 },
        { tokens: 0, capacity: 3, calls: 2, retries: 3, refusals: 1 },
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
      expect(states).toEqual([{ tokens: 2.5, capacity: 100, calls: 1, retries: 0, refusals: 0 }]);
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
    ['scheduler', { scheduler: {} }],
    ['options', null],
  ])('names the bad option: %s', (name, options) => {
    expect(() => createRetryBudget(options as object)).toThrow(TypeError);
    expect(() => createRetryBudget(options as object)).toThrow(`Expected \`${name}\` to be`);
  });
});
