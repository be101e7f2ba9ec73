import {
  catchError,
  concat,
  defer,
  EMPTY,
  firstValueFrom,
  merge,
  mergeMap,
  Observable,
  of,
  range,
  Subject,
  Subscription,
  take,
  tap,
  throwError,
  toArray,
  VirtualTimeScheduler,
} from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRetryBudget } from '../../src/control/retryBudget.js';
import type { RetryConfig } from '../../src/control/retryPlan.js';
import { currentStage, type StageListener, withinStage } from '../../src/control/stage.js';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import { retryWithBackoff } from '../../src/operators/retryWithBackoff.js';
import { constantBackoff, exponentialBackoff } from '../../src/policies/backoff.js';
import { parseRetryAfter } from '../../src/policies/retryAfter.js';

const unavailable = new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true });
const unauthorized = new RxMistralError({ kind: 'http', message: 'unauthorized', status: 401 });
const failing = throwError(() => unavailable);

/** The error of a 429 with these headers. */
const rateLimited = (headers: Record<string, string>): RxMistralError =>
  new RxMistralError({
    kind: 'rate-limit',
    message: 'slow down',
    status: 429,
    retryable: true,
    retryAfterMs: parseRetryAfter(new Headers(headers), 0),
  });

function marbles(test: (helpers: RunHelpers) => void): void {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  scheduler.run(test);
}

/** Subscribes to the next of `sources` each time. */
function oneAfterAnother<T>(...sources: readonly Observable<T>[]): Observable<T> {
  const rest = sources.values();
  return defer(() => rest.next().value ?? EMPTY);
}

interface Watched<T> {
  readonly values: T[];
  error?: unknown;
  completed: boolean;
  readonly subscription: Subscription;
}

/** Subscribes, and tells how it stands while the test goes on. */
function watch<T>(result: Observable<T>): Watched<T> {
  const watched: Watched<T> = { values: [], completed: false, subscription: new Subscription() };
  const subscription = result.subscribe({
    next: (value) => watched.values.push(value),
    error: (error: unknown) => (watched.error = error),
    complete: () => (watched.completed = true),
  });
  watched.subscription.add(subscription);
  return watched;
}

afterEach(() => {
  vi.useRealTimers();
});

describe('retryWithBackoff', () => {
  it('waits and subscribes again after a retryable failure', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source1 = cold('     -a-b-#           ', undefined, unavailable);
      const source1Subs = '      ^----!           ';
      const source2 = cold('               -c-d-|  ');
      const source2Subs = '      ----------^----! ';
      const expected = '         -a-b-------c-d-| ';

      const result = oneAfterAnother(source1, source2).pipe(retryWithBackoff({ backoff: constantBackoff(5) }));
      expectObservable(result).toBe(expected);
      expectSubscriptions(source1.subscriptions).toBe(source1Subs);
      expectSubscriptions(source2.subscriptions).toBe(source2Subs);
    });
  });

  it('gives up after two retries by default', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-#                ', undefined, unavailable);
      const subs = [
        '                   ^--!                ',
        '                   -----^--!           ',
        '                   ----------^--!      ',
      ];
      const expected = '    -a----a----a-#      ';

      const result = source.pipe(retryWithBackoff({ backoff: constantBackoff(2) }));
      expectObservable(result).toBe(expected, undefined, unavailable);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('waits under a ceiling that doubles from 500 ms, by default', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' #                        ', undefined, unavailable);
      const subs = [
        '                   (^!)                     ',
        '                   250ms (^!)               ',
        '                   250ms 500ms (^!)         ',
      ];
      const expected = '    250ms 500ms #            ';

      const result = source.pipe(retryWithBackoff({ random: () => 0.5 }));
      expectObservable(result).toBe(expected, undefined, unavailable);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('does not count anew after a value', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a#     ', undefined, unavailable);
      const subs = [
        '                   ^!     ',
        '                   --^!   ',
      ];
      const expected = '    a-a#   ';

      const result = source.pipe(retryWithBackoff({ maxRetries: 1, backoff: constantBackoff(1) }));
      expectObservable(result).toBe(expected, undefined, unavailable);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('does not retry with maxRetries: 0', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-#   ', undefined, unavailable);
      const subs = '        ^--!   ';
      const expected = '    -a-#   ';

      expectObservable(source.pipe(retryWithBackoff({ maxRetries: 0 }))).toBe(expected, undefined, unavailable);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('retries without end with maxRetries: Infinity', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a#             ', undefined, unavailable);
      const subs = [
        '                   ^!             ',
        '                   --^!           ',
        '                   ----^!         ',
        '                   ------^!       ',
        '                   --------^!     ',
      ];
      const unsub = '       ---------!     ';
      const expected = '    a-a-a-a-a      ';

      const result = source.pipe(retryWithBackoff({ maxRetries: Infinity, backoff: constantBackoff(1) }));
      expectObservable(result, unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes a source that is empty', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' |      ');
      const subs = '        (^!)   ';
      const expected = '    |      ';

      expectObservable(source.pipe(retryWithBackoff())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes a source that never emits', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -      ');
      const subs = '        ^      ';
      const expected = '    -      ';

      expectObservable(source.pipe(retryWithBackoff())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes a source that succeeds at once', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-|   ');
      const subs = '        ^----!   ';
      const expected = '    -a-b-|   ';

      expectObservable(source.pipe(retryWithBackoff())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes an error that is not retryable at once', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-#   ', undefined, unauthorized);
      const subs = '        ^--!   ';
      const expected = '    -a-#   ';

      expectObservable(source.pipe(retryWithBackoff())).toBe(expected, undefined, unauthorized);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes an error of a foreign kind at once, unless isRetryable says otherwise', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source1 = cold('  -#         ', undefined, 'thrown');
      const source1Subs = '   ^!         ';
      const expected1 = '     -#         ';
      const source2 = cold('  -#         ', undefined, 'thrown');
      const source2Subs = [
        '                     ^!         ',
        '                     ---^!      ',
      ];
      const expected2 = '     ----#      ';

      const isRetryable = (error: unknown): boolean => error === 'thrown';
      const config: RetryConfig = { maxRetries: 1, backoff: constantBackoff(2), isRetryable };
      expectObservable(source1.pipe(retryWithBackoff())).toBe(expected1, undefined, 'thrown');
      expectObservable(source2.pipe(retryWithBackoff(config))).toBe(expected2, undefined, 'thrown');
      expectSubscriptions(source1.subscriptions).toBe(source1Subs);
      expectSubscriptions(source2.subscriptions).toBe(source2Subs);
    });
  });

  const throwHere = (): never => {
    throw new Error('thrown here');
  };
  it.each<[name: string, config: RetryConfig]>([
    ['isRetryable', { isRetryable: throwHere }],
    ['onRetry', { onRetry: throwHere }],
    ['backoff', { backoff: { next: throwHere } }],
    ['random', { random: throwHere }],
  ])('makes what %s throws an error of the result', (_name, config) => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-#   ', undefined, unavailable);
      const subs = '        ^--!   ';
      const expected = '    -a-#   ';

      expectObservable(source.pipe(retryWithBackoff(config))).toBe(expected, undefined, new Error('thrown here'));
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('ends the attempt when it is unsubscribed from early', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-c-|   ');
      const subs = '        ^---!      ';
      const unsub = '       ----!      ';
      const expected = '    -a-b-      ';

      expectObservable(source.pipe(retryWithBackoff()), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('ends the wait when it is unsubscribed from in it', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-#           ', undefined, unavailable);
      const subs = '        ^--!           ';
      const unsub = '       ------!        ';
      const expected = '    -a-----        ';

      expectObservable(source.pipe(retryWithBackoff({ backoff: constantBackoff(9) })), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('ends the second attempt when it is unsubscribed from in it', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-#           ', undefined, unavailable);
      const subs = [
        '                   ^--!           ',
        '                   -----^-!       ',
      ];
      const unsub = '       -------!       ';
      const expected = '    -a----a-       ';

      expectObservable(source.pipe(retryWithBackoff({ backoff: constantBackoff(2) })), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('does not break the chain of unsubscribing when operators stand around it', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-c-|   ');
      const subs = '        ^---!      ';
      const unsub = '       ----!      ';
      const expected = '    -a-b-      ';

      const result = source.pipe(
        mergeMap((value) => of(value)),
        retryWithBackoff(),
        mergeMap((value) => of(value)),
      );
      expectObservable(result, unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('gives each of two subscribers its own count of retries', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a#          ', undefined, unavailable);
      const subs1 = '       ^------      ';
      const expected1 = '   -a--a#       ';
      const subs2 = '       --^------    ';
      const expected2 = '   ---a--a#     ';
      const sourceSubs = [
        '                   ^-!          ',
        '                   --^-!        ',
        '                   ---^-!       ',
        '                   -----^-!     ',
      ];

      const result = source.pipe(retryWithBackoff({ maxRetries: 1, backoff: constantBackoff(1) }));
      expectObservable(result, subs1).toBe(expected1, undefined, unavailable);
      expectObservable(result, subs2).toBe(expected2, undefined, unavailable);
      expectSubscriptions(source.subscriptions).toBe(sourceSubs);
    });
  });

  it('gives each of two sources its own count of retries when the operator value is used twice', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source1 = cold('  a#       ', undefined, unavailable);
      const source1Subs = [
        '                     ^!       ',
        '                     --^!     ',
      ];
      const expected1 = '     a-a#     ';
      const source2 = cold('  --b#     ', undefined, unavailable);
      const source2Subs = [
        '                     ^--!     ',
        '                     ----^--! ',
      ];
      const expected2 = '     --b---b# ';

      const operator = retryWithBackoff<string>({ maxRetries: 1, backoff: constantBackoff(1) });
      expectObservable(source1.pipe(operator)).toBe(expected1, undefined, unavailable);
      expectObservable(source2.pipe(operator)).toBe(expected2, undefined, unavailable);
      expectSubscriptions(source1.subscriptions).toBe(source1Subs);
      expectSubscriptions(source2.subscriptions).toBe(source2Subs);
    });
  });

  describe('and time', () => {
    it('waits for hours, in virtual time', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source1 = cold('  #                   ', undefined, unavailable);
        const source1Subs = [
          '                     (^!)                ',
          '                     60m (^!)            ',
          '                     180m (^!)           ',
        ];
        const source2 = cold('           a|         ');
        const source2Subs = '   420m ^!             ';
        const expected = '      420m a|             ';

        const result = oneAfterAnother(source1, source1, source1, source2).pipe(
          retryWithBackoff({
            maxRetries: 3,
            backoff: exponentialBackoff({ initial: 3_600_000, max: 86_400_000, jitter: 'none' }),
          }),
        );
        expectObservable(result).toBe(expected);
        expectSubscriptions(source1.subscriptions).toBe(source1Subs);
        expectSubscriptions(source2.subscriptions).toBe(source2Subs);
      });
    });

    it.each<[name: string, headers: Record<string, string>]>([
      ['a Retry-After of 7 s', { 'retry-after': '7' }],
      ['a retry-after-ms of 7,000', { 'retry-after-ms': '7000' }],
      ['an HTTP date', { date: 'Mon, 23 Nov 2026 12:00:00 GMT', 'retry-after': 'Mon, 23 Nov 2026 12:00:07 GMT' }],
      ['an HTTP date of old', { date: 'Mon Nov 23 12:00:00 2026', 'retry-after': 'Monday, 23-Nov-26 12:00:07 GMT' }],
    ])('%s waits 7 s', (_name, headers) => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source1 = cold('  #           ', undefined, rateLimited(headers));
        const source1Subs = '   (^!)        ';
        const source2 = cold('         a|   ');
        const source2Subs = '   7s ^!       ';
        const expected = '      7s a|       ';

        const result = oneAfterAnother(source1, source2).pipe(retryWithBackoff({ random: () => 0 }));
        expectObservable(result).toBe(expected);
        expectSubscriptions(source1.subscriptions).toBe(source1Subs);
        expectSubscriptions(source2.subscriptions).toBe(source2Subs);
      });
    });

    it('comes back up to a tenth later by chance, so that not all come back in the same instant', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source1 = cold('  #           ', undefined, rateLimited({ 'retry-after': '7' }));
        const source1Subs = '   (^!)        ';
        const source2 = cold('         a|   ');
        const source2Subs = '   7700ms ^!   ';
        const expected = '      7700ms a|   ';

        const result = oneAfterAnother(source1, source2).pipe(retryWithBackoff({ random: () => 1 }));
        expectObservable(result).toBe(expected);
        expectSubscriptions(source1.subscriptions).toBe(source1Subs);
        expectSubscriptions(source2.subscriptions).toBe(source2Subs);
      });
    });

    it('waits as long as the backoff says where the server asks for less', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source1 = cold('  #           ', undefined, rateLimited({ 'retry-after': '7' }));
        const source1Subs = '   (^!)        ';
        const source2 = cold('         a|   ');
        const source2Subs = '   9s ^!       ';
        const expected = '      9s a|       ';

        const result = oneAfterAnother(source1, source2).pipe(retryWithBackoff({ backoff: constantBackoff(9_000) }));
        expectObservable(result).toBe(expected);
        expectSubscriptions(source1.subscriptions).toBe(source1Subs);
        expectSubscriptions(source2.subscriptions).toBe(source2Subs);
      });
    });

    it.each<[name: string, config: RetryConfig, headers: Record<string, string>]>([
      ['more than maxRetryAfter', {}, { 'retry-after': '61' }],
      ['more than a maxRetryAfter of 2 s', { maxRetryAfter: 2_000 }, { 'retry-after': '3' }],
      ['more than a timer can take', { maxRetryAfter: 2 ** 31 - 1 }, { 'retry-after': '9'.repeat(400) }],
    ])('passes the original error at once where the server asks for %s', (_name, config, headers) => {
      const error = rateLimited(headers);
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source = cold(' -a-#   ', undefined, error);
        const subs = '        ^--!   ';
        const expected = '    -a-#   ';

        expectObservable(source.pipe(retryWithBackoff(config))).toBe(expected, undefined, error);
        expectSubscriptions(source.subscriptions).toBe(subs);
      });
      expect(watch(throwError(() => error).pipe(retryWithBackoff(config))).error).toBe(error);
    });

    it('does not wait for a retry that would start after maxElapsed', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source = cold(' -a-#              ', undefined, unavailable);
        const subs = [
          '                   ^--!              ',
          '                   -----^--!         ',
        ];
        const expected = '    -a----a-#         ';

        const result = source.pipe(
          retryWithBackoff({ maxRetries: Infinity, backoff: constantBackoff(2), maxElapsed: 9 }),
        );
        expectObservable(result).toBe(expected, undefined, unavailable);
        expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });

    it('takes its clock and its timers from `scheduler`', () => {
      const scheduler = new VirtualTimeScheduler();
      const startedAt: number[] = [];
      const source = defer(() => {
        startedAt.push(scheduler.now());
        return failing;
      });
      const watched = watch(
        source.pipe(
          retryWithBackoff({ maxRetries: Infinity, backoff: constantBackoff(1_000), maxElapsed: 3_500, scheduler }),
        ),
      );
      expect(startedAt).toEqual([0]);
      scheduler.flush();
      expect(startedAt).toEqual([0, 1_000, 2_000, 3_000]);
      expect(watched.error).toBe(unavailable);
    });

    it('leaves no timer behind, whether it is unsubscribed from, completes or fails', () => {
      vi.useFakeTimers();
      const backoff = constantBackoff(1_000);
      const left = watch(failing.pipe(retryWithBackoff({ backoff })));
      expect(vi.getTimerCount()).toBe(1);
      left.subscription.unsubscribe();
      expect(vi.getTimerCount()).toBe(0);

      const completed = watch(oneAfterAnother<number>(failing, of(1)).pipe(retryWithBackoff({ backoff })));
      const failed = watch(failing.pipe(retryWithBackoff({ maxRetries: 1, backoff })));
      vi.advanceTimersByTime(1_000);
      expect([completed.completed, failed.error]).toEqual([true, unavailable]);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('may be unsubscribed from in onRetry, and then waits for nothing', () => {
      vi.useFakeTimers();
      const source = new Subject<string>();
      const onRetry = (): void => {
        watched.subscription.unsubscribe();
      };
      const watched = watch(source.pipe(retryWithBackoff({ onRetry })));
      source.error(unavailable);
      expect(watched).toMatchObject({ values: [], completed: false });
      expect(watched.error).toBeUndefined();
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  describe('and a synchronous source', () => {
    it('reads three values of a firehose when three are taken', () => {
      let emitted = 0;
      const watched = watch(
        range(0, 1_000_000).pipe(
          tap(() => (emitted += 1)),
          retryWithBackoff(),
          take(3),
        ),
      );
      expect(watched).toMatchObject({ values: [0, 1, 2], completed: true });
      expect(emitted).toBe(3);
    });

    it('reads three values over a failure when three are taken, and then ends the second attempt', () => {
      vi.useFakeTimers();
      let emitted = 0;
      const source = concat(of(1, 2), failing).pipe(tap(() => (emitted += 1)));
      const watched = watch(source.pipe(retryWithBackoff({ backoff: constantBackoff(0) }), take(3)));
      expect(watched.values).toEqual([1, 2]);
      vi.runAllTimers();
      expect(watched).toMatchObject({ values: [1, 2, 1], completed: true });
      expect(emitted).toBe(3);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('retries thousands of synchronous failures on a stack that does not grow', () => {
      const traceLimit = Error.stackTraceLimit;
      Error.stackTraceLimit = Infinity;
      const scheduler = new VirtualTimeScheduler();
      const depths: number[] = [];
      const source = defer(() => {
        // Each 1,000th attempt, because a trace costs more than an attempt.
        if (attempts % 1_000 === 1) depths.push((new Error().stack ?? '').split('\n').length);
        attempts += 1;
        return failing;
      });
      let attempts = 0;
      try {
        const config: RetryConfig = { maxRetries: 20_000, backoff: constantBackoff(0), scheduler };
        const watched = watch(source.pipe(retryWithBackoff(config)));
        scheduler.flush();
        expect(watched.error).toBe(unavailable);
      } finally {
        Error.stackTraceLimit = traceLimit;
      }
      expect(attempts).toBe(20_001);
      expect(depths).toHaveLength(20);
      expect(new Set(depths).size).toBe(1);
    });
  });

  describe('and its errors', () => {
    it.each([
      ['a final error', unauthorized],
      ['a frozen object', Object.freeze({ code: 1 })],
      ['undefined', undefined],
    ])('passes %s as it is', (_name, error: unknown) => {
      const onError = vi.fn();
      new Observable((subscriber) => {
        subscriber.error(error);
      })
        .pipe(retryWithBackoff())
        .subscribe({ error: onError });
      expect(onError).toHaveBeenCalledTimes(1);
      expect(onError.mock.calls[0]?.[0]).toBe(error);
    });

    it('passes the last of several errors as it is', () => {
      vi.useFakeTimers();
      const errors = Array.from({ length: 3 }, () => unavailable.with({}));
      const sources = errors.map((error) => throwError(() => error));
      const watched = watch(oneAfterAnother(...sources).pipe(retryWithBackoff()));
      vi.runAllTimers();
      expect(watched.error).toBe(errors[2]);
    });

    it('tells onRetry of each failure that it retries', () => {
      vi.useFakeTimers();
      const onRetry = vi.fn();
      watch(failing.pipe(retryWithBackoff({ backoff: constantBackoff(100), onRetry })));
      expect(onRetry.mock.calls).toEqual([[{ attempt: 1, delayMs: 100, error: unavailable }]]);
      vi.runAllTimers();
      expect(onRetry.mock.calls.slice(1)).toEqual([[{ attempt: 2, delayMs: 100, error: unavailable }]]);
    });

    it('refuses bad options when it is called, by name', () => {
      expect(() => retryWithBackoff({ maxRetries: -1 })).toThrow(
        new TypeError('Expected `maxRetries` to be an integer >= 0 or Infinity, got -1'),
      );
      expect(() => retryWithBackoff(null as unknown as RetryConfig)).toThrow(TypeError);
    });
  });

  describe('and a shared budget', () => {
    /** How often the source is subscribed to by 1,000 pipelines that fail each time. */
    function attemptsOfOutage(
      config: RetryConfig,
      start: (pipelines: Observable<never>[]) => Observable<never>,
    ): number {
      const scheduler = new VirtualTimeScheduler();
      let attempts = 0;
      let failures = 0;
      const pipeline = defer(() => {
        attempts += 1;
        return failing;
      }).pipe(
        retryWithBackoff({ ...config, scheduler }),
        catchError(() => {
          failures += 1;
          return EMPTY;
        }),
      );
      watch(start(Array.from({ length: 1_000 }, () => pipeline)));
      scheduler.flush();
      expect(failures).toBe(1_000);
      return attempts;
    }

    it('costs at most 3 times the calls when 1,000 pipelines fail together, whatever their maxRetries', () => {
      for (const capacity of [1, 100, 10_000]) {
        const budget = createRetryBudget({ capacity });
        const attempts = attemptsOfOutage({ maxRetries: Infinity, budget }, (pipelines) => merge(...pipelines));
        expect(attempts).toBeGreaterThan(1_000);
        expect(attempts).toBeLessThanOrEqual(3_000);
      }
    });

    it('costs at most 3 times the calls when they fail one after another', () => {
      const budget = createRetryBudget();
      expect(attemptsOfOutage({ maxRetries: Infinity, budget }, (pipelines) => concat(...pipelines))).toBe(3_000);
    });

    it('would cost what maxRetries says without it', () => {
      expect(attemptsOfOutage({ maxRetries: 9 }, (pipelines) => merge(...pipelines))).toBe(10_000);
    });
  });

  describe('and a budget that lets its callers wait', () => {
    it('waits for its turn behind the delay', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source1 = cold('  -#                    ', undefined, unavailable);
        const source1Subs = '   ^!                    ';
        const source2 = cold('          a-b|          ');
        const source2Subs = '   1000ms  ^--!          ';
        const expected = '      1000ms  a-b|          ';

        const budget = createRetryBudget({ whenEmpty: 'wait' });
        const result = oneAfterAnother(source1, source2).pipe(retryWithBackoff({ backoff: constantBackoff(5), budget }));
        expectObservable(result).toBe(expected);
        expectSubscriptions(source1.subscriptions).toBe(source1Subs);
        expectSubscriptions(source2.subscriptions).toBe(source2Subs);
      });
    });

    it('lets two go when another is answered, and the next at the first value of these', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const failing = cold('  #                     ', undefined, unavailable);
        const failingSubs = ['  (^!)', '(^!)', '(^!)'];
        const answered = cold('         ---a|          ');
        const subs = [
          '                     ----------^---!       ',
          '                     ----------^---!       ',
          '                     -------------^---!    ',
        ];
        const expected = '      -------------a|       ';
        const expected3 = '     ----------------a|    ';

        const budget = createRetryBudget({ whenEmpty: 'wait' });
        const caller = (): Observable<string> =>
          oneAfterAnother(failing, answered).pipe(retryWithBackoff({ backoff: constantBackoff(2), budget }));
        const other = cold('    ----------|').pipe(retryWithBackoff({ budget }));
        expectObservable(caller()).toBe(expected);
        expectObservable(caller()).toBe(expected);
        expectObservable(caller()).toBe(expected3);
        expectObservable(other).toBe('----------|');
        expectSubscriptions(failing.subscriptions).toBe(failingSubs);
        expectSubscriptions(answered.subscriptions).toBe(subs);
      });
    });

    it('gives up its place when it is unsubscribed from, and the next takes it', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source1 = cold('  #                     ', undefined, unavailable);
        const source1Subs = ['  (^!)', '(^!)'];
        const source2 = cold('        a|              ');
        const source2Subs = '   1s    ^!              ';
        const unsub = '         ^----!                ';
        const expected1 = '     ------                ';
        const expected2 = '     1s    a|              ';

        const budget = createRetryBudget({ whenEmpty: 'wait' });
        const operator = retryWithBackoff<string>({ backoff: constantBackoff(0), budget });
        expectObservable(source1.pipe(operator), unsub).toBe(expected1);
        expectObservable(oneAfterAnother(source1, source2).pipe(operator)).toBe(expected2);
        expectSubscriptions(source1.subscriptions).toBe(source1Subs);
        expectSubscriptions(source2.subscriptions).toBe(source2Subs);
      });
    });

    it('passes the failure as it is where too many wait, and where maxElapsed is over', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source = cold('   #       ', undefined, unavailable);
        const subs = ['         (^!)', '(^!)'];
        const expected1 = '     --------#';
        const expected2 = '     -#      ';

        const budget = createRetryBudget({ whenEmpty: 'wait', maxWaiting: 1 });
        const operator = retryWithBackoff<string>({ backoff: constantBackoff(1), maxElapsed: 8, budget });
        expectObservable(source.pipe(operator)).toBe(expected1, undefined, unavailable);
        expectObservable(source.pipe(operator)).toBe(expected2, undefined, unavailable);
        expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });
  });

  describe('and a stage', () => {
    it('tells the stage that it is subscribed to in of each retry, behind onRetry', () => {
      marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
        const source = cold(' -a#          ', undefined, unavailable);
        const subs = [
          '                   ^-!          ',
          '                   ----^-!      ',
          '                   --------^-!  ',
        ];
        const expected = '    -a---a---a#  ';

        const told = vi.fn();
        const stage: StageListener = { waited: () => expect.unreachable(), retried: (retry) => { told('stage', retry); } };
        const onRetry: RetryConfig['onRetry'] = (retry) => { told('onRetry', retry); };
        const result = withinStage(stage, source.pipe(retryWithBackoff({ backoff: constantBackoff(2), onRetry })));
        expectObservable(result).toBe(expected, undefined, unavailable);
        expectSubscriptions(source.subscriptions).toBe(subs);
        flush();
        const first = { attempt: 1, delayMs: 2, error: unavailable };
        const second = { ...first, attempt: 2 };
        expect(told.mock.calls).toEqual([['onRetry', first], ['stage', first], ['onRetry', second], ['stage', second]]);
      });
    });

    it('subscribes each attempt in the stage, and tells no stage that it is not in', () => {
      vi.useFakeTimers();
      const stages: unknown[] = [];
      const source = defer(() => {
        stages.push(currentStage());
        return failing;
      });
      const retried = vi.fn();
      const stage: StageListener = { waited: () => undefined, retried };
      const result = source.pipe(retryWithBackoff({ maxRetries: 1 }));
      watch(withinStage(stage, result));
      vi.runAllTimers();
      watch(result);
      vi.runAllTimers();
      expect(stages).toEqual([stage, stage, undefined, undefined]);
      expect(retried).toHaveBeenCalledTimes(1);
    });
  });

  it('runs the example of its doc', async () => {
    let attempts = 0;
    const flaky = defer(() => {
      attempts += 1;
      if (attempts === 1) throw new RxMistralError({ kind: 'connection', message: 'reset', retryable: true });
      return ['Hello'];
    });
    const values = flaky.pipe(retryWithBackoff({ maxRetries: 5 }), toArray());
    expect(await firstValueFrom(values, { defaultValue: [] })).toEqual(['Hello']);
  });
});
