import {
  concatMap,
  delay,
  finalize,
  NEVER,
  Observable,
  of,
  type SchedulerAction,
  type SchedulerLike,
  Subject,
  type Subscription,
  take,
  VirtualTimeScheduler,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { RxMistralError } from '../../src/index.js';
import type { Timeouts } from '../../src/sources/CallOptions.js';
import { deadline, withTimeouts } from '../../src/sources/withTimeouts.js';
import { marbles } from '../../src/testing/index.js';

const failure = new RxMistralError({ kind: 'connection', message: 'The connection broke' });
const timedOut = (which: 'firstEvent' | 'idle' | 'total', limit: number): unknown =>
  expect.objectContaining({ kind: 'timeout', which, retryable: which !== 'total', message: expect.stringContaining(`\`timeouts.${which}\`: ${limit} ms`) });

const unlimited: Timeouts = {};
const wide: Timeouts = { firstEvent: 100, idle: 100 };

afterEach(() => {
  vi.restoreAllMocks();
});

describe('withTimeouts', () => {
  describe.each([
    ['no limit', unlimited],
    ['a limit of the first event', { firstEvent: 100 }],
    ['a limit of silence', { idle: 100 }],
    ['both', wide],
  ])('with %s that does not pass', (_limits, timeouts) => {
    test.each([
      ['an empty source', '|', '(^!)'],
      ['a source that completes', '--a-b-|', '^-----!'],
      ['a source that fails', '--a-b-#', '^-----!'],
      ['a source that fails at once', '#', '(^!)'],
      ['a source that emits at once', '(ab|)', '(^!)'],
    ])('passes %s as it is', (_source, diagram, subs) => {
      marbles((m) => {
        const source = m.cold(diagram, undefined, failure);

        m.expectObservable(source.pipe(withTimeouts(timeouts, m.scheduler))).toBe(diagram, undefined, failure);
        m.expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });

    test('unsubscribes from the source with its subscriber, and leaves no timer', () => {
      marbles((m) => {
        const source = m.cold('  --a-b-----');
        const subs = '           ^----!    ';
        const unsub = '          -----!    ';
        const expected = '       --a-b-    ';

        m.expectObservable(source.pipe(withTimeouts(timeouts, m.scheduler)), unsub).toBe(expected);
        m.expectSubscriptions(source.subscriptions).toBe(subs);
        m.flush();
        expect(m.scheduler.now()).toBeLessThan(50);
      });
    });

    test('does not break the chain of unsubscription', () => {
      marbles((m) => {
        const source = m.cold('  --a-b-----');
        const subs = '           ^----!    ';
        const unsub = '          -----!    ';
        const expected = '       --a-b-    ';
        const result = source.pipe(
          concatMap((value) => of(value)),
          withTimeouts(timeouts, m.scheduler),
          concatMap((value) => of(value)),
        );

        m.expectObservable(result, unsub).toBe(expected);
        m.expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });

    test('stops a synchronous firehose with take(3)', () => {
      let produced = 0;
      const seen: unknown[] = [];
      const firehose = new Observable<number>((subscriber) => {
        while (!subscriber.closed) subscriber.next(produced++);
      });
      const scheduler = new VirtualTimeScheduler();

      firehose.pipe(withTimeouts(timeouts, scheduler), take(3)).subscribe({
        next: (value) => seen.push(value),
        error: (error: unknown) => seen.push(error),
      });
      scheduler.flush();

      expect(seen).toEqual([0, 1, 2]);
      expect(produced).toBe(3);
      expect(scheduler.now()).toBe(0);
    });

    test('serves two sources with one operator value, and two subscribers with one result', () => {
      marbles((m) => {
        const operator = withTimeouts<string>(timeouts, m.scheduler);
        const first = m.cold('  --a-b-|   ');
        const firstSubs = ['    ^-----!   ', '---^-----!'];
        const second = m.cold(' ----c|    ');
        const secondSubs = '    ^----!    ';
        const result = first.pipe(operator);

        m.expectObservable(result).toBe('--a-b-|');
        m.expectObservable(result, '---^').toBe('-----a-b-|');
        m.expectObservable(second.pipe(operator)).toBe('----c|');
        m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
        m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
      });
    });
  });

  describe('firstEvent', () => {
    test('fails where the first event does not come in time', () => {
      marbles((m) => {
        const source = m.cold('  -----a--|');
        const subs = '           ^--!     ';
        const expected = '       ---#     ';

        m.expectObservable(source.pipe(withTimeouts({ firstEvent: 3 }, m.scheduler))).toBe(expected, undefined, timedOut('firstEvent', 3));
        m.expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });

    test('bounds nothing behind the first event', () => {
      marbles((m) => {
        const source = m.cold('  --a-------b--------|');
        const subs = '           ^------------------!';
        const expected = '       --a-------b--------|';

        m.expectObservable(source.pipe(withTimeouts({ firstEvent: 3 }, m.scheduler))).toBe(expected);
        m.expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });

    test('of 0 leaves room for what comes synchronously only', () => {
      marbles((m) => {
        m.expectObservable(of('a').pipe(withTimeouts({ firstEvent: 0 }, m.scheduler))).toBe('(a|)');
        m.expectObservable(NEVER.pipe(withTimeouts({ firstEvent: 0 }, m.scheduler))).toBe('#', undefined, timedOut('firstEvent', 0));
      });
    });

    test('counts from the subscription, for each subscriber anew', () => {
      marbles((m) => {
        const source = m.cold('  ------a');
        const subs = ['          ^--!   ', '--^--!'];
        const expected1 = '      ---#   ';
        const expected2 = '      -----# ';
        const result = source.pipe(withTimeouts({ firstEvent: 3 }, m.scheduler));

        m.expectObservable(result).toBe(expected1, undefined, timedOut('firstEvent', 3));
        m.expectObservable(result, '--^').toBe(expected2, undefined, timedOut('firstEvent', 3));
        m.expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });
  });

  describe('idle', () => {
    test('fails where the first event does not come in time', () => {
      marbles((m) => {
        const source = m.cold('  -----a--|');
        const subs = '           ^--!     ';
        const expected = '       ---#     ';

        m.expectObservable(source.pipe(withTimeouts({ idle: 3 }, m.scheduler))).toBe(expected, undefined, timedOut('idle', 3));
        m.expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });

    // The silence ends exactly `idle` behind the last event, wherever that fell between two looks at the clock.
    test.each([
      ['a------------- ', 'a----#'],
      ['-a------------ ', '-a----#'],
      ['--a-b--------- ', '--a-b----#'],
      ['---a---b------ ', '---a---b----#'],
      ['----a----b---- ', '----a----b----#'],
      ['-a-b-c-d-e---- ', '-a-b-c-d-e----#'],
      ['(abc)---------- ', undefined],
    ])('fails 5 ms behind the last event of %s', (diagram, expected) => {
      marbles((m) => {
        const source = m.cold(diagram);
        const result = source.pipe(withTimeouts({ idle: 5 }, m.scheduler));
        const end = (expected ?? '(abc)#').indexOf('#');

        m.expectObservable(result).toBe(expected ?? '(abc)#', undefined, timedOut('idle', 5));
        m.expectSubscriptions(source.subscriptions).toBe(`^${'-'.repeat(end - 1)}!`);
      });
    });

    test('waits on as long as events come in time', () => {
      marbles((m) => {
        const source = m.cold('  ----a----b----c----d----|');
        const subs = '           ^-----------------------!';
        const expected = '       ----a----b----c----d----|';

        m.expectObservable(source.pipe(withTimeouts({ idle: 6 }, m.scheduler))).toBe(expected);
        m.expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });

    test('counts from the first event on where firstEvent is given', () => {
      marbles((m) => {
        const source = m.cold('  ----------a------b');
        const subs = '           ^------------!    ';
        const expected = '       ----------a--#    ';

        m.expectObservable(source.pipe(withTimeouts({ firstEvent: 20, idle: 3 }, m.scheduler))).toBe(expected, undefined, timedOut('idle', 3));
        m.expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });

    test('makes no timer for an event: one looks at the clock for all of them', () => {
      const scheduler = new VirtualTimeScheduler();
      const schedule = vi.spyOn(scheduler, 'schedule');
      const source = new Subject<number>();
      const onError = vi.fn();

      source.pipe(withTimeouts({ idle: 5 }, scheduler)).subscribe({ error: onError });
      for (let event = 0; event < 1_000; event++) source.next(event);
      expect(schedule).toHaveBeenCalledOnce();
      scheduler.flush();

      expect(onError).toHaveBeenCalledOnce();
      expect(scheduler.now()).toBe(5);
    });

    test('is not stretched by a clock that was set back', () => {
      const scheduler = new TestScheduler(() => true);
      let setBack = 0;
      const clock: SchedulerLike = {
        now: () => scheduler.now() - setBack,
        schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delayMs = 0, state?: T): Subscription =>
          scheduler.schedule(work, delayMs, state),
      };
      const failedAt: number[] = [];
      // A frame is 10 ms here: an event at 20 ms, then the clock is set back by 500 ms, and silence.
      scheduler.createColdObservable('--a---------').pipe(withTimeouts({ idle: 50 }, clock)).subscribe({
        next: () => {
          scheduler.schedule(() => (setBack = 500), 10);
        },
        error: () => failedAt.push(scheduler.now()),
      });
      scheduler.flush();

      expect(failedAt).toHaveLength(1);
      expect(failedAt[0]).toBeLessThanOrEqual(120);
    });
  });

  test('the source is closed with the error', () => {
    marbles((m) => {
      const log: string[] = [];
      const source = NEVER.pipe(finalize(() => log.push('closed')));
      for (const timeouts of [{ firstEvent: 3 }, { idle: 3 }]) {
        source.pipe(withTimeouts(timeouts, m.scheduler)).subscribe({ error: () => log.push('failed') });
      }
      m.flush();

      expect(log.sort()).toEqual(['closed', 'closed', 'failed', 'failed']);
    });
  });
});

describe('deadline', () => {
  test('fails when the time has passed, and never emits', () => {
    marbles((m) => {
      m.expectObservable(deadline(5, m.scheduler)).toBe('-----#', undefined, timedOut('total', 5));
    });
  });

  test('never comes without a limit', () => {
    marbles((m) => {
      m.expectObservable(deadline(undefined, m.scheduler)).toBe('-');
    });
  });

  test('is the same moment for all who wait for it, however late they come', () => {
    marbles((m) => {
      const end = deadline(5, m.scheduler);

      m.expectObservable(end).toBe('-----#', undefined, timedOut('total', 5));
      m.expectObservable(end, '---^').toBe('-----#', undefined, timedOut('total', 5));
      m.expectObservable(end, '--------^').toBe('--------#', undefined, timedOut('total', 5));
    });
  });

  test('leaves no timer when nobody waits any more', () => {
    marbles((m) => {
      m.expectObservable(deadline(1_000_000, m.scheduler), '---!').toBe('----');
      m.flush();
      expect(m.scheduler.now()).toBeLessThan(1_000);
    });
  });
});

test('a slow consumer behind the operator is no silence of the source', () => {
  marbles((m) => {
    const source = m.cold('  -a-b-c-|         ');
    const subs = '           ^------!         ';
    const expected = '       ------a----b----(c|)';
    const slowly = concatMap((value: string) => of(value).pipe(delay(5)));

    m.expectObservable(source.pipe(withTimeouts({ idle: 4 }, m.scheduler), slowly)).toBe(expected);
    m.expectSubscriptions(source.subscriptions).toBe(subs);
  });
});
