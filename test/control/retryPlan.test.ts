import { concat, defer, EMPTY, Observable, of, tap, throwError, VirtualTimeScheduler } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it, vi } from 'vitest';
import { createRetryBudget, type RetryBudget } from '../../src/control/retryBudget.js';
import { expectRetryConfig, type RetryAttempt, type RetryPlan, type RetryStep, startRetryPlan } from '../../src/control/retryPlan.js';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import { constantBackoff, exponentialBackoff } from '../../src/policies/backoff.js';

const failure = (retryAfterMs?: number): RxMistralError =>
  new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true, retryAfterMs });
const refused = new RxMistralError({ kind: 'http', message: 'bad request', status: 400 });

/** What is expected of a step: its wait is tested with `waitForRetry`. */
const step = (attempt: number, delayMs: number): RetryStep => ({ attempt, delayMs, wait: expect.any(Observable) as Observable<unknown> });

describe('startRetryPlan', () => {
  it('retries a retryable failure twice by default, under a ceiling of 500 ms and 1 s', () => {
    const { next } = startRetryPlan({ random: () => 1 });
    expect([next(failure()), next(failure()), next(failure())]).toEqual([
      step(1, 500),
      step(2, 1_000),
      undefined,
    ]);
  });

  it('asks the backoff that the one before handed out', () => {
    const { next } = startRetryPlan({ backoff: exponentialBackoff({ jitter: 'decorrelated' }), random: () => 1 });
    expect([next(failure())?.delayMs, next(failure())?.delayMs]).toEqual([1_500, 4_500]);
  });

  it('takes chance from Math.random by default', () => {
    const delays = Array.from({ length: 50 }, () => startRetryPlan().next(failure())?.delayMs ?? NaN);
    expect(delays.every((delayMs) => delayMs >= 0 && delayMs <= 500)).toBe(true);
    expect(new Set(delays).size).toBeGreaterThan(1);
  });

  it('does not retry an error of another kind, unless isRetryable says so', () => {
    expect(startRetryPlan().next(new Error('a bug'))).toBeUndefined();
    expect(startRetryPlan({ isRetryable: () => true, random: () => 0 }).next('thrown')).toEqual(step(1, 0));
  });

  it('respects what the server asks for, up to 60 s, by default', () => {
    expect(startRetryPlan({ random: () => 0 }).next(failure(60_000))).toEqual(step(1, 60_000));
    expect(startRetryPlan().next(failure(60_001))).toBeUndefined();
  });

  it('counts the time from its start on the clock of its scheduler', () => {
    const scheduler = new VirtualTimeScheduler();
    scheduler.frame = 1_000_000;
    const config = { maxRetries: Infinity, maxElapsed: 1_000, backoff: constantBackoff(100), scheduler };
    const { next } = startRetryPlan(config);
    scheduler.frame += 900;
    expect(next(failure())).toEqual(step(1, 100));
    scheduler.frame += 1;
    expect(next(failure())).toBeUndefined();
    expect(startRetryPlan(config).next(failure())).toEqual(step(1, 100));
  });

  it('tells onRetry of each retry before its wait, and of no final failure', () => {
    const attempts: RetryAttempt[] = [];
    const onRetry = (attempt: RetryAttempt): number => attempts.push(attempt);
    const { next } = startRetryPlan({ maxRetries: 1, backoff: constantBackoff(5), onRetry });
    const first = failure();
    next(first);
    next(failure());
    expect(attempts).toEqual([{ attempt: 1, delayMs: 5, error: first }]);
    expect(attempts[0]?.error).toBe(first);
  });

  it('deposits once, and withdraws for each retry but not for a final failure', () => {
    const budget = { deposit: vi.fn(), withdraw: vi.fn(() => true) };
    const { next } = startRetryPlan({ budget: budget as unknown as RetryBudget });
    expect([budget.deposit.mock.calls.length, budget.withdraw.mock.calls.length]).toEqual([1, 0]);
    next(new Error('a bug'));
    next(failure(1e9));
    expect(budget.withdraw).not.toHaveBeenCalled();
    next(failure());
    next(failure());
    next(failure());
    expect([budget.deposit.mock.calls.length, budget.withdraw.mock.calls.length]).toEqual([1, 2]);
  });

  it('is final where the budget refuses, and does not tell onRetry', () => {
    const onRetry = vi.fn();
    const budget = createRetryBudget({ retriesPerCall: 1 });
    const { next } = startRetryPlan({ maxRetries: Infinity, budget, onRetry });
    expect(next(failure())).toBeDefined();
    expect(next(failure())).toBeUndefined();
    expect(onRetry).toHaveBeenCalledTimes(1);
  });

  it('goes on to grant retries when the budget has recovered', () => {
    const budget = createRetryBudget({ retriesPerCall: 1 });
    const { next } = startRetryPlan({ budget, random: () => 0 });
    next(failure());
    expect(next(failure())).toBeUndefined();
    budget.deposit();
    expect(next(failure())).toEqual(step(2, 0));
  });

  it('waits for the delay and then for the budget, where that lets its callers wait', () => {
    const scheduler = new TestScheduler((actual, expected) => {
      expect(actual).toEqual(expected);
    });
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const turn = cold('          ---(t|)', { t: true });
      const subs = '           -----^--!';
      const expected = '       --------(t|)';
      const budget: RetryBudget = { ...createRetryBudget(), withdraw: () => expect.unreachable(), acquire: () => turn };
      const onRetry = vi.fn();
      const retry = startRetryPlan({ backoff: constantBackoff(5), budget, onRetry }).next(failure());
      expect(retry).toEqual(step(1, 5));
      expect(onRetry).toHaveBeenCalledTimes(1);
      expectObservable(retry?.wait ?? EMPTY).toBe(expected, { t: true });
      expectSubscriptions(turn.subscriptions).toBe(subs);
    });
  });

  it('gives a wait for the budget up after maxElapsed, counted from its start', () => {
    const scheduler = new TestScheduler((actual, expected) => {
      expect(actual).toEqual(expected);
    });
    scheduler.run(({ expectObservable }) => {
      const budget = createRetryBudget({ whenEmpty: 'wait' });
      const error = failure();
      const { next } = startRetryPlan({ maxElapsed: 9, backoff: constantBackoff(2), budget, scheduler });
      const late = defer(() => next(error)?.wait ?? EMPTY);
      expectObservable(late, '----^').toBe('---------#', undefined, error);
    });
  });
});

describe('the watch of a plan', () => {
  /** A plan whose budget counts the successes that it is told of. */
  function planned(): RetryPlan & { readonly succeed: () => void } {
    const succeed = vi.fn();
    const budget: RetryBudget = { ...createRetryBudget({ whenEmpty: 'wait' }), succeed };
    return { ...startRetryPlan({ maxRetries: Infinity, budget }), succeed };
  }
  const run = (attempt: Observable<unknown>): void => {
    attempt.subscribe({ error: () => undefined });
  };
  const cut = concat(of('a', 'b'), throwError(() => failure()));

  it('is the attempt itself where the budget wants to know nothing', () => {
    const attempt = of(1);
    expect(startRetryPlan().watch(attempt)).toBe(attempt);
    expect(startRetryPlan({ budget: createRetryBudget() }).watch(attempt)).toBe(attempt);
  });

  it.each<[name: string, attempt: Observable<unknown>, told: number]>([
    ['that completes', of('a', 'b'), 1],
    ['that completes without a value', EMPTY, 1],
    ['that is cut', cut, 0],
    ['that fails', throwError(() => failure()), 0],
    ['that is refused', throwError(() => refused), 1],
    ['that is unsubscribed from behind its values', new Observable((subscriber) => { subscriber.next('a'); subscriber.unsubscribe(); }), 0],
  ])('tells of a first attempt %s', (_name, attempt, told) => {
    const { watch, next, succeed } = planned();
    watch(attempt).subscribe({ error: (error: unknown) => next(error) });
    expect(succeed).toHaveBeenCalledTimes(told);
  });

  it('tells of a retry at its first value, and not again when it completes', () => {
    const { watch, next, succeed } = planned();
    next(failure());
    const toldAt: number[] = [];
    run(watch(of('a', 'b', 'c')).pipe(tap(() => toldAt.push(vi.mocked(succeed).mock.calls.length))));
    expect(toldAt).toEqual([1, 1, 1]);
    expect(succeed).toHaveBeenCalledTimes(1);
  });

  it('tells once more, when the call completes, where the answer was cut', () => {
    const { watch, next, succeed } = planned();
    next(failure());
    run(watch(cut));
    expect(succeed).toHaveBeenCalledTimes(1);
    // A server that answers and cuts for ever adds nothing more.
    for (let attempt = 0; attempt < 10; attempt += 1) {
      next(failure());
      run(watch(cut));
    }
    expect(succeed).toHaveBeenCalledTimes(1);
    run(watch(of('a', 'b')));
    expect(succeed).toHaveBeenCalledTimes(2);
  });

  it('passes values, error and completion as they are', () => {
    const scheduler = new TestScheduler((actual, expected) => {
      expect(actual).toEqual(expected);
    });
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const { watch, next } = planned();
      next(failure());
      const attempt = cold('-a-b-#');
      expectObservable(watch(attempt)).toBe('-a-b-#');
      expectObservable(watch(cold('-a-b-|')), '^--!').toBe('-a--');
      expectSubscriptions(attempt.subscriptions).toBe('^----!');
    });
  });
});

describe('expectRetryConfig', () => {
  it.each([
    [undefined],
    [{}],
    [{ maxRetries: Infinity }],
    [{ maxRetries: 0, maxElapsed: 0, maxRetryAfter: 0 }],
    [{ backoff: constantBackoff(1), budget: createRetryBudget(), scheduler: new VirtualTimeScheduler() }],
    [{ maxRetries: undefined, backoff: undefined, onRetry: undefined, respectRetryAfter: undefined }],
  ])('passes %j', (config) => {
    expect(() => {
      expectRetryConfig(config);
    }).not.toThrow();
  });

  it.each([
    ['maxRetries', -1],
    ['maxRetries', 1.5],
    ['maxRetries', NaN],
    ['backoff', 500],
    ['backoff', {}],
    ['backoff', null],
    ['isRetryable', true],
    ['respectRetryAfter', 'yes'],
    ['maxRetryAfter', -1],
    ['maxRetryAfter', Infinity],
    ['maxElapsed', -1],
    ['maxElapsed', Infinity],
    ['budget', 3],
    ['budget', { deposit: () => undefined }],
    ['onRetry', 'log'],
    ['scheduler', {}],
    ['random', 0.5],
  ])('names the bad option: %s', (name, value) => {
    const check = (path?: string) => (): void => {
      expectRetryConfig({ [name]: value }, path);
    };
    expect(check('retry')).toThrow(TypeError);
    expect(check('retry')).toThrow(`Expected \`retry.${name}\` to be`);
    expect(check()).toThrow(`Expected \`${name}\` to be`);
  });

  it('names the place of a config that is none', () => {
    const check = (config: unknown, path?: string) => (): void => {
      expectRetryConfig(config as object, path);
    };
    expect(check(3, 'retry')).toThrow('Expected `retry` to be an object, got 3');
    expect(check(null)).toThrow('Expected `config` to be an object, got null');
  });
});
