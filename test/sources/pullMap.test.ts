import fc from 'fast-check';
import { Readable } from 'node:stream';
import {
  config,
  defer,
  EMPTY,
  EmptyError,
  finalize,
  firstValueFrom,
  lastValueFrom,
  map,
  mergeMap,
  NEVER,
  type Observable,
  type ObservableInput,
  of,
  range,
  Subject,
  take,
  takeUntil,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { pullMap, type PullMapOptions, type Settled } from '../../src/index.js';
import { marbles } from '../../src/testing/index.js';

const fault = new Error('fault');
const fulfilled = <T, R>(input: T, index: number, value: R): Settled<T, R> => ({ status: 'fulfilled', value, input, index });
const rejected = <T>(input: T, index: number, reason: unknown): Settled<T, never> => ({ status: 'rejected', reason, input, index });

interface Watched<T> extends Iterable<T> {
  asked: number;
  closed: number;
}

/** An iterable that notes what is asked of it. */
function watched<T>(values: Iterable<T>): Watched<T> {
  return {
    asked: 0,
    closed: 0,
    [Symbol.iterator]() {
      const iterator = values[Symbol.iterator]();
      return {
        next: () => {
          this.asked += 1;
          return iterator.next();
        },
        return: () => {
          this.closed += 1;
          return { done: true, value: undefined };
        },
      };
    },
  };
}

const allOf = <T>(results: Observable<T>): Promise<T[]> => lastValueFrom(results.pipe(toArray()));
const eventLoopTurn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));
const unexpected = (error: unknown): never => expect.unreachable(String(error));
const thrower = (): never => {
  throw fault;
};
function* range3(): Generator<number> {
  yield* [1, 2, 3];
}

describe('results', () => {
  test('come as they come, of as many inputs at once as there are places', () => {
    marbles((m) => {
      const a = m.cold('        --1|   ');
      const b = m.cold('        -----2|');
      const c = m.cold('           -3| ');
      const subs = ['           ^--!   ', '^-----!', '---^-!'];
      const expected = '        --1-32|';
      const inners = { a, b, c };

      m.expectObservable(pullMap(['a', 'b', 'c'] as const, (name) => inners[name], { concurrency: 2 })).toBe(expected);
      m.expectSubscriptions(a.subscriptions).toBe(subs[0]!);
      m.expectSubscriptions(b.subscriptions).toBe(subs[1]!);
      m.expectSubscriptions(c.subscriptions).toBe(subs[2]!);
    });
  });

  test('come in order where that is asked for; the oldest tells its values at once', () => {
    marbles((m) => {
      const inners = { a: m.cold('--1|'), b: m.cold('-----2|'), c: m.cold('-3|') };
      const expected = '                --1--2(3|)';

      m.expectObservable(pullMap(['a', 'b', 'c'] as const, (name) => inners[name], { concurrency: 2, ordered: true })).toBe(expected);
    });
  });

  test('in order run no more than `concurrency` ahead of the oldest', () => {
    marbles((m) => {
      const slow = m.cold('  ---------0|');
      const fast = m.cold('  1|');
      const source = watched([slow, fast, fast, fast, fast, fast]);
      const expected = '     ---------0(11|)';
      const result = pullMap(source, (inner) => inner, { concurrency: 2, ordered: true });
      const asked: number[] = [];

      m.expectObservable(result.pipe(take(3))).toBe(expected);
      m.cold('5ms |').subscribe({ complete: () => asked.push(source.asked), error: unexpected });
      m.flush();
      // The slow one, and those with the indexes 1 and 2.
      expect(asked).toEqual([3]);
    });
  });

  test('of projects that emit many values come in order too', () => {
    marbles((m) => {
      const a = m.cold('   a--a----|');
      const b = m.cold('   b-b|     ');
      const expected = '   a--a----(bb|)';
      const inners = { a, b };

      m.expectObservable(pullMap(['a', 'b'] as const, (name) => inners[name], { concurrency: 2, ordered: true })).toBe(expected);
    });
  });

  test('in order are all told, where one of them makes another end', () => {
    const [a, b, c] = [new Subject<string>(), new Subject<string>(), new Subject<string>()];
    const seen: string[] = [];
    pullMap([a, b, c], (inner) => inner, { concurrency: 3, ordered: true }).subscribe({
      next: (value) => {
        seen.push(value);
        if (value !== 'b') return;
        c.next('c');
        c.complete();
      },
      error: unexpected,
      complete: () => seen.push('|'),
    });
    b.next('b');
    b.complete();
    a.complete();
    expect(seen).toEqual(['b', 'c', '|']);
  });

  test('of nothing are none', () => {
    marbles((m) => {
      m.expectObservable(pullMap([], () => of(1), { concurrency: 1 })).toBe('|');
    });
  });

  test('wait for a project that never ends', () => {
    marbles((m) => {
      const inner = m.cold(' -');
      const subs = '         ^';
      const expected = '     -';

      m.expectObservable(pullMap([1], () => inner, { concurrency: 1 })).toBe(expected);
      m.expectSubscriptions(inner.subscriptions).toBe(subs);
    });
  });

  test('are each subscriber’s own', () => {
    marbles((m) => {
      const result = pullMap(new Set(['a', 'b']), (name, index) => of(`${name}${index}`), { concurrency: 1 });
      const values = { x: 'a0', y: 'b1' };

      m.expectObservable(result).toBe('       (xy|)', values);
      m.expectObservable(result, '--^').toBe('--(xy|)', values);
    });
  });

  test('may come of promises, arrays, thenables and Observables alike', async () => {
    const thenable: PromiseLike<number> = Promise.resolve(5);
    const kinds = [() => Promise.resolve(1), () => [2, 3], () => of(4), () => EMPTY, () => ({ then: thenable.then.bind(thenable) })];

    expect(await allOf(pullMap(kinds, (make) => make() as ObservableInput<number>, { concurrency: 1 }))).toEqual([1, 2, 3, 4, 5]);
  });

  test('settle as one for each input: its last value, its error, or the EmptyError', () => {
    marbles((m) => {
      const inners = { a: m.cold('1--2|'), b: m.cold('-#', undefined, fault), c: m.cold('--|') };
      const expected = '                -b-c(a|)';

      m.expectObservable(pullMap(['a', 'b', 'c'] as const, (name) => inners[name], { concurrency: 2, settle: true })).toBe(expected, {
        a: fulfilled('a', 0, '2'),
        b: rejected('b', 1, fault),
        c: rejected('c', 2, expect.any(EmptyError)),
      });
    });
  });

  test('settle in order', () => {
    marbles((m) => {
      const inners = { a: m.cold('----1|'), b: m.cold('-#', undefined, fault) };
      const expected = '                -----(ab|)';

      m.expectObservable(
        pullMap(['a', 'b'] as const, (name) => inners[name], { concurrency: 2, settle: true, ordered: true }),
      ).toBe(expected, { a: fulfilled('a', 0, '1'), b: rejected('b', 1, fault) });
    });
  });

  test('settle a project that throws, or makes nothing that can be subscribed to', async () => {
    const settled = (project: () => ObservableInput<number>): Promise<unknown> =>
      allOf(pullMap([1], project, { concurrency: 1, settle: true }));

    expect(await settled(thrower)).toEqual([rejected(1, 0, fault)]);
    expect(await settled(() => 4 as unknown as [])).toEqual([rejected(1, 0, expect.any(TypeError))]);
    expect(await settled(() => Promise.reject(fault))).toEqual([rejected(1, 0, fault)]);
  });
});

describe('an error', () => {
  test('of a project ends all, and closes the source', () => {
    marbles((m) => {
      const inners = { a: m.cold('-1---2|'), b: m.cold('---#', undefined, fault) };
      const subsA = '                   ^--!';
      const expected = '                -1-#';
      const source = watched(['a', 'b', 'a', 'a'] as const);

      m.expectObservable(pullMap(source, (name) => inners[name], { concurrency: 2 })).toBe(expected, undefined, fault);
      m.expectSubscriptions(inners.a.subscriptions).toBe(subsA);
      m.flush();
      expect([source.asked, source.closed]).toEqual([2, 1]);
    });
  });

  test('that a project throws is one too', async () => {
    const source = watched([1, 2]);
    await expect(allOf(pullMap(source, thrower, { concurrency: 2 }))).rejects.toBe(fault);
    expect([source.asked, source.closed]).toEqual([1, 1]);
  });

  test('of the source is told when those on their way have ended', () => {
    marbles((m) => {
      function* source(): Generator<string> {
        yield 'a';
        yield 'b';
        throw fault;
      }
      const inners: Record<string, Observable<string>> = { a: m.cold('-1--2|'), b: m.cold('--3|') };
      const expected = '                                                  -13-2#';

      m.expectObservable(pullMap(source(), (name) => inners[name]!, { concurrency: 3 })).toBe(expected, undefined, fault);
    });
  });

  test('of an asynchronous source comes behind what is on its way', async () => {
    async function* source(): AsyncGenerator<number> {
      yield 1;
      await eventLoopTurn();
      throw fault;
    }
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      pullMap(source(), (value) => timer(20).pipe(map(() => value)), { concurrency: 2 }).subscribe({
        next: (value) => seen.push(value),
        error: (error: unknown) => {
          seen.push(error);
          resolve();
        },
      });
    });
    expect(seen).toEqual([1, fault]);
  });

  test('of an iterator that gives no result is clear', async () => {
    const source = { [Symbol.iterator]: () => ({ next: () => 4 as unknown as IteratorResult<number> }) };
    await expect(allOf(pullMap(source, (value) => [value], { concurrency: 1 }))).rejects.toThrow(
      'The iterator of `source` gave a result that is no object',
    );
  });

  test('of an answer that cannot be read is one of the source', async () => {
    const next = (): Promise<IteratorResult<number>> => Promise.resolve({ get done(): never { return thrower(); }, value: 1 });
    const source = { [Symbol.asyncIterator]: () => ({ next }) };
    await expect(allOf(pullMap(source, (value) => [value], { concurrency: 1 }))).rejects.toBe(fault);
  });

  test('of beginning to iterate is an error of the result', async () => {
    await expect(allOf(pullMap({ [Symbol.iterator]: thrower }, (value) => [value], { concurrency: 1 }))).rejects.toBe(fault);
  });

  test('where too many values wait for their turn names the bound', async () => {
    const inners = [NEVER, range(0, Infinity)];
    await expect(
      allOf(pullMap(inners, (inner) => inner, { concurrency: 2, ordered: true, maxBuffered: 10 })),
    ).rejects.toMatchObject({
      kind: 'limit',
      message: 'More than 10 values wait for those of an input before them (`maxBuffered`)',
    });
  });
});

describe('closing the source', () => {
  afterEach(() => {
    config.onUnhandledError = null;
  });

  test('happens once, when unsubscribed, and not at its natural end', async () => {
    const ended = watched([1, 2]);
    await allOf(pullMap(ended, (value) => [value], { concurrency: 1 }));
    expect(ended.closed).toBe(0);

    const left = watched([1, 2]);
    pullMap(left, () => NEVER, { concurrency: 1 }).subscribe({ error: unexpected }).unsubscribe();
    expect(left.closed).toBe(1);
  });

  test('runs the `finally` of a generator, where its own step unsubscribes too', () => {
    const seen: unknown[] = [];
    const stop = new Subject<void>();
    const first = new Subject<number>();
    function* source(): Generator<number> {
      try {
        yield 1;
        stop.next();
        yield 2;
      } finally {
        seen.push('finally');
      }
    }
    pullMap(source(), (value) => (value === 1 ? first : of(value)), { concurrency: 1 })
      .pipe(takeUntil(stop))
      .subscribe({ next: (value) => seen.push(value), error: unexpected });
    first.complete();
    expect(seen).toEqual(['finally']);
  });

  test('of an async generator waits for its `await`, and nothing is emitted any more', async () => {
    const seen: unknown[] = [];
    let wake = (): void => undefined;
    async function* source(): AsyncGenerator<number> {
      try {
        yield 1;
        await new Promise<void>((resolve) => (wake = resolve));
        yield 2;
      } finally {
        seen.push('finally');
      }
    }
    const subscription = pullMap(source(), (value) => [value], { concurrency: 2 }).subscribe({
      next: (value) => seen.push(value),
      error: unexpected,
    });
    await eventLoopTurn();
    subscription.unsubscribe();
    wake();
    await eventLoopTurn();
    expect(seen).toEqual([1, 'finally']);
  });

  test('destroys a stream of Node that is silent', async () => {
    const silent = new Readable({ objectMode: true, read: () => undefined });
    const subscription = pullMap(silent, (value: number) => [value], { concurrency: 1 }).subscribe({ error: unexpected });
    await eventLoopTurn();
    subscription.unsubscribe();
    expect(silent.destroyed).toBe(true);
  });

  test('cancels a web stream, and gives back its lock', async () => {
    let cancelled = 0;
    const stream = new ReadableStream<number>({
      start: (controller) => {
        controller.enqueue(1);
      },
      cancel: () => {
        cancelled += 1;
      },
    });
    expect(await firstValueFrom(pullMap(stream, (value) => [value], { concurrency: 1 }))).toBe(1);
    await eventLoopTurn();
    expect([cancelled, stream.locked]).toEqual([1, false]);
  });

  test('that fails after an unsubscribe is reported as what nobody handles', async () => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);

    for (const close of [thrower, () => Promise.reject(fault)]) {
      const source = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }), return: close as () => never }) };
      pullMap(source, () => NEVER, { concurrency: 1 }).subscribe({ error: unexpected }).unsubscribe();
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(reported).toEqual([fault, fault]);
  });

  test('that fails after an error leaves that error in place', async () => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    const first = new Error('first');
    const source = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }), return: thrower }) };

    await expect(allOf(pullMap(source, () => throwError(() => first), { concurrency: 1 }))).rejects.toBe(first);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(reported).toEqual([]);
  });
});

describe('a source', () => {
  function* endless(): Generator<number> {
    for (let value = 0; ; value += 1) yield value;
  }

  test('that is synchronous is asked for no more than is taken', () => {
    const source = watched(endless());
    const seen: number[] = [];
    pullMap(source, (value) => [value], { concurrency: 1 })
      .pipe(take(3))
      .subscribe({ next: (value) => seen.push(value), error: unexpected });

    expect(seen).toEqual([0, 1, 2]);
    expect([source.asked, source.closed]).toEqual([3, 1]);
  });

  test('may have an inner that never ends, of which no more is taken', () => {
    const seen: number[] = [];
    pullMap([1], () => range(0, Infinity), { concurrency: 1 })
      .pipe(take(3))
      .subscribe({ next: (value) => seen.push(value), error: unexpected });
    expect(seen).toEqual([0, 1, 2]);
  });

  test('has what a project held given back before the next is asked for', () => {
    const log: string[] = [];
    const project = (name: string): Observable<never> => defer(() => (log.push(`${name} starts`), EMPTY)).pipe(finalize(() => log.push(`${name} ends`)));
    pullMap(['a', 'b'], project, { concurrency: 1 }).subscribe({ error: unexpected });
    expect(log).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
  });

  test('has nothing started of a project that has ended it all', () => {
    const stop = new Subject<void>();
    let started = 0;
    const project = (): Observable<never> => {
      stop.next();
      return defer(() => ((started += 1), NEVER));
    };
    pullMap([1], project, { concurrency: 1 }).pipe(takeUntil(stop)).subscribe({ error: unexpected });
    expect(started).toBe(0);
  });

  test('that can be read only once fails the second', async () => {
    const ended = new ReadableStream<number>({
      start: (controller) => {
        controller.close();
      },
    });
    for (const source of [ended, range3(), Readable.from([1]) as AsyncIterable<number>]) {
      const result = pullMap(source, (value) => [value], { concurrency: 1 });
      await allOf(result);
      await expect(allOf(result)).rejects.toMatchObject({ kind: 'validation', message: expect.stringMatching(/only once/) as string });
    }
  });

  test('that is a stream is let go of when it breaks', async () => {
    const broken = new ReadableStream<number>({
      start: (controller) => {
        controller.error(new Error('broken'));
      },
    });
    await expect(allOf(pullMap(broken, (value) => [value], { concurrency: 1 }))).rejects.toThrow('broken');
    expect(broken.locked).toBe(false);
  });

  test('that is a locked stream is a clear error', async () => {
    const stream = new ReadableStream<number>();
    stream.getReader();
    await expect(allOf(pullMap(stream, (value) => [value], { concurrency: 1 }))).rejects.toThrow(TypeError);
  });

  test('may be a stream, web or Node, an async iterable, or an iterable', async () => {
    const web = new ReadableStream<number>({
      start: (controller) => {
        for (const value of [1, 2, 3]) controller.enqueue(value);
        controller.close();
      },
    });
    async function* generated(): AsyncGenerator<number> {
      await eventLoopTurn();
      yield* [1, 2, 3];
    }
    for (const source of [web, Readable.from([1, 2, 3]) as AsyncIterable<number>, generated(), new Set([1, 2, 3]), range3()]) {
      expect(await allOf(pullMap(source, (value) => Promise.resolve(value * 2), { concurrency: 2 }))).toEqual([2, 4, 6]);
    }
  });

  test('is asked by one `next()` at a time', async () => {
    let pending = 0;
    let most = 0;
    let count = 0;
    const next = async (): Promise<IteratorResult<number>> => {
      pending += 1;
      most = Math.max(most, pending);
      await eventLoopTurn();
      pending -= 1;
      count += 1;
      return { done: count > 20, value: count };
    };
    const source = { [Symbol.asyncIterator]: () => ({ next }) };
    expect(await allOf(pullMap(source, (value) => timer(1).pipe(map(() => value)), { concurrency: 5 }))).toHaveLength(20);
    expect(most).toBe(1);
  });
});

describe('a million inputs', { timeout: 300_000 }, () => {
  const million = 1_000_000;
  function* numbers(): Generator<number> {
    for (let value = 0; value < million; value += 1) yield value;
  }
  const kinds: readonly (readonly [string, (value: number) => ObservableInput<number>])[] = [
    ['of synchronous projects do not grow the stack', (value) => [value]],
    ['of promises do not either', (value) => Promise.resolve(value)],
  ];
  for (const [name, project] of kinds) {
    for (const ordered of [false, true]) {
      test(`${name}${ordered ? ', in order' : ''}; timers fire in between`, async () => {
        let turns = 0;
        const timerId = setInterval(() => (turns += 1), 0);
        let count = 0;
        let isInOrder = true;
        await new Promise<void>((resolve, reject) => {
          pullMap(numbers(), project, { concurrency: 50, ordered }).subscribe({
            next: (value) => {
              isInOrder &&= value === count;
              count += 1;
            },
            error: reject,
            complete: resolve,
          });
        });
        clearInterval(timerId);
        expect([count, isInOrder]).toEqual([million, true]);
        expect(turns).toBeGreaterThan(3);
      });
    }
  }

  test('hold no more than twice the places', async () => {
    let started = 0;
    let told = 0;
    let most = 0;
    function* source(): Generator<number> {
      for (let value = 0; value < 20_000; value += 1) {
        started += 1;
        most = Math.max(most, started - told);
        yield value;
      }
    }
    const project = async (value: number): Promise<number> => {
      if (value % 7 === 0) await eventLoopTurn();
      return value;
    };
    await new Promise<void>((resolve, reject) => {
      pullMap(source(), project, { concurrency: 50, ordered: true }).subscribe({
        next: () => (told += 1),
        error: reject,
        complete: resolve,
      });
    });
    expect(told).toBe(20_000);
    expect(most).toBeLessThanOrEqual(100);
  });
});

test('any run keeps the order, the bound and the count, and closes its source once', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.log(`pullMap: SEED=${seed}`);
  const input = fc.record({ delay: fc.nat(20), fails: fc.boolean(), values: fc.nat(3) });
  const runs = fc.record({
    inputs: fc.array(input, { maxLength: 30 }),
    concurrency: fc.integer({ min: 1, max: 6 }),
    ordered: fc.boolean(),
    unsubscribeAt: fc.option(fc.nat(60), { nil: undefined }),
  });
  fc.assert(
    fc.property(runs, ({ inputs, concurrency, ordered, unsubscribeAt }) => {
      const source = watched(inputs);
      const ended = new Set<number>();
      let running = 0;
      let most = 0;
      let ahead = 0;
      let oldest = 0;
      const project = ({ delay, fails, values }: (typeof inputs)[number], index: number): Observable<string> =>
        defer(() => {
          running += 1;
          most = Math.max(most, running);
          ahead = Math.max(ahead, index - oldest);
          return timer(delay).pipe(
            mergeMap(() => {
              running -= 1;
              ended.add(index);
              while (ended.has(oldest)) oldest += 1;
              return fails ? throwError(() => fault) : Array.from({ length: values }, (_, n) => `${index}.${n}`);
            }),
          );
        });

      const results: Settled<(typeof inputs)[number], string>[] = [];
      let isComplete = false as boolean;
      new TestScheduler(() => undefined).run(() => {
        const subscription = pullMap(source, project, { concurrency, ordered, settle: true }).subscribe({
          next: (result) => results.push(result),
          error: unexpected,
          complete: () => (isComplete = true),
        });
        const leave = unsubscribeAt === undefined ? EMPTY : timer(unsubscribeAt);
        leave.subscribe({ next: () => { subscription.unsubscribe(); }, error: unexpected });
      });

      const indexes = results.map(({ index }) => index);
      expect(most).toBeLessThanOrEqual(concurrency);
      expect(new Set(indexes).size).toBe(indexes.length);
      if (ordered) expect(ahead).toBeLessThanOrEqual(concurrency);
      if (ordered) expect(indexes).toEqual([...indexes.keys()]);
      if (isComplete) expect(indexes).toHaveLength(inputs.length);
      if (unsubscribeAt === undefined) expect(isComplete).toBe(true);
      // What has been read to its end is not closed.
      expect(source.closed).toBe(source.asked > inputs.length ? 0 : 1);
      for (const result of results) {
        const { fails, values } = result.input;
        expect(result.input).toBe(inputs[result.index]);
        expect(result).toMatchObject(
          fails || values === 0 ? { status: 'rejected' } : { status: 'fulfilled', value: `${result.index}.${values - 1}` },
        );
      }
    }),
    { seed, numRuns: 500 },
  );
});

describe('bad input is a TypeError at the call', () => {
  const cases: readonly (readonly [string, unknown, unknown, unknown])[] = [
    ['Expected `source` to be an iterable, an async iterable or a ReadableStream (mapSettled takes Observables), got "abc"', 'abc', thrower, { concurrency: 1 }],
    ['Expected `source` to be an iterable, an async iterable or a ReadableStream (mapSettled takes Observables), got an object', of(1), thrower, { concurrency: 1 }],
    ['Expected `source` to be an iterable, an async iterable or a ReadableStream (mapSettled takes Observables), got null', null, thrower, { concurrency: 1 }],
    ['Expected `project` to be a function, got undefined', [], undefined, { concurrency: 1 }],
    ['Expected `options` to be an object, got undefined', [], thrower, undefined],
    ['Expected `concurrency` to be an integer >= 1, got undefined', [], thrower, {}],
    ['Expected `concurrency` to be an integer >= 1, got 0', [], thrower, { concurrency: 0 }],
    ['Expected `maxBuffered` to be an integer >= 1 or Infinity, got 0', [], thrower, { concurrency: 1, maxBuffered: 0 }],
    ['Expected `scheduler` to be a scheduler, got an object', [], thrower, { concurrency: 1, scheduler: {} }],
  ];
  for (const [message, source, project, options] of cases) {
    test(message, () => {
      expect(() => pullMap(source as [], project as () => [], options as PullMapOptions & { settle: false })).toThrow(new TypeError(message));
    });
  }
});
