import fc from 'fast-check';
import { concat, concatMap, defer, from, map, merge, NEVER, Observable, of, retry as rxjsRetry, Subject, take, tap, throwError } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { currentStage, type StageListener, withinStage } from '../../src/control/stage.js';
import { createUsageMeter, type UsageMeter } from '../../src/control/usageMeter.js';
import type { UsageState } from '../../src/control/UsageState.js';
import type { ChatEvent, ErrorEvent } from '../../src/events/ChatEvent.js';
import type { UsageRecord } from '../../src/events/UsageRecord.js';
import { accumulate } from '../../src/operators/accumulate.js';
import { errorAsEvent } from '../../src/operators/errorAsEvent.js';
import { text } from '../../src/operators/text.js';
import { trackUsage } from '../../src/operators/trackUsage.js';
import { completion, usage } from '../../src/testing/index.js';
import {
  complete,
  errorEvent,
  failure,
  inVirtualTime,
  retry,
  snapshot,
  start,
  textDelta,
  usage as reported,
  valuesOf,
} from './chatEvents.js';

// Of 8 characters each, about 2 tokens.
const events = {
  s: start(),
  a: textDelta('12345678', 0),
  b: textDelta('90123456', 1),
  r: retry('restart'),
  m: retry('resume'),
  t: start(2),
  c: complete({ role: 'assistant', content: '1234567890123456' }),
  e: errorEvent(),
};
const whole = { model: 'model', calls: 1, retries: 0, inputTokens: 3, cachedTokens: 0, outputTokens: 2 };
const unanswered = { model: undefined, calls: 1, retries: 0 };
const cut = (outputTokens: number): UsageRecord => ({
  model: 'model',
  calls: 1,
  retries: 0,
  estimated: { attempts: 1, inputTokens: 0, outputTokens, unknownInputs: 1 },
});

/** A meter that notes what it is told. */
interface NotingMeter extends UsageMeter {
  readonly records: UsageRecord[];
}

function notingMeter(): NotingMeter {
  const records: UsageRecord[] = [];
  return { ...createUsageMeter(), records, record: (record) => records.push(record) };
}

/** The state of a meter as it is now. */
function stateOf(meter: UsageMeter): UsageState {
  let now: UsageState | undefined;
  meter.state$.pipe(take(1)).subscribe({ next: (state) => (now = state), error: (error: unknown) => expect.unreachable(String(error)) });
  return now!;
}

describe('trackUsage', () => {
  it('counts an answer when it is complete, and passes what the source emits', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^-------!';
      const expected = '   -s-a-b-c|';
      const result = source.pipe(
        trackUsage(meter),
        // When the answer is received, it has been counted.
        tap(({ type }) => { expect(meter.records).toEqual(type === 'complete' ? [whole] : []); }),
      );

      expectObservable(result).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(meter.records).toEqual([whole]);
  });

  it('passes the very values', async () => {
    const values = [events.s, events.c, 'text', 42, null, undefined, completion()];

    const received = await valuesOf(from(values).pipe(trackUsage(createUsageMeter())));

    expect(received).toHaveLength(values.length);
    received.forEach((value, index) => { expect(value).toBe(values[index]); });
  });

  it('counts an attempt that was restarted, in an estimate', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-r---t-a-b-c|', events);
      const subs = '       ^---------------!';
      const expected = '   -s-a-r---t-a-b-c|';

      expectObservable(source.pipe(trackUsage(meter))).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(meter.records).toEqual([
      { ...whole, retries: 1, estimated: { attempts: 1, inputTokens: 3, outputTokens: 2, unknownInputs: 0 } },
    ]);
  });

  it('counts an attempt that was resumed, in an estimate', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-m---t-b-c|', events);
      const subs = '       ^-------------!';
      const expected = '   -s-a-m---t-b-c|';

      expectObservable(source.pipe(trackUsage(meter))).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(meter.records).toEqual([
      { ...whole, retries: 1, estimated: { attempts: 1, inputTokens: 1, outputTokens: 2, unknownInputs: 0 } },
    ]);
  });

  it('counts what had come of a call that fails', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-#', events, failure);
      const subs = '       ^----!';
      const expected = '   -s-a-#';

      expectObservable(source.pipe(trackUsage(meter))).toBe(expected, events, failure);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(meter.records).toEqual([cut(2)]);
  });

  it('counts what had come of a call that is unsubscribed from', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^-----!  ';
      const unsub = '      ------!  ';
      const expected = '   -s-a-b   ';

      expectObservable(source.pipe(trackUsage(meter)), unsub).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(meter.records).toEqual([cut(4)]);
  });

  it('counts a call of which nothing came: of a source that is empty', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('|   ', events);
      const subs = '       (^!)';
      const expected = '   |   ';

      expectObservable(source.pipe(trackUsage(meter))).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(meter.records).toEqual([unanswered]);
  });

  it('counts nothing yet of a source that never emits', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-', events);
      const subs = '       ^';
      const expected = '   -';

      expectObservable(source.pipe(trackUsage(meter))).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    // The test is over, and with it the subscription.
    expect(meter.records).toEqual([]);
    NEVER.pipe(trackUsage(meter)).subscribe().unsubscribe();
    expect(meter.records).toEqual([unanswered]);
  });

  it('counts a call that fails at once', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold<ChatEvent>('#   ', undefined, failure);
      const subs = '                  (^!)';
      const expected = '              #   ';

      expectObservable(source.pipe(trackUsage(meter))).toBe(expected, events, failure);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(meter.records).toEqual([unanswered]);
  });

  it('passes an error that is thrown by a callback before it', () => {
    const thrown = new TypeError('thrown by a callback');
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-|', events);
      const subs = '       ^----!';
      const expected = '   -s-a-#';
      const result = source.pipe(
        map((event) => {
          if (event === events.b) throw thrown;
          return event;
        }),
        trackUsage(meter),
      );

      expectObservable(result).toBe(expected, events, thrown);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(meter.records).toEqual([cut(2)]);
  });

  it('passes an error that the meter throws', () => {
    const thrown = new TypeError('thrown by a meter');
    const meter: UsageMeter = {
      ...createUsageMeter(),
      record: ({ inputTokens }) => {
        if (inputTokens !== undefined) throw thrown;
      },
    };
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-c-|', events);
      const subs = '       ^----!';
      const expected = '   -s-a-#';

      expectObservable(source.pipe(trackUsage(meter))).toBe(expected, events, thrown);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('does not break the chain when it is unsubscribed from behind', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^---!';
      const unsub = '      ----!';
      const expected = '   -s-a-';
      const result = source.pipe(
        concatMap((event) => of(event)),
        trackUsage(meter),
        concatMap((event) => of(event)),
      );

      expectObservable(result, unsub).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(meter.records).toEqual([cut(2)]);
  });

  it('stops a synchronous source when enough has been taken, and counts what came', async () => {
    let produced = 0;
    const firehose = new Observable<ChatEvent>((subscriber) => {
      while (!subscriber.closed && produced < 1_000) {
        produced += 1;
        subscriber.next(events.a);
      }
    });
    const meter = notingMeter();

    const received = await valuesOf(firehose.pipe(trackUsage(meter), take(3)));

    expect(received).toEqual([events.a, events.a, events.a]);
    expect(produced).toBe(3);
    expect(meter.records).toEqual([{ ...cut(6), model: undefined }]);
  });

  it('is not told twice of an answer at whose end it is unsubscribed from', async () => {
    const meter = notingMeter();

    await valuesOf(concat(of(events.s, events.a, events.c), NEVER).pipe(trackUsage(meter), take(3)));

    expect(meter.records).toEqual([whole]);
  });

  it('counts each of two subscribers', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-c|', events);
      const subs = [
        '                  ^-----!',
        '                  --^-----!',
      ];
      const expected = [
        '                  -s-a-c|',
        '                  ---s-a-c|',
      ] as const;
      const second = '     --^';
      const result = source.pipe(trackUsage(meter));

      expectObservable(result).toBe(expected[0], events);
      expectObservable(result, second).toBe(expected[1], events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(meter.records).toEqual([whole, whole]);
  });

  it('can be used twice as one value', () => {
    const meter = notingMeter();
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('-s-a-c|', events);
      const oneSubs = ' ^-----!';
      const two = cold('-s-#   ', events, failure);
      const twoSubs = ' ^--!   ';
      const operator = trackUsage<ChatEvent | ErrorEvent>(meter);

      expectObservable(one.pipe(operator)).toBe('-s-a-c|', events);
      expectObservable(two.pipe(operator)).toBe('-s-#', events, failure);
      expectSubscriptions(one.subscriptions).toBe(oneSubs);
      expectSubscriptions(two.subscriptions).toBe(twoSubs);
    });
    expect(meter.records).toEqual([cut(0), whole]);
  });

  it('refuses what is no meter or no option, by name', () => {
    for (const meter of [undefined, null, {}, 'meter']) {
      expect(() => trackUsage(meter as UsageMeter)).toThrow('Expected `meter` to be a UsageMeter');
    }
    expect(() => trackUsage(createUsageMeter(), null as never)).toThrow('Expected `options` to be an object, got null');
    expect(() => trackUsage(createUsageMeter(), { model: '' })).toThrow('Expected `model` to be a string that is not empty');
  });
});

describe('a meter', () => {
  it('is shared by pipelines', async () => {
    const meter = createUsageMeter({ prices: { model: { input: 1_000_000, output: 2_000_000 } } });
    const answer = of(events.s, events.a, events.c).pipe(trackUsage(meter));
    const failing = concat(of(events.s, events.a), throwError(() => failure)).pipe(trackUsage(meter), errorAsEvent());

    await valuesOf(merge(answer, answer, failing));

    expect(stateOf(meter)).toMatchObject({
      calls: 3,
      inputTokens: 6,
      outputTokens: 4,
      cost: 14,
      estimated: { attempts: 1, outputTokens: 2, unknownInputs: 1, cost: 4 },
    });
  });
});

describe('the values', () => {
  it('may be whole responses', async () => {
    const meter = notingMeter();
    const response = completion({ model: 'model', usage: reported });

    await valuesOf(of(response).pipe(trackUsage(meter)));

    expect(meter.records).toEqual([whole]);
  });

  it('may be error events', async () => {
    const meter = notingMeter();
    const failing = concat(of(events.s, events.a), throwError(() => failure));

    await valuesOf(failing.pipe(errorAsEvent(), trackUsage(meter)));

    expect(meter.records).toEqual([cut(2)]);
  });

  it('may be snapshots, whose answers have no model', async () => {
    const meter = notingMeter();

    await valuesOf(of(events.s, events.a, events.c).pipe(accumulate(), trackUsage(meter)));
    await valuesOf(of(snapshot('Hel')).pipe(trackUsage(meter)));

    expect(meter.records).toEqual([{ ...whole, model: undefined }, unanswered]);
  });

  it('may be pieces of text: then an error tells what had come', async () => {
    const meter = notingMeter();
    const failing = throwError(() => failure.with({ partial: { role: 'assistant', content: '12345678' } }));

    await valuesOf(concat(of(events.s, events.a), failing).pipe(text(), trackUsage(meter), errorAsEvent() as never));

    expect(meter.records).toEqual([{ ...cut(2), model: undefined }]);
  });

  it('have the model of the options where they name none, and only there', async () => {
    const meter = notingMeter();
    const track = trackUsage<unknown>(meter, { model: 'voxtral' });

    await valuesOf(of({ event: 'speech.audio.done', data: { type: 'speech.audio.done', usage: reported } }).pipe(track));
    await valuesOf(of(events.s, events.c).pipe(track));
    NEVER.pipe(track).subscribe().unsubscribe();

    expect(meter.records.map(({ model }) => model)).toEqual(['voxtral', 'model', 'voxtral']);
  });

  it('are counted once where sums over several answers follow', async () => {
    const meter = notingMeter();
    const turn = [events.s, events.c, { type: 'step-complete', usage: reported }, events.s, events.c, { type: 'turn-complete', requestId: 'request-1', usage: usage({ promptTokens: 6 }) }];

    await valuesOf(from(turn).pipe(trackUsage<unknown>(meter)));

    expect(meter.records).toEqual([whole, whole]);
  });
});

describe('retries that are no events', () => {
  // What retryWithBackoff does: it tells the stage, and subscribes again.
  const retriesTwice = <T>(source: Observable<T>): Observable<T> =>
    defer(() => {
      const stage = currentStage();
      return source.pipe(
        rxjsRetry({
          count: 2,
          delay: (error: unknown, attempt) => {
            stage?.retried({ attempt, delayMs: 0, error });
            return of(0);
          },
        }),
      );
    });

  it('are counted, those above only', async () => {
    const meter = notingMeter();
    let attempts = 0;
    const flaky = defer(() => (attempts++ % 3 < 2 ? throwError(() => failure) : of(completion({ model: 'model', usage: reported }))));

    await valuesOf(flaky.pipe(retriesTwice, trackUsage(meter)));
    expect(meter.records).toEqual([{ ...whole, retries: 2 }]);

    await valuesOf(flaky.pipe(trackUsage(meter), retriesTwice));
    expect(meter.records.slice(1)).toEqual([unanswered, unanswered, whole]);
  });

  it('and waits are heard by the stage around it, too', () => {
    const outer: StageListener = { waited: vi.fn(), retried: vi.fn() };
    const telling = defer(() => {
      currentStage()?.waited(7);
      currentStage()?.retried({ attempt: 1, delayMs: 5, error: failure });
      return NEVER;
    });
    const meter = notingMeter();

    withinStage(outer, telling.pipe(trackUsage(meter))).subscribe().unsubscribe();

    expect(outer.waited).toHaveBeenCalledExactlyOnceWith(7);
    expect(outer.retried).toHaveBeenCalledExactlyOnceWith({ attempt: 1, delayMs: 5, error: failure });
    expect(meter.records).toEqual([{ ...unanswered, retries: 1 }]);
  });
});

// The sums over random streams, against an independent count from the description that the streams were made of.
describe('the sums over random streams', () => {
  interface Attempt {
    readonly began: boolean;
    readonly pieces: readonly string[];
    /** How the next one goes on, where there is one. */
    readonly strategy: 'restart' | 'resume';
  }
  interface Call {
    readonly model: string;
    readonly attempts: readonly Attempt[];
    readonly end: 'complete' | 'complete without usage' | 'error event' | 'cut';
    readonly promptTokens: number;
    readonly cachedTokens: number;
    readonly completionTokens: number;
  }

  const attempt: fc.Arbitrary<Attempt> = fc.record({
    began: fc.boolean(),
    pieces: fc.array(fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }), { maxLength: 8 }),
    strategy: fc.constantFrom('restart', 'resume'),
  });
  const call: fc.Arbitrary<Call> = fc.record({
    model: fc.constantFrom('small', 'large', 'new'),
    attempts: fc.array(attempt, { minLength: 1, maxLength: 4 }),
    end: fc.constantFrom('complete', 'complete', 'complete without usage', 'error event', 'cut'),
    promptTokens: fc.integer({ min: 1, max: 500 }),
    cachedTokens: fc.integer({ min: 0, max: 500 }),
    completionTokens: fc.integer({ min: 0, max: 500 }),
  });

  const hasBegun = ({ began, pieces }: Attempt): boolean => began || pieces.length > 0;

  function eventsOf(described: Call, number: number): (ChatEvent | ErrorEvent)[] {
    const { model, attempts, end } = described;
    const list: (ChatEvent | ErrorEvent)[] = [];
    attempts.forEach((current, index) => {
      if (hasBegun(current)) list.push({ ...start(index + 1), model });
      current.pieces.forEach((piece, place) => list.push(textDelta(piece, place)));
      if (index < attempts.length - 1) list.push(retry(current.strategy, index + 1));
    });
    const { promptTokens, cachedTokens, completionTokens } = described;
    const used = usage({ promptTokens, completionTokens, num_cached_tokens: cachedTokens });
    const whole = { ...complete({ role: 'assistant', content: '' }), model };
    if (end === 'complete') list.push({ ...whole, usage: used });
    if (end === 'complete without usage') list.push({ ...whole, usage: undefined });
    if (end === 'error event') list.push(errorEvent());
    return list.map((event) => ({ ...event, requestId: `request-${number}` }));
  }

  /** The independent count: attempt by attempt, no state. */
  function countOf(calls: readonly Call[]): Record<string, number> {
    const sums = { calls: 0, retries: 0, input: 0, cached: 0, output: 0, attempts: 0, estimatedInput: 0, estimatedOutput: 0, unknown: 0 };
    for (const { attempts, end, promptTokens, cachedTokens, completionTokens } of calls) {
      sums.calls += 1;
      sums.retries += attempts.length - 1;
      const outputs = attempts.map(({ pieces }) => Math.max(pieces.length, Math.ceil(pieces.join('').length / 4)));
      const given = attempts.map((_, index) => {
        const restarted = attempts.slice(0, index).findLastIndex(({ strategy }) => strategy === 'restart');
        return outputs.slice(restarted + 1, index).reduce((sum, output) => sum + output, 0);
      });
      const isReported = end === 'complete';
      if (isReported) {
        sums.input += promptTokens;
        sums.cached += Math.min(cachedTokens, promptTokens);
        sums.output += completionTokens;
      }
      const prompt = Math.max(0, promptTokens - given.at(-1)!);
      attempts.forEach((current, index) => {
        const isLast = index === attempts.length - 1;
        const isPaid = hasBegun(current) || (isLast && end === 'complete without usage');
        if (!isPaid || (isLast && isReported)) return;
        sums.attempts += 1;
        sums.estimatedOutput += outputs[index]!;
        if (isReported) sums.estimatedInput += prompt + given[index]!;
        else sums.unknown += 1;
      });
    }
    return sums;
  }

  function sumsOf({ calls, retries, inputTokens, cachedTokens, outputTokens, estimated }: UsageState): Record<string, number> {
    return {
      calls,
      retries,
      input: inputTokens,
      cached: cachedTokens,
      output: outputTokens,
      attempts: estimated.attempts,
      estimatedInput: estimated.inputTokens,
      estimatedOutput: estimated.outputTokens,
      unknown: estimated.unknownInputs,
    };
  }

  /** The events of all calls in an order that keeps that of each: `order` says whose is next. */
  function mergeEvents(calls: readonly Call[], order: readonly number[]): (ChatEvent | ErrorEvent)[] {
    const lists = calls.map(eventsOf);
    const merged: (ChatEvent | ErrorEvent)[] = [];
    for (const turn of order) merged.push(...lists[turn % lists.length]!.splice(0, 1));
    return [...merged, ...lists.flat()];
  }

  const ends: Record<string, (source: Subject<unknown>, unsubscribe: () => void) => void> = {
    completes: (source) => { source.complete(); },
    fails: (source) => { source.error(failure); },
    'is unsubscribed from': (_source, unsubscribe) => { unsubscribe(); },
  };

  it.each(Object.keys(ends))('are those of an independent count, where the stream %s', (ending) => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(5), { maxLength: 60 }), (calls, order) => {
        // A call of which no event comes is not seen among others.
        const seen = calls.filter((described, index) => eventsOf(described, index).length > 0);
        fc.pre(seen.length > 0);
        const meter = createUsageMeter();
        const source = new Subject<unknown>();
        const subscription = source.pipe(trackUsage(meter)).subscribe({ error: () => undefined });
        for (const event of mergeEvents(seen, order)) source.next(event);
        ends[ending]!(source, () => { subscription.unsubscribe(); });

        expect(sumsOf(stateOf(meter))).toEqual(countOf(seen));
      }),
      { numRuns: 200 },
    );
  });

  it('are the same whether each call is a stream of its own or they are merged', () => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(5), { maxLength: 60 }), (calls, order) => {
        const seen = calls.filter((described, index) => eventsOf(described, index).length > 0);
        fc.pre(seen.length > 0);
        const alone = createUsageMeter();
        const together = createUsageMeter();
        seen.forEach((described, index) => from(eventsOf(described, index)).pipe(trackUsage(alone)).subscribe());
        from(mergeEvents(seen, order)).pipe(trackUsage(together)).subscribe();

        const byModel = ({ models }: UsageState): unknown => models.map((used) => JSON.stringify(used)).sort();
        expect(byModel(stateOf(together))).toEqual(byModel(stateOf(alone)));
      }),
    );
  });
});
