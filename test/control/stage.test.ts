import { concatMap, defer, EMPTY, map, mergeMap, NEVER, Observable, type Observer, of, range, Subject, take, tap, throwError } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { currentStage, reenterStage, type RunInContext, type StageListener, withinStage } from '../../src/control/stage.js';
import { inVirtualTime, valuesOf } from '../operators/chatEvents.js';

/** A stage that is told by its name. */
const stageNamed = (name: string, contexts: Partial<StageListener> = {}): StageListener & { readonly named: string } => ({
  named: name,
  waited: vi.fn(),
  retried: vi.fn(),
  ...contexts,
});

/** The name of the stage that is being subscribed to. */
const here = (): string => (currentStage() as { readonly named?: string } | undefined)?.named ?? 'none';

/** Emits the name of the stage that it is subscribed to in. */
const whereSubscribed = defer(() => of(here()));

/** An observer that notes what it receives, and fails the test on an error. */
const noteIn = <T>(heard: string[], describe: (value: T) => string): Partial<Observer<T>> => ({
  next: (value) => heard.push(describe(value)),
  error: (error) => expect.unreachable(String(error)),
});

const inner = stageNamed('inner');
const outer = stageNamed('outer');

describe('withinStage', () => {
  it('is the source itself where there is no stage', () => {
    expect(withinStage(undefined, EMPTY)).toBe(EMPTY);
    expect(reenterStage(undefined, EMPTY)).toBe(EMPTY);
  });

  it('makes the stage current while the source is subscribed to, and no longer', async () => {
    expect(await valuesOf(withinStage(inner, whereSubscribed))).toEqual(['inner']);
    expect(here()).toBe('none');
  });

  it('puts the nearest of two stages', async () => {
    const source = withinStage(outer, withinStage(inner, whereSubscribed).pipe(map((name) => [name, here()])));

    expect(await valuesOf(source)).toEqual([['inner', 'outer']]);
  });

  it('leaves to the stage around it again, with each subscription', async () => {
    const twice = concatMap((value: string) => withinStage(inner, whereSubscribed).pipe(map((name) => `${value} ${name} ${here()}`)));

    expect(await valuesOf(withinStage(outer, of('a', 'b').pipe(twice)))).toEqual(['a inner outer', 'b inner outer']);
  });

  it.each<[string, Observable<unknown>]>([
    ['next', of(1)],
    ['error', throwError(() => new Error('failed'))],
    ['complete', EMPTY],
  ])('is left where %s is received, of a synchronous source too', (name, source) => {
    const heard: string[] = [];
    withinStage(inner, source).subscribe({
      next: () => heard.push(`next ${here()}`),
      error: () => heard.push(`error ${here()}`),
      complete: () => heard.push(`complete ${here()}`),
    });

    expect(heard).toContain(`${name} none`);
    expect(heard.filter((line) => line.includes('inner'))).toEqual([]);
  });

  it('is left where a value is received later, to the stage that is around it', () => {
    const values = new Subject<string>();
    const heard: string[] = [];
    const note = tap<string>(() => heard.push(here()));
    withinStage(outer, withinStage(inner, values).pipe(note)).pipe(note).subscribe();

    values.next('a');

    expect(heard).toEqual(['outer', 'none']);
  });

  it('is left where a value is received while another stage is being subscribed to', () => {
    const values = new Subject<string>();
    const heard: string[] = [];
    withinStage(inner, values).subscribe(noteIn(heard, here));
    const emits = defer(() => {
      values.next('a');
      return whereSubscribed;
    });

    withinStage(outer, emits).subscribe(noteIn(heard, (name) => name));

    expect(heard).toEqual(['none', 'outer']);
  });

  it.each<[string, Observable<unknown>]>([
    ['in defer', defer(() => { throw new Error('thrown'); })],
    ['in subscribe', new Observable(() => { throw new Error('thrown'); })],
    ['by an operator', of(1).pipe(map(() => { throw new Error('thrown'); }))],
  ])('is left where an error is thrown %s', (_name, source) => {
    const onError = vi.fn();
    withinStage(inner, source).subscribe({ error: onError });

    expect(onError).toHaveBeenCalledOnce();
    expect(here()).toBe('none');
  });

  it('is left where a context of its own throws', () => {
    const fails: RunInContext = () => {
      throw new Error('no such context');
    };
    const inside: RunInContext = (work) => {
      work();
      throw new Error('no such context');
    };
    for (const stage of [stageNamed('a', { inside: fails }), stageNamed('b', { inside })]) {
      const onError = vi.fn();
      withinStage(stage, NEVER).subscribe({ error: onError });
      expect(onError).toHaveBeenCalledOnce();
      expect(here()).toBe('none');
    }
  });

  it('runs the subscription in the context inside, and what receives in the one outside', async () => {
    const contexts: string[] = [];
    const runIn =
      (name: string): RunInContext =>
      (work) => {
        contexts.push(name);
        try {
          return work();
        } finally {
          contexts.pop();
        }
      };
    const stage = stageNamed('stage', { inside: runIn('inside'), outside: runIn('outside') });
    const source = defer(() => of(contexts.join(' ')));

    const heard = await valuesOf(withinStage(stage, source).pipe(map((subscribed) => [subscribed, contexts.join(' ')])));

    expect(heard).toEqual([['inside', 'inside outside']]);
    expect(contexts).toEqual([]);
  });

  it('passes values, completion and errors, and unsubscribes', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source1 = cold(' -a-b-|   ');
      const source1Subs = '  ^----!   ';
      const expected1 = '    -a-b-|   ';
      const source2 = cold(' -a-#     ');
      const source2Subs = '  ^--!     ';
      const expected2 = '    -a-#     ';
      const source3 = cold(' -a-b-c-d-');
      const source3Subs = '  ^---!    ';
      const unsub3 = '       ----!    ';
      const expected3 = '    -a-b-    ';

      expectObservable(withinStage(inner, source1)).toBe(expected1);
      expectObservable(withinStage(inner, source2)).toBe(expected2);
      expectObservable(withinStage(inner, source3), unsub3).toBe(expected3);
      expectSubscriptions(source1.subscriptions).toBe(source1Subs);
      expectSubscriptions(source2.subscriptions).toBe(source2Subs);
      expectSubscriptions(source3.subscriptions).toBe(source3Subs);
    });
  });

  it('stops a synchronous source that would emit for ever when enough has been taken', async () => {
    let produced = 0;
    let closed = false;
    const firehose = new Observable<number>((subscriber) => {
      while (!subscriber.closed && produced < 1_000) {
        produced += 1;
        subscriber.next(produced);
      }
      ({ closed } = subscriber);
    });

    expect(await valuesOf(withinStage(inner, firehose).pipe(take(3)))).toEqual([1, 2, 3]);
    expect(produced).toBe(3);
    expect(closed).toBe(true);
    expect(here()).toBe('none');
  });

  it('has nothing to receive when it is unsubscribed from', () => {
    const outside = vi.fn<RunInContext>((work) => work());
    const source = new Subject<number>();
    const subscription = withinStage(stageNamed('stage', { outside: outside as RunInContext }), source).subscribe();

    subscription.unsubscribe();

    expect(source.observed).toBe(false);
    expect(outside).not.toHaveBeenCalled();
  });

  it('gives each of two subscribers a subscription of its own', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-|     ');
      const subs = [
        '                   ^----!     ',
        '                   --^----!   ',
      ];
      const expected = [
        '                   -a-b-|     ',
        '                   ---a-b-|   ',
      ] as const;
      const second = '      --^        ';
      const result = withinStage(inner, source);

      expectObservable(result).toBe(expected[0]);
      expectObservable(result, second).toBe(expected[1]);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });
});

describe('reenterStage', () => {
  // A gate that somebody else opens, in the middle of a subscription of his own.
  const opened = (gate: Subject<void>): Observable<never> =>
    defer(() => {
      gate.next();
      return EMPTY;
    });

  it('makes the stage current again for what is subscribed to later', () => {
    const gate = new Subject<void>();
    const heard: string[] = [];
    const waiting = defer(() => {
      const stage = currentStage();
      const withoutIt = mergeMap(() => whereSubscribed);
      const withIt = mergeMap((name: string) => reenterStage(stage, whereSubscribed).pipe(map((again) => `${name}, ${again}`)));
      return gate.pipe(take(1), withoutIt, withIt);
    });
    withinStage(inner, waiting).subscribe(noteIn(heard, (names) => `${names}, ${here()}`));

    withinStage(outer, opened(gate)).subscribe();

    expect(heard).toEqual(['outer, inner, none']);
    expect(here()).toBe('none');
  });

  it('leaves who receives inside of the stage', async () => {
    expect(await valuesOf(reenterStage(inner, whereSubscribed).pipe(map((name) => [name, here()])))).toEqual([['inner', 'inner']]);
  });

  it('subscribes in the context inside', async () => {
    const inside = vi.fn<RunInContext>((work) => work());

    await valuesOf(reenterStage(stageNamed('stage', { inside: inside as RunInContext }), of(1)));

    expect(inside).toHaveBeenCalledOnce();
  });

  it('is left where subscribing itself throws', () => {
    // rxjs catches what it calls; an Observable of another making may throw.
    const foreign = Object.assign(new Observable<never>(), {
      subscribe: () => {
        throw new Error('thrown');
      },
    });
    const onError = vi.fn();

    reenterStage(inner, foreign).subscribe({ error: onError });

    expect(onError).toHaveBeenCalledOnce();
    expect(here()).toBe('none');
  });

  it('stops a synchronous source when enough has been taken, and unsubscribes', async () => {
    let produced = 0;
    const firehose = range(0, 1_000).pipe(tap(() => (produced += 1)));
    expect(await valuesOf(reenterStage(inner, firehose).pipe(take(3)))).toEqual([0, 1, 2]);
    expect(produced).toBe(3);

    const source = new Subject<number>();
    reenterStage(inner, source).subscribe().unsubscribe();
    expect(source.observed).toBe(false);
  });
});
