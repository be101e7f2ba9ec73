import type { Attributes } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { concat, concatMap, defer, from, map, NEVER, Observable, of, take, throwError } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { currentStage } from '../../src/control/stage.js';
import type { TracedSpan } from '../../src/control/SpanRecorder.js';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import type { ChatEvent } from '../../src/events/ChatEvent.js';
import { errorAsEvent } from '../../src/operators/errorAsEvent.js';
import { type SpanTracer, traced } from '../../src/operators/traced.js';
import { answer as chunksOf, completion, usage } from '../../src/testing/index.js';
import { complete, failure, inVirtualTime, retry, start, textDelta, thinkingDelta, valuesOf } from './chatEvents.js';

const events = {
  s: start(),
  a: textDelta('Hel', 0),
  b: textDelta('lo', 1),
  r: retry('resume'),
  t: start(2),
  c: complete({ role: 'assistant', content: 'Hello' }),
};

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('test');

afterEach(() => {
  exporter.reset();
});

/** What has become of all spans so far. */
interface WrittenSpan {
  readonly name: string;
  readonly attributes: Attributes;
  readonly events: readonly (readonly [name: string, attributes?: Attributes])[];
  readonly status: ReadableSpan['status'];
}

function spans(): WrittenSpan[] {
  return exporter.getFinishedSpans().map(({ name, attributes, events: written, status }) => ({
    name,
    attributes,
    events: written.map((event) => [event.name, event.attributes ?? {}] as const),
    status,
  }));
}

const eventNames = (): string[][] => spans().map((span) => span.events.map(([name]) => name));
const unset = { code: 0 };
const answered = {
  'gen_ai.provider.name': 'mistral_ai',
  'gen_ai.response.id': 'completion-1',
  'gen_ai.response.model': 'model',
};
const finished = {
  ...answered,
  'gen_ai.response.finish_reasons': ['stop'],
  'gen_ai.usage.input_tokens': 3,
  'gen_ai.usage.output_tokens': 2,
  'gen_ai.usage.cache_read.input_tokens': 0,
};
const attempt = (number: number): [string, Attributes] => [
  'rxmistral.attempt',
  { 'rxmistral.attempt': number, 'gen_ai.response.id': 'completion-1', 'gen_ai.response.model': 'model' },
];

describe('traced', () => {
  it('makes a span of a subscription, and passes what the source emits', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^-------!';
      const expected = '   -s-a-b-c|';

      expectObservable(source.pipe(traced(tracer))).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(spans()).toEqual([
      { name: 'rxmistral', attributes: finished, events: [attempt(1), ['rxmistral.first_token', {}]], status: unset },
    ]);
  });

  it('passes the very values', async () => {
    const values = [events.s, events.c, 'text', 42, null, undefined, completion()];

    const received = await valuesOf(from(values).pipe(traced(tracer)));

    expect(received).toHaveLength(values.length);
    received.forEach((value, index) => {
      expect(value).toBe(values[index]);
    });
  });

  it('writes attempts, first tokens and retries', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-r---t-b-c|', events);
      const subs = '       ^-------------!';
      const expected = '   -s-a-r---t-b-c|';

      expectObservable(source.pipe(traced(tracer))).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(spans()[0]?.events).toEqual([
      attempt(1),
      ['rxmistral.first_token', {}],
      [
        'rxmistral.retry',
        { 'rxmistral.attempt': 1, 'rxmistral.delay_ms': 500, 'rxmistral.strategy': 'resume', 'error.type': 'connection' },
      ],
      attempt(2),
      ['rxmistral.first_token', {}],
    ]);
  });

  it('has the error of a source that fails, as its status too', () => {
    const error = new RxMistralError({ kind: 'http', message: 'Unauthorized', status: 401 });
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-#', events, error);
      const subs = '       ^----!';
      const expected = '   -s-a-#';

      expectObservable(source.pipe(traced(tracer))).toBe(expected, events, error);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(spans()).toMatchObject([
      {
        attributes: { ...answered, 'error.type': 'http', 'http.response.status_code': 401 },
        status: { code: 2, message: 'Unauthorized' },
      },
    ]);
    expect(spans()[0]?.events.at(-1)).toEqual([
      'exception',
      { 'exception.type': 'RxMistralError', 'exception.message': 'Unauthorized', 'exception.stacktrace': error.stack },
    ]);
  });

  it('ends as cancelled when it is unsubscribed from, which is no error', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^---!    ';
      const unsub = '      ----!    ';
      const expected = '   -s-a-    ';

      expectObservable(source.pipe(traced(tracer)), unsub).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(spans()).toMatchObject([{ attributes: { ...answered, 'rxmistral.cancelled': true }, status: unset }]);
    expect(eventNames()).toEqual([['rxmistral.attempt', 'rxmistral.first_token']]);
  });

  it('is ended when the end is received', () => {
    const heard: number[] = [];
    const note = (): void => void heard.push(exporter.getFinishedSpans().length);
    of(events.s).pipe(traced(tracer)).subscribe({ complete: note, error: expect.unreachable });
    throwError(() => failure).pipe(traced(tracer)).subscribe({ error: note });

    expect(heard).toEqual([1, 2]);
  });

  it('makes a span of an empty source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('|   ', events);
      const subs = '       (^!)';
      const expected = '   |   ';

      expectObservable(source.pipe(traced(tracer))).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(spans()).toEqual([
      { name: 'rxmistral', attributes: { 'gen_ai.provider.name': 'mistral_ai' }, events: [], status: unset },
    ]);
  });

  it('makes a span of a source that never emits, when it is unsubscribed from', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-   ', events);
      const subs = '       ^--!';
      const unsub = '      ---!';
      const expected = '   -   ';

      expectObservable(source.pipe(traced(tracer)), unsub).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(spans()).toMatchObject([{ attributes: { 'rxmistral.cancelled': true } }]);
  });

  it('passes an error that is thrown by a callback before it, and writes no more than its name', () => {
    const thrown = new TypeError('cannot read "the secret prompt"');
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-|', events);
      const subs = '       ^----!';
      const expected = '   -s-a-#';
      const result = source.pipe(
        map((event) => {
          if (event === events.b) throw thrown;
          return event;
        }),
        traced(tracer),
      );

      expectObservable(result).toBe(expected, events, thrown);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(spans()).toMatchObject([{ attributes: { 'error.type': 'validation' }, status: { code: 2 } }]);
    expect(JSON.stringify(spans())).toContain('TypeError');
    expect(JSON.stringify(spans())).not.toContain('secret prompt');
  });

  it('is cancelled by an error that is thrown behind it', () => {
    const thrown = new TypeError('thrown by a callback');
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-|', events);
      const subs = '       ^----!';
      const expected = '   -s-a-#';
      const result = source.pipe(
        traced(tracer),
        map((event) => {
          if (event === events.b) throw thrown;
          return event;
        }),
      );

      expectObservable(result).toBe(expected, events, thrown);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(spans()).toMatchObject([{ attributes: { 'rxmistral.cancelled': true }, status: unset }]);
  });

  it('passes an error that the tracer throws', () => {
    const thrown = new Error('thrown by a tracer');
    const failing: SpanTracer = {
      startActiveSpan: () => {
        throw thrown;
      },
    };
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-|', events);
      const expected = '   #     ';

      expectObservable(source.pipe(traced(failing))).toBe(expected, events, thrown);
      expectSubscriptions(source.subscriptions).toBe([]);
    });
  });

  it('does not break the chain when it is unsubscribed from behind', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c|', events);
      const subs = '       ^---!';
      const unsub = '      ----!';
      const expected = '   -s-a-';
      const result = source.pipe(
        concatMap((event) => of(event)),
        traced(tracer),
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

    const received = await valuesOf(firehose.pipe(traced(tracer), take(3)));

    expect(received).toEqual([events.a, events.a, events.a]);
    expect(produced).toBe(3);
    expect(spans()).toMatchObject([{ attributes: { 'rxmistral.cancelled': true } }]);
  });

  it('gives each of two subscribers a span', () => {
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
      const result = source.pipe(traced(tracer));

      expectObservable(result).toBe(expected[0], events);
      expectObservable(result, second).toBe(expected[1], events);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(spans().map(({ attributes }) => attributes)).toEqual([finished, finished]);
  });

  it('can be used twice as one value', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('-s-a-c|', events);
      const oneSubs = ' ^-----!';
      const two = cold('-s-#   ', events, failure);
      const twoSubs = ' ^--!   ';
      const operator = traced<ChatEvent>(tracer);

      expectObservable(one.pipe(operator)).toBe('-s-a-c|', events);
      expectObservable(two.pipe(operator)).toBe('-s-#', events, failure);
      expectSubscriptions(one.subscriptions).toBe(oneSubs);
      expectSubscriptions(two.subscriptions).toBe(twoSubs);
    });
    expect(spans().map(({ status }) => status.code)).toEqual([2, 0]);
  });

  it('refuses what is no tracer or no option, by name', () => {
    for (const bad of [undefined, null, {}, 'tracer']) {
      expect(() => traced(bad as SpanTracer)).toThrow('Expected `tracer` to be a Tracer');
    }
    expect(() => traced(tracer, null as never)).toThrow('Expected `options` to be an object, got null');
    expect(() => traced(tracer, { name: '' })).toThrow('Expected `name` to be a string that is not empty');
    expect(() => traced(tracer, { attributes: 3 as never })).toThrow('Expected `attributes` to be an object, got 3');
  });
});

describe('a span', () => {
  it('has the name and the attributes that are given, from its start on', async () => {
    const startActiveSpan = vi.fn((_name: string, _options: unknown, work: (span: TracedSpan) => unknown) =>
      tracer.startActiveSpan('inner', work),
    );
    const attributes = { 'gen_ai.request.model': 'mistral-small-latest', 'gen_ai.provider.name': 'azure' };

    await valuesOf(of(events.s).pipe(traced({ startActiveSpan } as SpanTracer, { name: 'chat', attributes })));

    expect(startActiveSpan).toHaveBeenCalledExactlyOnceWith('chat', { attributes }, expect.any(Function));
  });

  it('is active while the source is subscribed to', async () => {
    let active = false;
    const handMade: SpanTracer = {
      startActiveSpan: (_name, _options, work) => {
        active = true;
        try {
          return tracer.startActiveSpan('inner', work);
        } finally {
          active = false;
        }
      },
    };

    expect(await valuesOf(defer(() => of(active)).pipe(traced(handMade)))).toEqual([true]);
  });

  it('writes retries and waits that are no events', () => {
    const telling = defer(() => {
      currentStage()?.waited(7);
      currentStage()?.retried({ attempt: 1, delayMs: 5, error: failure });
      currentStage()?.retried({ attempt: 2, delayMs: 6, error: new TypeError('the secret prompt') });
      return of(completion({ usage: usage({ promptTokens: 4, completionTokens: 1 }) }));
    });

    telling.pipe(traced(tracer)).subscribe();

    expect(spans()[0]?.events).toEqual([
      ['rxmistral.wait', { 'rxmistral.wait_ms': 7 }],
      ['rxmistral.retry', { 'rxmistral.attempt': 1, 'rxmistral.delay_ms': 5, 'error.type': 'connection' }],
      ['rxmistral.retry', { 'rxmistral.attempt': 2, 'rxmistral.delay_ms': 6, 'error.type': 'validation' }],
    ]);
    expect(spans()[0]?.attributes).toMatchObject({ 'gen_ai.usage.input_tokens': 4, 'gen_ai.usage.output_tokens': 1 });
  });

  it('hears what is nearest to it', () => {
    const telling = defer(() => {
      currentStage()?.waited(7);
      return NEVER;
    });

    telling.pipe(traced(tracer, { name: 'inner' }), traced(tracer, { name: 'outer' })).subscribe().unsubscribe();

    expect(spans().map(({ name, events: written }) => [name, written.length])).toEqual([
      ['inner', 1],
      ['outer', 0],
    ]);
  });

  it('adds up the usage of several answers, and has all their finish reasons', async () => {
    const another = { ...events.c, id: 'completion-2', model: 'model-2', finishReason: 'length' };

    await valuesOf(of(events.s, events.c, { ...events.s, id: 'completion-2' }, another, { type: 'turn-complete', usage: usage() }).pipe(traced<unknown>(tracer)));

    expect(spans()[0]?.attributes).toEqual({
      'gen_ai.provider.name': 'mistral_ai',
      'gen_ai.response.id': 'completion-2',
      'gen_ai.response.model': 'model-2',
      'gen_ai.response.finish_reasons': ['stop', 'length'],
      'gen_ai.usage.input_tokens': 6,
      'gen_ai.usage.output_tokens': 4,
      'gen_ai.usage.cache_read.input_tokens': 0,
    });
  });

  it('has at most 100 finish reasons', async () => {
    await valuesOf(from(Array.from({ length: 150 }, () => events.c)).pipe(traced(tracer)));

    expect(spans()[0]?.attributes['gen_ai.response.finish_reasons']).toHaveLength(100);
    expect(spans()[0]?.attributes['gen_ai.usage.input_tokens']).toBe(450);
  });

  it('has no usage where the server reported none', async () => {
    await valuesOf(of({ ...events.c, usage: undefined }).pipe(traced(tracer)));

    expect(spans()[0]?.attributes).toEqual({ ...answered, 'gen_ai.response.finish_reasons': ['stop'] });
  });

  it('has the first token of chunks, and of thinking', async () => {
    await valuesOf(from(chunksOf('Hello')).pipe(traced(tracer)));
    await valuesOf(of(events.s, thinkingDelta('Hm'), events.a).pipe(traced(tracer)));

    expect(eventNames()).toEqual([['rxmistral.first_token'], ['rxmistral.attempt', 'rxmistral.first_token']]);
  });

  it('has the error of an error event, though the stream completes', async () => {
    await valuesOf(concat(of(events.s), throwError(() => failure)).pipe(errorAsEvent(), traced(tracer)));

    expect(spans()).toMatchObject([{ attributes: { 'error.type': 'connection' }, status: { code: 2, message: failure.message } }]);
    expect(eventNames()).toEqual([['rxmistral.attempt', 'exception']]);
  });

  it('survives events of other streams', async () => {
    const strange = [{ type: 'start' }, { type: 'error' }, { type: 'retry', requestId: 'a' }, { type: 'start', requestId: 'a' }, { type: 'error', requestId: 'a' }];

    await valuesOf(from(strange).pipe(traced<unknown>(tracer)));

    expect(eventNames()).toEqual([['rxmistral.retry', 'rxmistral.attempt', 'exception']]);
  });

  it('has nothing of what was said in it', async () => {
    const secret = 'the secret text';
    const thrown = failure.with({ partial: { role: 'assistant', content: secret }, cause: new Error(secret) });
    const said = [events.s, textDelta(secret), thinkingDelta(secret), { ...retry('resume'), error: thrown }, { ...events.c, message: { role: 'assistant', content: secret } }];

    await valuesOf(concat(from(said), throwError(() => thrown)).pipe(traced<unknown>(tracer), errorAsEvent() as never));

    expect(spans()).toHaveLength(1);
    expect(JSON.stringify(spans())).not.toContain(secret);
  });
});
