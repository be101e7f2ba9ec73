import { concat, concatMap, delay, from, map, Observable, of, take, tap, throwError, timeout } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { isRxMistralError, RxMistralError, TruncatedStreamError } from '../../src/errors/RxMistralError.js';
import type { ChatEvent, ErrorEvent } from '../../src/events/ChatEvent.js';
import { accumulate } from '../../src/operators/accumulate.js';
import { errorAsEvent } from '../../src/operators/errorAsEvent.js';
import {
  complete,
  errorEvent,
  failure,
  inVirtualTime,
  requestId,
  snapshot,
  start,
  textDelta,
  valuesOf,
} from './chatEvents.js';

const events = {
  s: start(),
  a: textDelta('Hel', 0),
  b: textDelta('lo', 1),
  c: complete({ role: 'assistant', content: 'Hello' }),
  e: errorEvent(),
};

// The last event of a stream that fails with `error` after `before`.
async function lastOf(error: unknown, before: readonly ChatEvent[] = [events.s]): Promise<ErrorEvent> {
  const fails = new Observable<never>((subscriber) => {
    subscriber.error(error);
  });
  const last = (await valuesOf(concat(from(before), fails).pipe(errorAsEvent()))).at(-1);
  if (last?.type !== 'error') throw new Error(`Expected an error event, got ${String(last?.type)}`);
  return last;
}

describe('errorAsEvent', () => {
  it('passes what a source emits that completes', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^-------!';
      const expected = '   -s-a-b-c|';

      expectObservable(source.pipe(errorAsEvent())).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits the error as the last event, and completes', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-#', events, failure);
      const subs = '       ^----!';
      const expected = '   -s-a-(e|)';

      expectObservable(source.pipe(errorAsEvent())).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits the error of a source that fails at once', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold<ChatEvent>('#', undefined, failure);
      const subs = '       (^!)';
      const expected = '   (e|)';

      expectObservable(source.pipe(errorAsEvent())).toBe(expected, { e: errorEvent(failure, '') });
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('completes with an empty source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('|', events);
      const subs = '       (^!)';
      const expected = '   |';

      expectObservable(source.pipe(errorAsEvent())).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits nothing of a source that never emits', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-', events);
      const subs = '       ^';
      const expected = '   -';

      expectObservable(source.pipe(errorAsEvent())).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits an error that is thrown by a callback before it', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-|', events);
      const subs = '       ^----!';
      const expected = '   -s-a-(e|)';
      const result = source.pipe(
        map((event) => {
          if (event === events.b) throw failure;
          return event;
        }),
        errorAsEvent(),
      );

      expectObservable(result).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('does not see an error that is thrown behind it', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const thrown = new TypeError('thrown by a callback');
      const source = cold('-s-a-b-|', events);
      const subs = '       ^----!';
      const expected = '   -s-a-#';
      const result = source.pipe(
        errorAsEvent(),
        map((event) => {
          if (event === events.b) throw thrown;
          return event;
        }),
      );

      expectObservable(result).toBe(expected, events, thrown);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('unsubscribes from the source when it is unsubscribed, and emits nothing', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-#', events, failure);
      const subs = '       ^---!';
      const expected = '   -s-a-';
      const unsub = '      ----!';

      expectObservable(source.pipe(errorAsEvent()), unsub).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('does not break the chain when it is unsubscribed from behind', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^---!';
      const expected = '   -s-a-';
      const unsub = '      ----!';
      const result = source.pipe(
        concatMap((event) => of(event)),
        errorAsEvent(),
        concatMap((event) => of(event)),
      );

      expectObservable(result, unsub).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('stops a synchronous source when enough has been taken', async () => {
    let produced = 0;
    const firehose = new Observable<ChatEvent>((subscriber) => {
      while (!subscriber.closed && produced < 1_000) {
        produced += 1;
        subscriber.next(events.a);
      }
    });

    const received = await valuesOf(firehose.pipe(errorAsEvent(), take(3)));

    expect(received).toEqual([events.a, events.a, events.a]);
    expect(produced).toBe(3);
  });

  it('gives two subscribers of one result the same', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-#', events, failure);
      const subs = [
        '                  ^----!',
        '                  -----^----!',
      ];
      const expected = [
        '                  -s-a-(e|)',
        '                  ------s-a-(e|)',
      ] as const;
      const second = '     -----^';
      const result = source.pipe(errorAsEvent());

      expectObservable(result).toBe(expected[0], events);
      expectObservable(result, second).toBe(expected[1], events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('can be used twice as one value, and mixes up no ids', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('-s-#', events, failure);
      const two = cold('---#', events, failure);
      const subs = '    ^--!';
      const operator = errorAsEvent<ChatEvent | ErrorEvent>();

      expectObservable(one.pipe(operator)).toBe('-s-(e|)', events);
      expectObservable(two.pipe(operator)).toBe('---(e|)', { e: errorEvent(failure, '') });
      expectSubscriptions(one.subscriptions).toBe(subs);
      expectSubscriptions(two.subscriptions).toBe(subs);
    });
  });

  it('lets what waits in a queue come before the error, which would overtake it', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-#', events, failure);
      const subs = '       ^------!';
      const without = '    -----s-#';
      const expected = '   -----s---a---b---(e|)';
      const slow = concatMap((event: ChatEvent | ErrorEvent) => of(event).pipe(delay(4)));

      expectObservable(source.pipe(slow)).toBe(without, events, failure);
      expectObservable(source.pipe(errorAsEvent(), slow)).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe([subs, subs]);
    });
  });

  it('stands before accumulate(), which then completes', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-#', events, failure);
      const subs = '       ^----!';
      const expected = '   ---x-|';

      expectObservable(source.pipe(errorAsEvent(), accumulate())).toBe(expected, { x: snapshot('Hel') });
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });
});

describe('the request id of an error event', () => {
  it('is that of the last event', async () => {
    const other = { ...start(), requestId: 'request-2' };

    expect((await lastOf(failure, [events.s, other])).requestId).toBe('request-2');
  });

  it('is that of the last event that had one', async () => {
    const source = concat(of(events.s, { type: 'handoff' }), throwError(() => failure));

    expect((await valuesOf(source.pipe(errorAsEvent()))).at(-1)).toEqual(errorEvent());
  });

  it("is the error's own where no event came", async () => {
    expect((await lastOf(failure.with({ requestId: 'correlation-1' }), [])).requestId).toBe('correlation-1');
    expect((await lastOf(failure.with({ requestId: 'correlation-1' }), [events.s])).requestId).toBe(requestId);
  });

  it('is empty where none is known', async () => {
    expect((await lastOf(failure, [])).requestId).toBe('');
  });
});

describe('the error of an error event', () => {
  it('is the very error where it is of this family', async () => {
    const truncated = new TruncatedStreamError({ message: 'cut', partial: { role: 'assistant', content: 'Hel' } });

    expect((await lastOf(truncated)).error).toBe(truncated);
  });

  it('is told by its marker, so that an error of a second install is of this family too', async () => {
    const foreign = Object.assign(new Error('busy'), { kind: 'rate-limit', [Symbol.for('rxmistral.error')]: true });

    expect((await lastOf(foreign)).error).toBe(foreign);
  });

  it('wraps what is not, and keeps a sanitised copy of it', async () => {
    const thrown = Object.assign(new TypeError('x is undefined'), { request: { apiKey: 'secret-key' } });

    const { error } = await lastOf(thrown);

    expect(isRxMistralError(error)).toBe(true);
    expect(error).toMatchObject({
      kind: 'validation',
      retryable: false,
      message: 'The stream was ended by code outside of rxmistral (TypeError)',
      cause: { name: 'TypeError', message: 'x is undefined' },
    });
    expect(JSON.stringify(error)).not.toContain('secret-key');
  });

  it.each([
    ['a string', 'boom', { name: 'Error', message: 'boom' }],
    ['undefined', undefined, { name: 'Error', message: 'thrown: undefined' }],
    ['null', null, { name: 'Error', message: 'thrown: object' }],
    ['a number', 42, { name: 'Error', message: 'thrown: number' }],
    ['an object without a prototype', Object.create(null), { name: 'Error', message: '' }],
  ])('wraps %s that was thrown', async (_name, thrown: unknown, cause) => {
    const { error } = await lastOf(thrown);

    expect(error).toBeInstanceOf(RxMistralError);
    expect(error.kind).toBe('validation');
    expect(error.cause).toEqual(cause);
  });

  it('has the kind timeout, and is retryable, for the timeout of rxjs', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s------a-|', events);
      const subs = '       ^---!';
      const expected = '   -s--(e|)';
      const result = source.pipe(
        timeout({ each: 3 }),
        errorAsEvent(),
        tap((event) => {
          if (event.type !== 'error') return;
          expect(event.error).toMatchObject({ kind: 'timeout', retryable: true, cause: { name: 'TimeoutError' } });
        }),
        map(({ type }) => type),
      );

      expectObservable(result).toBe(expected, { s: 'start', e: 'error' });
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('comes back from JSON', async () => {
    const event = await lastOf(failure);
    const json = JSON.parse(JSON.stringify(event)) as ErrorEvent;

    expect(RxMistralError.fromJSON(json.error)).toEqual(failure);
    expect({ ...json, error: failure }).toEqual(event);
  });

  it('ends a synchronous source too', async () => {
    const source = concat(of(events.a), throwError(() => failure));

    expect(await valuesOf(source.pipe(errorAsEvent()))).toEqual([events.a, errorEvent()]);
  });
});
