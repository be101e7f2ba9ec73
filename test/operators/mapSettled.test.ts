import { EMPTY, EmptyError, from, NEVER, type Observable, of, range, Subject, take } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { mapSettled, type MapSettledOptions, type Settled } from '../../src/index.js';
import { marbles } from '../../src/testing/index.js';

const fault = new Error('fault');
const fulfilled = (input: string, index: number, value: string): Settled<string, string> => ({ status: 'fulfilled', value, input, index });
const rejected = (input: string, index: number, reason: unknown): Settled<string, string> => ({ status: 'rejected', reason, input, index });
const thrower = (): never => {
  throw fault;
};

describe('mapSettled', () => {
  test('makes a result of each input, several at once', () => {
    marbles((m) => {
      const source = m.cold('         -a-b-c--|   ');
      const subs = '                  ^-------!   ';
      const a = m.cold('               ---1|      ');
      const b = m.cold('                 -#       ', undefined, fault);
      const c = m.cold('                   -----3|');
      const expected = '              ----ba-----(c|)';
      const inners: Record<string, Observable<string>> = { a, b, c };

      m.expectObservable(source.pipe(mapSettled((name) => inners[name]!, { concurrency: 2 }))).toBe(expected, {
        b: rejected('b', 1, fault),
        a: fulfilled('a', 0, '1'),
        c: fulfilled('c', 2, '3'),
      });
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('lets inputs wait for a place', () => {
    marbles((m) => {
      const source = m.cold('   (ab|)');
      const subs = '            (^!)';
      const inner = m.cold('    --1|');
      const innerSubs = ['      ^--!', '---^--!'];
      const expected = '        ---a--(b|)';

      m.expectObservable(source.pipe(mapSettled(() => inner, { concurrency: 1 }))).toBe(expected, {
        a: fulfilled('a', 0, '1'),
        b: fulfilled('b', 1, '1'),
      });
      m.expectSubscriptions(inner.subscriptions).toBe(innerSubs);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('keeps the order where that is asked for', () => {
    marbles((m) => {
      const source = m.cold('  ab|');
      const inners: Record<string, Observable<string>> = { a: m.cold('----1|'), b: m.cold('2|') };
      const expected = '       -----(ab|)';

      m.expectObservable(source.pipe(mapSettled((name) => inners[name]!, { concurrency: 2, ordered: true }))).toBe(expected, {
        a: fulfilled('a', 0, '1'),
        b: fulfilled('b', 1, '2'),
      });
    });
  });

  test('tells what a project throws, and that one was empty, as results', () => {
    const seen: unknown[] = [];
    of('a', 'b')
      .pipe(mapSettled((name) => (name === 'a' ? thrower() : EMPTY), { concurrency: 1 }))
      .subscribe({ next: (result) => seen.push(result), error: (error: unknown) => expect.unreachable(String(error)) });
    expect(seen).toEqual([rejected('a', 0, fault), rejected('b', 1, expect.any(EmptyError))]);
  });

  test('tells an error of the source behind the results of what had come', () => {
    marbles((m) => {
      const source = m.cold('  a-#', undefined, fault);
      const subs = '           ^-!';
      const inner = m.cold('   ----1|');
      const expected = '       -----(a#)';

      m.expectObservable(source.pipe(mapSettled(() => inner, { concurrency: 1 }))).toBe(expected, { a: fulfilled('a', 0, '1') }, fault);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('of an empty source is empty', () => {
    marbles((m) => {
      const source = m.cold('  ---|');
      const subs = '           ^--!';
      const expected = '       ---|';

      m.expectObservable(source.pipe(mapSettled(() => of(''), { concurrency: 1 }))).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('of a source that is silent is silent', () => {
    marbles((m) => {
      const source = m.cold('  -');
      const subs = '           ^';
      const expected = '       -';

      m.expectObservable(source.pipe(mapSettled(() => of(''), { concurrency: 1 }))).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('ends the source and all projects when unsubscribed from, not breaking the chain', () => {
    marbles((m) => {
      const source = m.cold('  ab------');
      const subs = '           ^---!   ';
      const inner = m.cold('   ---------');
      const innerSubs = ['     ^---!', '-^--!'];
      const unsub = '          ----!   ';
      const expected = '       -----   ';
      const result = source.pipe(
        (chain) => chain.pipe(mapSettled(() => inner, { concurrency: 2 })),
        (chain) => chain.pipe(take(9)),
      );

      m.expectObservable(result, unsub).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
      m.expectSubscriptions(inner.subscriptions).toBe(innerSubs);
    });
  });

  test('stops a synchronous firehose that `take` has enough of', () => {
    const seen: number[] = [];
    let projected = 0;
    range(0, Infinity)
      .pipe(
        mapSettled(
          (value) => {
            projected += 1;
            return [value];
          },
          { concurrency: 1 },
        ),
        take(3),
      )
      .subscribe({ next: ({ index }) => seen.push(index), error: (error: unknown) => expect.unreachable(String(error)) });
    expect([seen, projected]).toEqual([[0, 1, 2], 3]);
  });

  test('is each subscriber’s own, and one operator serves two sources', () => {
    const operator = mapSettled<number, number>((value) => [value], { concurrency: 1 });
    const indexes = (source: Observable<number>): number[] => {
      const seen: number[] = [];
      source.pipe(operator).subscribe({ next: ({ index }) => seen.push(index), error: (error: unknown) => expect.unreachable(String(error)) });
      return seen;
    };
    const source = of(5, 6);
    expect([indexes(source), indexes(source), indexes(of(7))]).toEqual([[0, 1], [0, 1], [0]]);
  });

  test('does a hundred thousand at once, of which all but one wait, in linear time', () => {
    let count = 0;
    const gate = new Subject<never>();
    range(0, 100_001)
      .pipe(mapSettled((value) => (value === 0 ? gate : [value]), { concurrency: 1 }))
      .subscribe({ next: () => (count += 1), error: (error: unknown) => expect.unreachable(String(error)) });
    expect(count).toBe(0);
    gate.complete();
    expect(count).toBe(100_001);
  });

  test('refuses to let more than `maxQueued` inputs wait', () => {
    let error: unknown;
    from(['a', 'b', 'c', 'd'])
      .pipe(mapSettled(() => NEVER, { concurrency: 1, maxQueued: 2 }))
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    expect(error).toMatchObject({ kind: 'limit', message: 'More than 2 inputs wait for a place (`maxQueued`)' });
  });

  const cases: readonly (readonly [string, unknown, unknown])[] = [
    ['Expected `project` to be a function, got undefined', undefined, { concurrency: 1 }],
    ['Expected `options` to be an object, got undefined', thrower, undefined],
    ['Expected `concurrency` to be an integer >= 1, got undefined', thrower, {}],
    ['Expected `concurrency` to be an integer >= 1, got 1.5', thrower, { concurrency: 1.5 }],
    ['Expected `maxQueued` to be an integer >= 0 or Infinity, got -1', thrower, { concurrency: 1, maxQueued: -1 }],
  ];
  for (const [message, project, options] of cases) {
    test(`throws at the call: ${message}`, () => {
      expect(() => mapSettled(project as () => [], options as MapSettledOptions)).toThrow(new TypeError(message));
    });
  }
});
