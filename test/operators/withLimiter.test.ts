import { EMPTY, type Observable, of, range, take, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  createRateLimiter,
  retryWithBackoff,
  type RateLimiter,
  type RateLimiterState,
  RxMistralError,
  withLimiter,
  type WithLimiterOptions,
} from '../../src/index.js';
import { withinStage } from '../../src/control/stage.js';
import { completion, marbles, usage } from '../../src/testing/index.js';

const fault = new Error('fault');
const unexpected = (error: unknown): never => expect.unreachable(String(error));
const stateOf = (limiter: RateLimiter): RateLimiterState => {
  let state: RateLimiterState | undefined;
  limiter.state$.pipe(take(1)).subscribe({ next: (now) => (state = now), error: unexpected });
  return state!;
};
const each = (interval: number): RateLimiter => createRateLimiter({ requests: { limit: 1, interval } });

describe('withLimiter', () => {
  test('subscribes when there is a permit', () => {
    marbles((m) => {
      const limiter = each(4);
      const source = m.cold('    -a-b|    ');
      const subs = ['            ^---!    ', '----^---!'];
      const expected1 = '        -a-b|    ';
      const expected2 = '        -----a-b|';
      const result = source.pipe(withLimiter(limiter));

      m.expectObservable(result).toBe(expected1);
      m.expectObservable(result).toBe(expected2);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('passes an error, and settles the permit', () => {
    marbles((m) => {
      const limiter = each(4);
      const source = m.cold('  -a-#', undefined, fault);
      const subs = '           ^--!';
      const expected = '       -a-#';

      m.expectObservable(source.pipe(withLimiter(limiter))).toBe(expected, undefined, fault);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
      m.flush();
      expect(stateOf(limiter).running).toBe(0);
    });
  });

  test('holds back everybody at a 429, for as long as the server said', () => {
    marbles((m) => {
      const limiter = createRateLimiter();
      const refusal = new RxMistralError({ kind: 'rate-limit', message: 'slow down', status: 429, retryable: true, retryAfterMs: 7 });
      const refused = m.cold('  -#          ', undefined, refusal);
      const other = m.cold('    a|          ');
      const otherSubs = '       --------^!  ';

      m.expectObservable(refused.pipe(withLimiter(limiter))).toBe('-#', undefined, refusal);
      m.expectObservable(other.pipe(withLimiter(limiter)), '--^').toBe('--------a|');
      m.expectSubscriptions(other.subscriptions).toBe(otherSubs);
    });
  });

  test('holds nobody back for a 429 that no wait helps', () => {
    const limiter = createRateLimiter();
    const refusal = new RxMistralError({ kind: 'rate-limit', message: 'not in your plan', status: 429 });
    throwError(() => refusal).pipe(withLimiter(limiter)).subscribe({ error: () => undefined });
    expect(stateOf(limiter).pausedUntil).toBeUndefined();
  });

  test('has a permit for each attempt', () => {
    marbles((m) => {
      const limiter = each(5);
      const lost = new RxMistralError({ kind: 'connection', message: 'lost', retryable: true });
      const source = m.cold('  #', undefined, lost);
      const subs = ['          (^!)', '-----(^!)', '----------(^!)'];

      const result = source.pipe(withLimiter(limiter), retryWithBackoff({ maxRetries: 2, random: () => 0 }));
      m.expectObservable(result).toBe('----------#', undefined, lost);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('settles with the usage that a value tells of', () => {
    marbles((m) => {
      const limiter = createRateLimiter({ tokens: { limit: 1, interval: 1 } });
      const answer = completion({ text: 'Hello', usage: usage({ promptTokens: 2, completionTokens: 4, totalTokens: 6 }) });
      const source = of(answer);

      m.expectObservable(source.pipe(withLimiter(limiter, { tokens: 50 }))).toBe('      (a|)', { a: answer });
      m.expectObservable(EMPTY.pipe(withLimiter(limiter)), '-^').toBe('------|');
    });
  });

  test('tells the stage above how long it waited', () => {
    marbles((m) => {
      const limiter = each(5);
      const waits: number[] = [];
      const stage = { waited: (milliseconds: number) => waits.push(milliseconds), retried: () => undefined };
      const call = withinStage(stage, m.cold('a|').pipe(withLimiter(limiter, { scheduler: m.scheduler })));

      m.expectObservable(call).toBe('a|');
      m.expectObservable(call).toBe('-----a|');
      m.flush();
      expect(waits).toEqual([5]);
    });
  });

  test('of an empty source is empty', () => {
    marbles((m) => {
      const source = m.cold('  ---|');
      const subs = '           ^--!';
      m.expectObservable(source.pipe(withLimiter(createRateLimiter()))).toBe('---|');
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('of a source that is silent is silent', () => {
    marbles((m) => {
      const source = m.cold('  -');
      const subs = '           ^';
      m.expectObservable(source.pipe(withLimiter(createRateLimiter()))).toBe('-');
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('fails with the limiter, and makes no call', () => {
    marbles((m) => {
      const broken = { ...createRateLimiter(), acquire: () => throwError(() => fault) } as RateLimiter;
      const source = m.cold('  a');
      m.expectObservable(source.pipe(withLimiter(broken))).toBe('#', undefined, fault);
      m.expectSubscriptions(source.subscriptions).toBe([]);
    });
  });

  test('leaves the queue, or ends the call, when unsubscribed; the chain is not broken', () => {
    marbles((m) => {
      const limiter = each(5);
      const source = m.cold('  ----------');
      const subs = ['          ^--!      ', '----------^'];
      const result: Observable<string> = source.pipe((chain) => chain.pipe(withLimiter(limiter)), (chain) => chain.pipe(take(2)));

      m.expectObservable(result, '       ---!').toBe('---');
      // It waits, and leaves.
      m.expectObservable(result, '       --^--!').toBe('-----');
      m.expectObservable(result, '       ----------^').toBe('-');
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('stops a synchronous firehose that `take` has enough of', () => {
    const seen: number[] = [];
    const limiter = createRateLimiter();
    range(0, Infinity).pipe(withLimiter(limiter), take(3)).subscribe({ next: (value) => seen.push(value), error: unexpected });
    expect([seen, stateOf(limiter).running]).toEqual([[0, 1, 2], 0]);
  });

  test('serves two sources by one operator', () => {
    marbles((m) => {
      const operator = withLimiter<string>(each(3));
      m.expectObservable(m.cold('a|').pipe(operator)).toBe('a|');
      m.expectObservable(m.cold('b|').pipe(operator)).toBe('---b|');
    });
  });

  const cases: readonly (readonly [string, unknown, unknown])[] = [
    ['Expected `limiter` to be a RateLimiter, got undefined', undefined, undefined],
    ['Expected `limiter` to be a RateLimiter, got an object', { limit: 1 }, undefined],
    ['Expected `tokens` to be a number >= 0, got -1', createRateLimiter(), { tokens: -1 }],
    ['Expected `weight` to be an integer >= 1, got 0', createRateLimiter(), { weight: 0 }],
    ['Expected `scheduler` to be a scheduler, got 1', createRateLimiter(), { scheduler: 1 }],
  ];
  for (const [message, limiter, options] of cases) {
    test(`throws at the call: ${message}`, () => {
      expect(() => withLimiter(limiter as RateLimiter, options as WithLimiterOptions)).toThrow(new TypeError(message));
    });
  }
});
