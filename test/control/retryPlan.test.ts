import { VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { createRetryBudget, type RetryBudget } from '../../src/control/retryBudget.js';
import { expectRetryConfig, type RetryAttempt, startRetryPlan } from '../../src/control/retryPlan.js';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import { constantBackoff, exponentialBackoff } from '../../src/policies/backoff.js';

const failure = (retryAfterMs?: number): RxMistralError =>
  new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true, retryAfterMs });

describe('startRetryPlan', () => {
  it('retries a retryable failure twice by default, under a ceiling of 500 ms and 1 s', () => {
    const plan = startRetryPlan({ random: () => 1 });
    expect([plan(failure()), plan(failure()), plan(failure())]).toEqual([
      { attempt: 1, delayMs: 500 },
      { attempt: 2, delayMs: 1_000 },
      undefined,
    ]);
  });

  it('asks the backoff that the one before handed out', () => {
    const plan = startRetryPlan({ backoff: exponentialBackoff({ jitter: 'decorrelated' }), random: () => 1 });
    expect([plan(failure())?.delayMs, plan(failure())?.delayMs]).toEqual([1_500, 4_500]);
  });

  it('takes chance from Math.random by default', () => {
    const delays = Array.from({ length: 50 }, () => startRetryPlan()(failure())?.delayMs ?? NaN);
    expect(delays.every((delayMs) => delayMs >= 0 && delayMs <= 500)).toBe(true);
    expect(new Set(delays).size).toBeGreaterThan(1);
  });

  it('does not retry an error of another kind, unless isRetryable says so', () => {
    expect(startRetryPlan()(new Error('a bug'))).toBeUndefined();
    expect(startRetryPlan({ isRetryable: () => true, random: () => 0 })('thrown')).toEqual({ attempt: 1, delayMs: 0 });
  });

  it('respects what the server asks for, up to 60 s, by default', () => {
    expect(startRetryPlan()(failure(60_000))).toEqual({ attempt: 1, delayMs: 60_000 });
    expect(startRetryPlan()(failure(60_001))).toBeUndefined();
  });

  it('counts the time from its start on the clock of its scheduler', () => {
    const scheduler = new VirtualTimeScheduler();
    scheduler.frame = 1_000_000;
    const config = { maxRetries: Infinity, maxElapsed: 1_000, backoff: constantBackoff(100), scheduler };
    const plan = startRetryPlan(config);
    scheduler.frame += 900;
    expect(plan(failure())).toEqual({ attempt: 1, delayMs: 100 });
    scheduler.frame += 1;
    expect(plan(failure())).toBeUndefined();
    expect(startRetryPlan(config)(failure())).toEqual({ attempt: 1, delayMs: 100 });
  });

  it('tells onRetry of each retry before its wait, and of no final failure', () => {
    const attempts: RetryAttempt[] = [];
    const onRetry = (attempt: RetryAttempt): number => attempts.push(attempt);
    const plan = startRetryPlan({ maxRetries: 1, backoff: constantBackoff(5), onRetry });
    const first = failure();
    plan(first);
    plan(failure());
    expect(attempts).toEqual([{ attempt: 1, delayMs: 5, error: first }]);
    expect(attempts[0]?.error).toBe(first);
  });

  it('deposits once, and withdraws for each retry but not for a final failure', () => {
    const budget = { deposit: vi.fn(), withdraw: vi.fn(() => true) };
    const plan = startRetryPlan({ budget: budget as unknown as RetryBudget });
    expect([budget.deposit.mock.calls.length, budget.withdraw.mock.calls.length]).toEqual([1, 0]);
    plan(new Error('a bug'));
    plan(failure(1e9));
    expect(budget.withdraw).not.toHaveBeenCalled();
    plan(failure());
    plan(failure());
    plan(failure());
    expect([budget.deposit.mock.calls.length, budget.withdraw.mock.calls.length]).toEqual([1, 2]);
  });

  it('is final where the budget refuses, and does not tell onRetry', () => {
    const onRetry = vi.fn();
    const budget = createRetryBudget({ retriesPerCall: 1 });
    const plan = startRetryPlan({ maxRetries: Infinity, budget, onRetry });
    expect(plan(failure())).toBeDefined();
    expect(plan(failure())).toBeUndefined();
    expect(onRetry).toHaveBeenCalledTimes(1);
  });

  it('goes on to grant retries when the budget has recovered', () => {
    const budget = createRetryBudget({ retriesPerCall: 1 });
    const plan = startRetryPlan({ budget, random: () => 0 });
    plan(failure());
    expect(plan(failure())).toBeUndefined();
    budget.deposit();
    expect(plan(failure())).toEqual({ attempt: 2, delayMs: 0 });
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
