import { asyncScheduler, defer, map, NEVER, type Observable, of, throwError, VirtualTimeScheduler } from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RetryBudget } from '../../src/control/retryBudget.js';
import { type PendingRetry, waitForRetry } from '../../src/control/waitForRetry.js';

const error = new Error('unavailable');

/** A budget that gives this turn. */
const giving = (turn: Observable<boolean>): RetryBudget => ({
  state$: NEVER,
  deposit: () => expect.unreachable(),
  withdraw: () => expect.unreachable(),
  acquire: () => turn,
});

const wait = (pending: Partial<PendingRetry>): Observable<string> =>
  waitForRetry({ error, delayMs: 4, latestAt: Infinity, budget: undefined, scheduler: asyncScheduler, ...pending }).pipe(
    map(() => 'x'),
  );

function marbles(test: (helpers: RunHelpers) => void): void {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  scheduler.run(test);
}

const turns = { t: true, f: false };

afterEach(() => {
  vi.useRealTimers();
});

describe('waitForRetry', () => {
  it('waits for the delay alone without a budget, and with one that does not let its callers wait', () => {
    marbles(({ expectObservable }) => {
      const refusing: RetryBudget = { ...giving(NEVER), acquire: undefined };
      expectObservable(wait({})).toBe('                    ----(x|)');
      expectObservable(wait({ budget: refusing })).toBe('  ----(x|)');
    });
  });

  it('asks for a turn when the delay is over, and not before', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const turn = cold('          ---(t|)  ', turns);
      const subs = '           ----^--!     ';
      const expected = '       -------(x|)  ';
      expectObservable(wait({ budget: giving(turn) })).toBe(expected);
      expectSubscriptions(turn.subscriptions).toBe(subs);
    });
  });

  it('adds nothing where the turn comes at once', () => {
    marbles(({ expectObservable }) => {
      expectObservable(wait({ budget: giving(of(true)) })).toBe('                ----(x|)');
      expectObservable(wait({ budget: giving(of(true)), latestAt: 4 })).toBe('   ----(x|)');
    });
  });

  it('fails with the failure where too many wait', () => {
    marbles(({ expectObservable }) => {
      expectObservable(wait({ budget: giving(of(false)) })).toBe('----#', undefined, error);
    });
  });

  it('fails with what the budget fails with, or throws', () => {
    const broken = new Error('broken');
    const throwing: RetryBudget = {
      ...giving(NEVER),
      acquire: () => {
        throw broken;
      },
    };
    marbles(({ expectObservable }) => {
      expectObservable(wait({ budget: giving(throwError(() => broken)) })).toBe('----#', undefined, broken);
      expectObservable(wait({ budget: throwing })).toBe('                        ----#', undefined, broken);
    });
  });

  it('fails with the failure where the turn has not come in time, and gives it up', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const turn = cold('          ------(t|)', turns);
      const subs = '           ----^---!      ';
      const expected = '       --------#      ';
      expectObservable(wait({ budget: giving(turn), latestAt: 8 })).toBe(expected, undefined, error);
      expectSubscriptions(turn.subscriptions).toBe(subs);
    });
  });

  it('fails at once where the time was over before the delay was: a timer was late', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const turn = cold<boolean>(' -');
      const subs = '           ----(^!)';
      const expected = '       ----#   ';
      expectObservable(wait({ budget: giving(turn), latestAt: 2 })).toBe(expected, undefined, error);
      expectSubscriptions(turn.subscriptions).toBe(subs);
    });
  });

  it('may wait longer than a timer can, for all that latestAt says', () => {
    marbles(({ expectObservable }) => {
      expectObservable(wait({ budget: giving(NEVER), latestAt: 1e15 }), '^ 1000s !').toBe('-');
    });
  });

  it('ends the delay, or gives up the turn, when it is unsubscribed from', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const turn = cold<boolean>(' -------');
      const subs = '           ----^-!    ';
      expectObservable(wait({ budget: giving(turn) }), '^--!   ').toBe('-------');
      expectObservable(wait({ budget: giving(turn) }), '^-----!').toBe('-------');
      expectSubscriptions(turn.subscriptions).toBe(subs);
    });
  });

  it('leaves no timer behind', () => {
    vi.useFakeTimers();
    const onEnd = vi.fn();
    const budget = giving(defer(() => of(true)));
    wait({ budget, latestAt: Date.now() + 1_000 }).subscribe({ error: onEnd, complete: onEnd });
    vi.advanceTimersByTime(4);
    expect(onEnd).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('emits on the stack of a timer even where there is nothing to wait for', () => {
    const scheduler = new VirtualTimeScheduler();
    const onNext = vi.fn();
    wait({ delayMs: 0, budget: giving(of(true)), scheduler }).subscribe({ next: onNext, error: onNext });
    expect(onNext).not.toHaveBeenCalled();
    scheduler.flush();
    expect(onNext.mock.calls).toEqual([['x']]);
  });
});
