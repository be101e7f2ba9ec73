import { type MonoTypeOperatorFunction, type Observable, of, type SchedulerLike } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';
import type { RetryBudget } from '../../src/control/retryBudget.js';
import type { RetryAttempt, RetryConfig } from '../../src/control/retryPlan.js';
import { retryWithBackoff } from '../../src/operators/retryWithBackoff.js';
import type { Backoff } from '../../src/policies/backoff.js';

describe('retryWithBackoff', () => {
  it('keeps the type of its source', () => {
    expectTypeOf(of(1, 'a').pipe(retryWithBackoff())).toEqualTypeOf<Observable<number | string>>();
    expectTypeOf(of({ id: 1 } as const).pipe(retryWithBackoff({}))).toEqualTypeOf<Observable<{ readonly id: 1 }>>();
  });

  it('is an operator by itself', () => {
    expectTypeOf(retryWithBackoff<string>()).toEqualTypeOf<MonoTypeOperatorFunction<string>>();
  });

  it('takes a config or nothing', () => {
    expectTypeOf(retryWithBackoff).parameters.toEqualTypeOf<[config?: RetryConfig | undefined]>();
    // @ts-expect-error a number is rxjs retry's way
    retryWithBackoff(3);
    // @ts-expect-error no such option
    retryWithBackoff({ retries: 3 });
    // @ts-expect-error not a Backoff
    retryWithBackoff({ backoff: 500 });
  });
});

describe('RetryConfig', () => {
  it('may be left out field by field, with undefined too', () => {
    expectTypeOf<Record<keyof RetryConfig, undefined>>().toExtend<RetryConfig>();
    expectTypeOf<RetryConfig>().toEqualTypeOf<Readonly<Partial<RetryConfig>>>();
  });

  it('has these fields', () => {
    type Given = { readonly [Name in keyof Required<RetryConfig>]: Exclude<RetryConfig[Name], undefined> };
    expectTypeOf<Given>().toEqualTypeOf<{
      readonly maxRetries: number;
      readonly backoff: Backoff;
      readonly isRetryable: (error: unknown) => boolean;
      readonly respectRetryAfter: boolean;
      readonly maxRetryAfter: number;
      readonly maxElapsed: number;
      readonly budget: RetryBudget;
      readonly onRetry: (attempt: RetryAttempt) => void;
      readonly scheduler: SchedulerLike;
      readonly random: () => number;
    }>();
  });
});
