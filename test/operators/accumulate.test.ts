import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import * as fc from 'fast-check';
import { concatMap, from, map, Observable, of, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ChatAssembler } from '../../src/events/ChatAssembler.js';
import type { ChatEvent } from '../../src/events/ChatEvent.js';
import type { ChatSnapshot } from '../../src/events/ChatSnapshot.js';
import { accumulate } from '../../src/operators/accumulate.js';
import {
  anyEvent,
  complete,
  errorEvent,
  failure,
  inVirtualTime,
  oneAnswer,
  retry,
  snapshot,
  start,
  textDelta,
  thinkingDelta,
  throughJson,
  toolCall,
  toolCallDelta,
  usage,
  valuesOf,
} from './chatEvents.js';

const message = { role: 'assistant' as const, content: 'Hello' };

const events = {
  s: start(1),
  n: start(2), // the next attempt
  a: textDelta('Hel', 0),
  b: textDelta('lo', 1),
  R: retry('restart'),
  r: retry('resume'),
  c: complete(message),
  e: errorEvent(),
  u: { type: 'handoff', text: 'of a type that is unknown here' },
};
const snapshots = {
  0: snapshot(''),
  x: snapshot('Hel'),
  y: snapshot('Hello'),
  z: snapshot('Hello', { done: true, finishReason: 'stop', usage, message }),
  l: snapshot('lo'),
};

const accumulated = (source: readonly { readonly type: string }[]): Promise<ChatSnapshot[]> =>
  valuesOf(from(source).pipe(accumulate()));

describe('accumulate', () => {
  it('emits the answer so far at each piece, and the whole of it at the end', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^-------!';
      const expected = '   ---x-y-z|';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits the empty snapshot once when the answer is begun anew', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-R-n-a-b-c|', events);
      const subs = '       ^-------------!';
      const expected = '   ---x-0---x-y-z|';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('begins anew at a start that no resume announced', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-n-a-s-a-|', events);
      const subs = '       ^------------!';
      const expected = '   ---x-0-x-0-x-|';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits nothing for a restart before the first piece: there is nothing to clear', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-R-n-a-b-c|', events);
      const subs = '       ^-----------!';
      const expected = '   -------x-y-z|';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('keeps what is there when the answer is resumed', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-r-n-b-c|', events);
      const subs = '       ^-----------!';
      const expected = '   ---x-----y-z|';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('begins anew when a restart follows a resume that did not come about', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-r-R-n-b-|', events);
      const subs = '       ^------------!';
      const expected = '   ---x---0---l-|';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('takes one start for a resumed one, and begins anew at the next', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-r-n-b-n-b-|', events);
      const subs = '       ^--------------!';
      const expected = '   ---x-----y-0-l-|';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('begins anew when the whole call is made again after a resume that did not come about', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-r-s-b-|', events);
      const subs = '       ^----------!';
      const expected = '   ---x---0-l-|';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('begins another answer after the end of one, which stays the latest until a piece comes', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c-s-a-b-c|', events);
      const subs = '       ^---------------!';
      const expected = '   ---x-y-z---x-y-z|';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('ignores error events and unknown types', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-u-a-u-e-|', events);
      const subs = '       ^----------!';
      const expected = '   -----x-----|';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('completes with an empty source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('|', events);
      const subs = '       (^!)';
      const expected = '   |';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits nothing of a source that never emits', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-', events);
      const subs = '       ^';
      const expected = '   -';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes the error of the source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-#', events, failure);
      const subs = '       ^----!';
      const expected = '   ---x-#';

      expectObservable(source.pipe(accumulate())).toBe(expected, snapshots, failure);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes an error that is thrown before it, and unsubscribes from the source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const thrown = new TypeError('thrown by a callback');
      const source = cold('-s-a-b-|', events);
      const subs = '       ^----!';
      const expected = '   ---x-#';
      const result = source.pipe(
        map((event) => {
          if (event === events.b) throw thrown;
          return event;
        }),
        accumulate(),
      );

      expectObservable(result).toBe(expected, snapshots, thrown);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('unsubscribes from the source when it is unsubscribed', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^---!';
      const expected = '   ---x-';
      const unsub = '      ----!';

      expectObservable(source.pipe(accumulate()), unsub).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('does not break the chain when it is unsubscribed from behind', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^---!';
      const expected = '   ---x-';
      const unsub = '      ----!';
      const result = source.pipe(
        concatMap((event) => of(event)),
        accumulate(),
        concatMap((value) => of(value)),
      );

      expectObservable(result, unsub).toBe(expected, snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('stops a synchronous source when enough has been taken', async () => {
    let produced = 0;
    const firehose = new Observable<ChatEvent>((subscriber) => {
      while (!subscriber.closed && produced < 1_000) {
        produced += 1;
        subscriber.next(textDelta('a'));
      }
    });

    const received = await valuesOf(firehose.pipe(accumulate(), take(3)));

    expect(received.map(({ text }) => text)).toEqual(['a', 'aa', 'aaa']);
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
        '                  ---x-y-z|',
        '                  --------x-y-z|',
      ] as const;
      const second = '     -----^';
      const result = source.pipe(accumulate());

      expectObservable(result).toBe(expected[0], snapshots);
      expectObservable(result, second).toBe(expected[1], snapshots);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('can be used twice as one value', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('-s-a-b-c|', events);
      const two = cold('-s-b-|', events);
      const operator = accumulate();

      expectObservable(one.pipe(operator)).toBe('---x-y-z|', snapshots);
      expectObservable(two.pipe(operator)).toBe('---l-|', snapshots);
      expectSubscriptions(one.subscriptions).toBe('^-------!');
      expectSubscriptions(two.subscriptions).toBe('^----!');
    });
  });
});

describe('a snapshot', () => {
  it('has exactly seven properties of its own, in every state', async () => {
    const keys = ['text', 'thinking', 'toolCalls', 'finishReason', 'usage', 'message', 'done'];

    for (const each of await accumulated([events.a, thinkingDelta('Hm'), events.R, events.b, events.c])) {
      expect(Object.keys(each)).toEqual(keys);
      expect(Object.getPrototypeOf(each)).toBe(Object.prototype);
    }
  });

  it('has thinking and text in the message in their order of arrival', async () => {
    const all = await accumulated([
      thinkingDelta('Let me'),
      thinkingDelta(' see.'),
      textDelta('Well'),
      textDelta(', yes.'),
      thinkingDelta('Or?'),
    ]);

    expect(all.map(({ message: { content } }) => content)).toEqual([
      [{ type: 'thinking', thinking: [{ type: 'text', text: 'Let me' }] }],
      [{ type: 'thinking', thinking: [{ type: 'text', text: 'Let me see.' }] }],
      [
        { type: 'thinking', thinking: [{ type: 'text', text: 'Let me see.' }] },
        { type: 'text', text: 'Well' },
      ],
      [
        { type: 'thinking', thinking: [{ type: 'text', text: 'Let me see.' }] },
        { type: 'text', text: 'Well, yes.' },
      ],
      [
        { type: 'thinking', thinking: [{ type: 'text', text: 'Let me see.' }] },
        { type: 'text', text: 'Well, yes.' },
        { type: 'thinking', thinking: [{ type: 'text', text: 'Or?' }] },
      ],
    ]);
    expect(all.at(-1)).toMatchObject({ text: 'Well, yes.', thinking: 'Let me see.Or?' });
  });

  it('shows a tool call as it grows, and has it in the message when it is whole', async () => {
    const all = await accumulated([
      toolCallDelta('1', 'weather', ''),
      toolCallDelta('1', 'weather', '{"city":'),
      toolCallDelta('2', '', ''),
      toolCallDelta('1', '', '"Paris"}'),
      toolCallDelta('2', 'now', ''),
      toolCall('1', 'weather', '{"city":"Paris"}'),
      toolCall('2', 'now', '{}'),
    ]);

    const open = { id: '1', name: 'weather', complete: false };
    const whole = { ...open, arguments: '{"city":"Paris"}', complete: true };
    expect(all.map(({ toolCalls }) => toolCalls)).toEqual([
      [{ ...open, arguments: '' }],
      [{ ...open, arguments: '{"city":' }],
      [{ ...open, arguments: '{"city":' }, { id: '2', name: '', arguments: '', complete: false }],
      [{ ...open, arguments: '{"city":"Paris"}' }, { id: '2', name: '', arguments: '', complete: false }],
      [{ ...open, arguments: '{"city":"Paris"}' }, { id: '2', name: 'now', arguments: '', complete: false }],
      [whole, { id: '2', name: 'now', arguments: '', complete: false }],
      [whole, { id: '2', name: 'now', arguments: '{}', complete: true }],
    ]);
    const first = { id: '1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' }, index: 0 };
    const second = { id: '2', type: 'function', function: { name: 'now', arguments: '{}' }, index: 1 };
    expect(all[4]?.message).toEqual({ role: 'assistant', content: '' });
    expect(all[5]?.message).toEqual({ role: 'assistant', content: '', toolCalls: [first] });
    expect(all[6]?.message).toEqual({ role: 'assistant', content: '', toolCalls: [first, second] });
  });

  it('has a tool call once that is told twice', async () => {
    const last = (await accumulated([toolCall('1', 'now', '{}'), toolCall('1', 'now', '{}')])).at(-1);

    expect(last?.toolCalls).toHaveLength(1);
    expect(last?.message.toolCalls).toHaveLength(1);
  });

  it.each(['__proto__', 'constructor', 'toString'])('has a tool and an id named %s like any other', async (name) => {
    const last = (await accumulated([toolCallDelta(name, name, '{'), toolCallDelta(name, name, '}')])).at(-1);

    expect(last?.toolCalls).toEqual([{ id: name, name, arguments: '{}', complete: false }]);
  });

  it('takes message, finish reason and usage from the end of the answer', async () => {
    const end = complete({ role: 'assistant', content: [{ type: 'reference', referenceIds: [1] }] }, 'length');

    const last = (await accumulated([events.a, end])).at(-1);

    expect(last).toStrictEqual(snapshot('Hel', { done: true, finishReason: 'length', usage, message: end.message }));
  });

  it('shares what did not change with the one before', async () => {
    const [call, first, second] = await accumulated([toolCallDelta('1', 'now', '{}'), events.a, events.b]);
    const [before, after] = await accumulated([events.a, toolCallDelta('1', 'now', '{}')]);

    expect(second?.toolCalls).toBe(first?.toolCalls);
    expect(first?.toolCalls).toBe(call?.toolCalls);
    expect(after?.message).toBe(before?.message);
  });

  it('shares nothing that can change with another subscription', async () => {
    const source = [events.a, events.R];
    const [one, other] = await Promise.all([accumulated(source), accumulated(source)]);

    expect(one.at(-1)).toEqual(other.at(-1));
    expect(one.at(-1)?.toolCalls).not.toBe(other.at(-1)?.toolCalls);
    expect(one.at(-1)?.message).not.toBe(other.at(-1)?.message);
  });

  it('never changes after it was emitted, whatever follows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent), async (source) => {
        // Frozen when it is emitted: a change of it throws, here or in the operator.
        const kept = await valuesOf(
          from(source).pipe(
            accumulate(),
            map((each) => ({ each: deepFreeze(each), copy: JSON.stringify(each) })),
          ),
        );

        for (const { each, copy } of kept) expect(JSON.stringify(each)).toBe(copy);
      }),
    );
  });

  it('is empty after a restart, whatever came before', async () => {
    await fc.assert(
      fc.asyncProperty(oneAnswer, oneAnswer, async (before, after) => {
        const cut = before.filter(({ type }) => type !== 'complete');

        const all = await accumulated([...cut, retry('restart'), ...after]);

        const anew = await accumulated(after);
        const hadTokens = (await accumulated(cut)).length > 0;
        expect(all.slice(all.length - anew.length)).toStrictEqual(anew);
        if (hadTokens) expect(all.at(all.length - anew.length - 1)).toStrictEqual(snapshot(''));
        else expect(all).toHaveLength(anew.length);
      }),
    );
  });

  it('has no thinking and no tool call after a restart', async () => {
    const before = [thinkingDelta('Hm'), toolCallDelta('1', 'now', '{}'), toolCall('1', 'now', '{}')];

    expect((await accumulated([...before, retry('restart')])).at(-1)).toStrictEqual(snapshot(''));
    expect((await accumulated([...before, retry('restart'), events.b])).at(-1)).toStrictEqual(snapshot('lo'));
  });

  it('is the same when the events have been through JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent), async (source) => {
        expect(await accumulated(source.map(throughJson))).toStrictEqual(await accumulated(source));
      }),
    );
  });

  it('has before the end the message that the assembler makes of the same chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(delta, { maxLength: 30 }), async (deltas) => {
        const source: ChatEvent[] = [];
        const assembler = new ChatAssembler('request-1', 1, (event) => source.push(event));
        for (const each of deltas) assembler.push(chunk(each, null));
        assembler.push(chunk({}, 'stop'));
        assembler.end();

        const all = await accumulated(source);

        const end = all.at(-1);
        const [before = snapshot('')] = all.slice(-2, -1);
        expect(before.message).toEqual(end?.message);
        expect(before.toolCalls.every((call) => call.complete)).toBe(true);
      }),
    );
  });
});

describe('an event', () => {
  it('survives JSON', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(throughJson(event)).toEqual(event);
      }),
    );
  });
});

type Delta = CompletionChunk['choices'][number]['delta'];

const words = fc.string({ maxLength: 8 });
const delta: fc.Arbitrary<Delta> = fc.oneof(
  words.map((content) => ({ content })),
  words.map((text) => ({ content: [{ type: 'text' as const, text }] })),
  words.map((text) => ({ content: [{ type: 'thinking' as const, thinking: [{ type: 'text' as const, text }] }] })),
  fc.tuple(fc.nat(3), words).map(([index, json]) => ({
    toolCalls: [{ id: `call-${index}`, index, type: 'function' as const, function: { name: 'now', arguments: json } }],
  })),
);

function chunk(of: Delta, finishReason: 'stop' | null): CompletionChunk {
  return { id: 'completion-1', model: 'model', choices: [{ index: 0, delta: of, finishReason }] };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}
