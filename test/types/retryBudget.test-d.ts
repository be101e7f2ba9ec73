import type { Observable, SchedulerLike } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';
import { createRetryBudget, type RetryBudget, type RetryBudgetOptions, type RetryBudgetState } from '../../src/control/retryBudget.js';

describe('createRetryBudget', () => {
  it('takes options or nothing', () => {
    expectTypeOf(createRetryBudget).parameters.toEqualTypeOf<[options?: RetryBudgetOptions | undefined]>();
    expectTypeOf(createRetryBudget()).toEqualTypeOf<RetryBudget>();
    createRetryBudget({ whenEmpty: 'wait', maxWaiting: 50 });
    // @ts-expect-error no such mode
    createRetryBudget({ whenEmpty: 'queue' });
    // @ts-expect-error no such option
    createRetryBudget({ maxRetries: 3 });
  });
});

describe('RetryBudgetOptions', () => {
  it('may be left out field by field, with undefined too', () => {
    expectTypeOf<Record<keyof RetryBudgetOptions, undefined>>().toExtend<RetryBudgetOptions>();
  });

  it('has these fields', () => {
    type Given = { readonly [Name in keyof Required<RetryBudgetOptions>]: Exclude<RetryBudgetOptions[Name], undefined> };
    expectTypeOf<Given>().toEqualTypeOf<{
      readonly whenEmpty: 'fail' | 'wait';
      readonly retriesPerCall: number;
      readonly capacity: number;
      readonly minRetriesPerSecond: number;
      readonly maxWaiting: number;
      readonly scheduler: SchedulerLike;
    }>();
  });
});

describe('RetryBudget', () => {
  it('may be made by hand, of what a budget that lets nobody wait has', () => {
    expectTypeOf<{
      readonly state$: Observable<RetryBudgetState>;
      deposit(): void;
      withdraw(): boolean;
    }>().toExtend<RetryBudget>();
  });

  it('of those who wait has more', () => {
    expectTypeOf<NonNullable<RetryBudget['acquire']>>().toEqualTypeOf<() => Observable<boolean>>();
    expectTypeOf<NonNullable<RetryBudget['succeed']>>().toEqualTypeOf<() => void>();
  });

  it('shows its state, which cannot be written', () => {
    expectTypeOf<RetryBudgetState>().toEqualTypeOf<{
      readonly tokens: number;
      readonly capacity: number;
      readonly calls: number;
      readonly retries: number;
      readonly refusals: number;
      readonly waiting: number;
    }>();
  });
});
