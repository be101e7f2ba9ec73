import { concatMap, map, Observable, of, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../src/events/ChatEvent.js';
import { toolCalls } from '../../src/operators/toolCalls.js';
import {
  complete,
  errorEvent,
  failure,
  inVirtualTime,
  retry,
  start,
  textDelta,
  thinkingDelta,
  toolCall,
  toolCallDelta,
  valuesOf,
} from './chatEvents.js';

// Every event that the operator may meet: what it takes, and what it leaves out.
const events = {
  s: start(),
  a: toolCall('1', 'weather', '{"city":"Paris"}'),
  b: toolCall('constructor', '__proto__', '{}'),
  x: textDelta('Hello'),
  h: thinkingDelta('Hm'),
  d: toolCallDelta('1', 'weather', '{'),
  r: retry('restart'),
  m: retry('resume'),
  c: complete({ role: 'assistant', content: 'Hello' }),
  e: errorEvent(),
  u: { type: 'handoff', text: 'of a type that is unknown here', toolCall: {} },
};
const values = {
  a: { id: '1', name: 'weather', arguments: '{"city":"Paris"}' },
  b: { id: 'constructor', name: '__proto__', arguments: '{}' },
};

describe('toolCalls', () => {
  it('emits the call of each tool-call, at once', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^-------!';
      const expected = '   ---a-b--|';

      expectObservable(source.pipe(toolCalls())).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('leaves out every other event, unknown types too', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-(sxhdrmceu)-a-|', events);
      const subs = '       ^--------------!';
      const expected = '   -------------a-|';

      expectObservable(source.pipe(toolCalls())).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('begins anew after a restart', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-r-s-a-b-|', events);
      const subs = '       ^------------!';
      const expected = '   ---a-----a-b-|';

      expectObservable(source.pipe(toolCalls())).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('completes with an empty source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('|', events);
      const subs = '       (^!)';
      const expected = '   |';

      expectObservable(source.pipe(toolCalls())).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits nothing of a source that never emits', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-', events);
      const subs = '       ^';
      const expected = '   -';

      expectObservable(source.pipe(toolCalls())).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes the error of the source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-#', events, failure);
      const subs = '       ^----!';
      const expected = '   ---a-#';

      expectObservable(source.pipe(toolCalls())).toBe(expected, values, failure);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes an error that is thrown before it, and unsubscribes from the source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const thrown = new TypeError('thrown by a callback');
      const source = cold('-a-b-|', events);
      const subs = '       ^--!';
      const expected = '   -a-#';
      const result = source.pipe(
        map((event) => {
          if (event === events.b) throw thrown;
          return event;
        }),
        toolCalls(),
      );

      expectObservable(result).toBe(expected, values, thrown);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('unsubscribes from the source when it is unsubscribed', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^---!';
      const expected = '   ---a-';
      const unsub = '      ----!';

      expectObservable(source.pipe(toolCalls()), unsub).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('does not break the chain when it is unsubscribed from behind', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^---!';
      const expected = '   ---a-';
      const unsub = '      ----!';
      const result = source.pipe(
        concatMap((event) => of(event)),
        toolCalls(),
        concatMap((value) => of(value)),
      );

      expectObservable(result, unsub).toBe(expected, values);
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

    const received = await valuesOf(firehose.pipe(toolCalls(), take(3)));

    expect(received).toEqual([values.a, values.a, values.a]);
    expect(produced).toBe(3);
  });

  it('gives two subscribers of one result the same', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = [
        '                  ^-------!',
        '                  -----^-------!',
      ];
      const expected = [
        '                  ---a-b--|',
        '                  --------a-b--|',
      ] as const;
      const second = '     -----^';
      const result = source.pipe(toolCalls());

      expectObservable(result).toBe(expected[0], values);
      expectObservable(result, second).toBe(expected[1], values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('can be used twice as one value', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('-s-a-c|', events);
      const two = cold('-s-b-c|', events);
      const subs = '    ^-----!';
      const operator = toolCalls();

      expectObservable(one.pipe(operator)).toBe('---a--|', values);
      expectObservable(two.pipe(operator)).toBe('---b--|', values);
      expectSubscriptions(one.subscriptions).toBe(subs);
      expectSubscriptions(two.subscriptions).toBe(subs);
    });
  });
});
