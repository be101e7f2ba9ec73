import { asyncScheduler, type SchedulerLike, Subscription, VirtualTimeScheduler } from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RetryQueue, type RetryQueueOptions } from '../../src/control/RetryQueue.js';

/** A queue for retries that the test puts there. */
class Retries {
  count = 0;
  changes = 0;
  readonly queue: RetryQueue;

  constructor(scheduler: SchedulerLike, options: Partial<RetryQueueOptions> = {}) {
    this.queue = new RetryQueue({
      maxWaiting: 10,
      take: () => {
        if (this.count === 0) return false;
        this.count -= 1;
        return true;
      },
      giveBack: () => (this.count += 1),
      dueIn: () => 1_000_000,
      scheduler,
      onChange: () => (this.changes += 1),
      ...options,
    });
  }

  add(count: number): void {
    this.count += count;
    this.queue.release();
  }
}

function marbles(test: (helpers: RunHelpers & { readonly scheduler: TestScheduler }) => void): void {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  scheduler.run((helpers) => {
    test({ ...helpers, scheduler });
  });
}

const values = { t: true, f: false };

/** Joins, and calls back when it is let go. */
const join = ({ queue }: Retries, onGone: () => unknown): Subscription =>
  queue.join().subscribe({ next: onGone, error: (error: unknown) => expect.unreachable(String(error)) });

afterEach(() => {
  vi.useRealTimers();
});

describe('RetryQueue', () => {
  it('lets one go at once where there is a retry and nobody waits', () => {
    marbles(({ expectObservable, scheduler }) => {
      const retries = new Retries(scheduler);
      retries.add(1);
      expectObservable(retries.queue.join()).toBe('        (t|)', values);
      expectObservable(retries.queue.join(), '^--!').toBe('---');
    });
  });

  it('lets those who wait go in the order in which they came', () => {
    marbles(({ expectObservable, scheduler }) => {
      const retries = new Retries(scheduler);
      const place = retries.queue.join();
      scheduler.schedule(() => { retries.add(1); }, 4);
      scheduler.schedule(() => { retries.add(2); }, 9);
      expectObservable(place, '^              ').toBe('----(t|)           ', values);
      expectObservable(place, '-^             ').toBe('---------(t|)      ', values);
      expectObservable(place, '--^            ').toBe('---------(t|)      ', values);
      expectObservable(place, '---^----------!').toBe('--------------     ', values);
    });
  });

  it('gives the place of one who leaves to the next', () => {
    marbles(({ expectObservable, scheduler }) => {
      const retries = new Retries(scheduler);
      const place = retries.queue.join();
      scheduler.schedule(() => { retries.add(1); }, 6);
      expectObservable(place, '^--!        ').toBe('---           ', values);
      expectObservable(place, '^           ').toBe('------(t|)    ', values);
      expectObservable(place, '^--------!  ').toBe('---------     ', values);
    });
  });

  it('refuses more than maxWaiting at once, and takes the next when one has gone', () => {
    marbles(({ expectObservable, scheduler }) => {
      const retries = new Retries(scheduler, { maxWaiting: 2 });
      const place = retries.queue.join();
      expectObservable(place, '^----!     ').toBe('-----        ', values);
      expectObservable(place, '^--!       ').toBe('---          ', values);
      expectObservable(place, '^          ').toBe('(f|)         ', values);
      expectObservable(place, '---^--!    ').toBe('-------      ', values);
      expectObservable(place, '----^      ').toBe('----(f|)     ', values);
    });
  });

  it('looks again whenever a retry is due, while somebody waits', () => {
    marbles(({ expectObservable, scheduler }) => {
      let taken = 0;
      const retries = new Retries(scheduler, {
        dueIn: () => 5 - (scheduler.now() % 5),
        take: () => {
          const isThere = Math.floor(scheduler.now() / 5) > taken;
          if (isThere) taken += 1;
          return isThere;
        },
      });
      const place = retries.queue.join();
      expectObservable(place, '^              ').toBe('-----(t|)              ', values);
      expectObservable(place, '-^             ').toBe('----------(t|)         ', values);
      expectObservable(place, '---^           ').toBe('---------------(t|)    ', values);
      // Long after: nobody has waited, so nobody has looked.
      expectObservable(place, '18ms ^         ').toBe('20ms (t|)              ', values);
    });
  });

  it('joins when it is subscribed to, each time anew', () => {
    const retries = new Retries(new VirtualTimeScheduler());
    const place = retries.queue.join();
    expect(retries.queue.size).toBe(0);
    const both = new Subscription();
    both.add(place.subscribe());
    both.add(place.subscribe());
    expect(retries.queue.size).toBe(2);
    both.unsubscribe();
    expect(retries.queue.size).toBe(0);
    expect(retries.changes).toBe(4);
  });

  it('keeps a timer only while somebody waits', () => {
    vi.useFakeTimers();
    const retries = new Retries(asyncScheduler);
    const first = retries.queue.join().subscribe();
    const second = retries.queue.join().subscribe();
    expect(vi.getTimerCount()).toBe(1);
    first.unsubscribe();
    expect(vi.getTimerCount()).toBe(1);
    second.unsubscribe();
    expect(vi.getTimerCount()).toBe(0);

    retries.queue.join().subscribe();
    retries.add(1);
    expect(vi.getTimerCount()).toBe(1);
    vi.runAllTimers();
    expect(vi.getTimerCount()).toBe(0);
  });

  describe('letGo', () => {
    /** Three who wait, and who has been let go. */
    function three(scheduler: SchedulerLike): { readonly retries: Retries; readonly gone: number[]; readonly leave: (who: number) => void } {
      const retries = new Retries(scheduler);
      const gone: number[] = [];
      const places = [0, 1, 2].map((who) => join(retries, () => gone.push(who)));
      return { retries, gone, leave: (who) => { places[who]?.unsubscribe(); } };
    }

    it('tells how many it let go, and takes no retries for them', () => {
      const scheduler = new VirtualTimeScheduler(undefined, 1_000);
      const { retries, gone } = three(scheduler);
      expect([retries.queue.letGo(0), retries.queue.letGo(2), retries.queue.letGo(2)]).toEqual([0, 2, 1]);
      expect([retries.queue.size, retries.queue.letGo(1)]).toEqual([0, 0]);
      scheduler.flush();
      expect(gone).toEqual([0, 1, 2]);
      expect(retries.count).toBe(0);
    });

    it('starts nobody on the stack of its caller', () => {
      const scheduler = new VirtualTimeScheduler(undefined, 1_000);
      const { retries, gone } = three(scheduler);
      retries.queue.letGo(3);
      expect(gone).toEqual([]);
      scheduler.flush();
      expect(gone).toEqual([0, 1, 2]);
    });

    it('hands the retry of one who leaves before its start to the next', () => {
      const scheduler = new VirtualTimeScheduler(undefined, 1_000);
      const { retries, gone, leave } = three(scheduler);
      retries.queue.letGo(1);
      leave(0);
      expect(retries.queue.size).toBe(1);
      scheduler.flush();
      expect(gone).toEqual([1]);
      expect(retries.count).toBe(0);
    });

    it('gives that retry back where nobody waits any more, and starts nothing', () => {
      vi.useFakeTimers();
      const { retries, gone, leave } = three(asyncScheduler);
      retries.queue.letGo(3);
      for (const who of [0, 1, 2]) leave(who);
      expect(retries.count).toBe(3);
      expect(vi.getTimerCount()).toBe(0);
      vi.runAllTimers();
      expect(gone).toEqual([]);
    });

    it('lets nobody overtake those who have not started yet', () => {
      const scheduler = new VirtualTimeScheduler(undefined, 1_000);
      const { retries, gone } = three(scheduler);
      retries.queue.letGo(3);
      retries.count = 1;
      join(retries, () => gone.push(3));
      expect(gone).toEqual([]);
      scheduler.flush();
      expect(gone).toEqual([0, 1, 2, 3]);
    });
  });

  it('runs 20,000 that let each other go at once on a stack that does not grow', () => {
    const scheduler = new VirtualTimeScheduler(undefined, 1_000);
    const retries = new Retries(scheduler, { maxWaiting: Infinity });
    const depths = new Set<number>();
    const traceLimit = Error.stackTraceLimit;
    Error.stackTraceLimit = Infinity;
    let gone = 0;
    try {
      for (let who = 0; who < 20_000; who += 1) {
        join(retries, () => {
          gone += 1;
          // Each 1,000th, because a trace costs more than the rest. The first is let go by the test.
          if (gone % 1_000 === 2) depths.add((new Error().stack ?? '').split('\n').length);
          retries.queue.letGo(1);
        });
      }
      retries.queue.letGo(1);
      scheduler.flush();
    } finally {
      Error.stackTraceLimit = traceLimit;
    }
    expect(gone).toBe(20_000);
    expect(depths.size).toBe(1);
  });
});
