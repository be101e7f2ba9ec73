import { EMPTY, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { TurnQueue } from '../../../src/sources/conversation/TurnQueue.js';
import { marbles } from '../../../src/testing/index.js';

function unexpected(error: unknown): never {
  throw error;
}

describe('TurnQueue', () => {
  it('runs one at a time, in the order of subscription', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const queue = new TurnQueue(10);
      const a = cold(' --a-a-|       ');
      const b = cold('       -b-b-|  ');
      const c = cold('            -c|');
      const subA = '   ^-----!       ';
      const subB = '   ------^----!  ';
      const subC = '   -----------^-!';
      const outA = '   --a-a-|       ';
      const outB = '   -------b-b-|  ';
      const outC = '   ------------c|';

      expectObservable(queue.add(a)).toBe(outA);
      expectObservable(queue.add(b)).toBe(outB);
      expectObservable(queue.add(c)).toBe(outC);
      expectSubscriptions(a.subscriptions).toBe(subA);
      expectSubscriptions(b.subscriptions).toBe(subB);
      expectSubscriptions(c.subscriptions).toBe(subC);
    });
  });

  it('goes on behind one that fails, and behind one that is unsubscribed from', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const queue = new TurnQueue(10);
      const a = cold('--#');
      const b = cold('-b-----|');
      const c = cold('-c|');
      const subB = '  --^-!';
      const subC = '  ----^-!';

      expectObservable(queue.add(a)).toBe('--#');
      expectObservable(queue.add(b), '^---!').toBe('---b');
      expectObservable(queue.add(c)).toBe('-----c|');
      expectSubscriptions(b.subscriptions).toBe(subB);
      expectSubscriptions(c.subscriptions).toBe(subC);
    });
  });

  it('passes over one that was left while it waited, and never lets two run', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const queue = new TurnQueue(10);
      const a = cold('-----a|');
      const b = cold('-b|');
      const c = cold('-c|');
      const subC = '  ------^-!';

      expectObservable(queue.add(a)).toBe('-----a|');
      expectObservable(queue.add(b), '^-!').toBe('---');
      expectObservable(queue.add(c)).toBe('-------c|');
      expectSubscriptions(b.subscriptions).toBe([]);
      expectSubscriptions(c.subscriptions).toBe(subC);
    });
  });

  it('runs a turn once for each subscription, and synchronous ones at once', () => {
    const queue = new TurnQueue(10);
    const seen: number[] = [];
    const turn = queue.add(of(1));
    const sizes: number[] = [];
    queue.size$.subscribe({ next: (size) => sizes.push(size), error: unexpected });
    turn.subscribe({ next: (value) => seen.push(value), error: unexpected });
    turn.subscribe({ next: (value) => seen.push(value), error: unexpected });
    expect([seen, sizes]).toEqual([[1, 1], [0, 1, 0, 1, 0]]);
  });

  it('has a bound for those that wait', () => {
    marbles(({ cold, expectObservable }) => {
      const queue = new TurnQueue(1);
      const turn = cold('---|');
      expectObservable(queue.add(turn)).toBe('---|');
      expectObservable(queue.add(turn)).toBe('------|');
      expectObservable(queue.add(EMPTY)).toBe('#', undefined, expect.objectContaining({ kind: 'limit' }));
    });
  });

  it('has a place again when a turn says that it has ended', () => {
    const queue = new TurnQueue(0);
    const seen: string[] = [];
    const next = (): void => {
      queue.add(of('b')).subscribe({ next: (value) => seen.push(value), error: unexpected });
    };
    queue.add(of('a')).subscribe({ next: (value) => seen.push(value), error: unexpected, complete: next });
    queue.add(throwError(() => new Error('a'))).subscribe({ error: next });
    expect(seen).toEqual(['a', 'b', 'b']);
  });

  it('counts those that run or wait', () => {
    marbles(({ cold, expectObservable }) => {
      const queue = new TurnQueue(10);
      expectObservable(queue.size$).toBe('(abc)-----b-----a', { a: 0, b: 1, c: 2 });
      expectObservable(queue.add(cold('----------|'))).toBe('----------|');
      expectObservable(queue.add(cold('------|'))).toBe('----------------|');
    });
  });
});
