import { describe, expect, it } from 'vitest';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import type { UsageRecord } from '../../src/events/UsageRecord.js';
import { UsageWatch } from '../../src/events/UsageWatch.js';
import { answer as chunksOf, chunk, completion, usage } from '../../src/testing/index.js';
import { complete, errorEvent, failure, retry, start, textDelta, thinkingDelta, toolCallDelta } from '../operators/chatEvents.js';

const reported = usage({ promptTokens: 100, completionTokens: 20 });
const counts = { inputTokens: 100, cachedTokens: 0, outputTokens: 20 };
const end = { ...complete({ role: 'assistant', content: 'Hello' }), usage: reported };
const text = textDelta('12345678');

/** The event of another call. */
const of2 = <E extends { readonly requestId: string }>(event: E): E => ({ ...event, requestId: 'request-2' });

/** What is recorded of these values; `watch` is told of retries in between. */
function recordsOf(values: readonly unknown[], finish: (watch: UsageWatch) => void = (watch) => { watch.end(); }): UsageRecord[] {
  const records: UsageRecord[] = [];
  const watch = new UsageWatch((record) => records.push(record));
  for (const value of values) {
    if (value === 'retried') watch.retried();
    else watch.take(value);
  }
  finish(watch);
  return records;
}

const whole = { model: 'model', calls: 1, retries: 0, ...counts };
const cut = (outputTokens: number, attempts = 1): UsageRecord['estimated'] => ({
  attempts,
  inputTokens: 0,
  outputTokens,
  unknownInputs: attempts,
});

describe('the events of one call', () => {
  it('are one record, when the answer is complete', () => {
    const records: UsageRecord[] = [];
    const watch = new UsageWatch((record) => records.push(record));
    for (const event of [start(), text]) watch.take(event);
    expect(records).toEqual([]);
    watch.take(end);
    expect(records).toEqual([whole]);
    watch.end();
    watch.end();
    expect(records).toEqual([whole]);
  });

  it('are one record with an estimate, when it was restarted', () => {
    expect(recordsOf([start(), text, retry('restart'), start(2), text, end])).toEqual([
      { ...whole, retries: 1, estimated: { attempts: 1, inputTokens: 100, outputTokens: 2, unknownInputs: 0 } },
    ]);
  });

  it('are one record with an estimate, when it was resumed', () => {
    expect(recordsOf([start(), text, retry('resume'), start(2), text, end])).toEqual([
      { ...whole, retries: 1, estimated: { attempts: 1, inputTokens: 98, outputTokens: 2, unknownInputs: 0 } },
    ]);
  });

  it('are one record of retries, when the first attempts were refused', () => {
    expect(recordsOf([retry('restart', 1), retry('restart', 2), start(3), text, end])).toEqual([{ ...whole, retries: 2 }]);
  });

  it('count text, thinking and the arguments of tool calls', () => {
    expect(recordsOf([start(), text, thinkingDelta('1234'), toolCallDelta('a', 'f', '123456789'), toolCallDelta('a', 'f', '')])).toEqual([
      { model: 'model', calls: 1, retries: 0, estimated: cut(Math.ceil((8 + 4 + 9) / 4)) },
    ]);
  });

  it('end with an error event', () => {
    expect(recordsOf([start(), text, errorEvent()])).toEqual([{ model: 'model', calls: 1, retries: 0, estimated: cut(2) }]);
  });
});

describe('an error behind an answer that came to its end', () => {
  it('is no call: a tool of an agent may have failed', () => {
    expect(recordsOf([start(), text, end, errorEvent()])).toEqual([whole]);
    expect(recordsOf([start(), text, end], (watch) => { watch.end(failure); })).toEqual([whole]);
  });

  it('is one where the next call has begun, or has been told of', () => {
    expect(recordsOf([start(), text, end, start(), text, errorEvent()])).toMatchObject([whole, { calls: 1, estimated: cut(2) }]);
    expect(recordsOf([start(), text, end, 'retried', errorEvent()])).toMatchObject([whole, { calls: 1, retries: 1 }]);
    expect(recordsOf([start(), text, end, errorEvent(failure, 'correlation-1')])).toMatchObject([whole, { calls: 1 }]);
  });
});

describe('several calls', () => {
  it('are a record each, one behind the other', () => {
    expect(recordsOf([start(), text, end, start(), text, end])).toEqual([whole, whole]);
  });

  it('are told apart where they are merged', () => {
    const values = [start(), of2(start()), text, of2(text), of2(text), retry('restart'), of2(end), start(2), text, end];
    expect(recordsOf(values)).toEqual([
      whole,
      { ...whole, retries: 1, estimated: { attempts: 1, inputTokens: 100, outputTokens: 2, unknownInputs: 0 } },
    ]);
  });

  it('are all cut when the stream is', () => {
    const records = recordsOf([start(), of2(start()), text, of2(text)]);
    expect(records).toEqual([1, 2].map(() => ({ model: 'model', calls: 1, retries: 0, estimated: cut(2) })));
  });

  it('are counted where each fails before it is answered', () => {
    expect(recordsOf([errorEvent(failure, ''), errorEvent(failure, '')])).toEqual([
      { model: undefined, calls: 1, retries: 0 },
      { model: undefined, calls: 1, retries: 0 },
    ]);
  });

  it('are at most 10,000 at a time: the oldest is then counted as cut', () => {
    const starts = Array.from({ length: 10_001 }, (_, index) => ({ ...start(), requestId: `request-${index}` }));
    const records: UsageRecord[] = [];
    const watch = new UsageWatch((record) => records.push(record));
    watch.take({ ...text, requestId: 'request-0' });
    for (const event of starts.slice(1, -1)) watch.take(event);
    expect(records).toEqual([]);
    watch.take(starts.at(-1));
    expect(records).toMatchObject([{ calls: 1, estimated: { outputTokens: 2 } }]);
    watch.end();
    expect(records).toHaveLength(10_001);
  });
});

describe('a call of which nothing comes', () => {
  it.each<[string, unknown[]]>([
    ['no value', []],
    ['values that are no events', ['Hello', 42, null, undefined, { id: 'a' }, [reported]]],
    ['events of another stream', [{ type: 'start' }, { type: 'text-delta', text: 'Hello' }, { type: 'complete', usage: reported }, { type: 'error' }]],
    ['sums over several answers', [{ type: 'turn-complete', requestId: 'request-1', usage: reported }]],
  ])('is a call: %s', (_name, values) => {
    expect(recordsOf(values)).toEqual([{ model: undefined, calls: 1, retries: 0 }]);
  });

  it('has what its error tells of it', () => {
    const error = new RxMistralError({ kind: 'truncated', message: 'cut', partial: { role: 'assistant', content: '12345678' } });
    const expected = [{ model: undefined, calls: 1, retries: 0, estimated: cut(2) }];

    expect(recordsOf([], (watch) => { watch.end(error); })).toEqual(expected);
    expect(recordsOf([errorEvent(error)])).toEqual(expected);
    expect(recordsOf([], (watch) => { watch.end(undefined); })).toMatchObject([{ calls: 1 }]);
  });

  it('is not told twice what had come', () => {
    const error = failure.with({ partial: { role: 'assistant', content: '12345678' } });

    expect(recordsOf([start(), text], (watch) => { watch.end(error); })).toMatchObject([{ estimated: cut(2) }]);
    // The wait for the next attempt was cut off: the error has what the attempt before had.
    expect(recordsOf([start(), text, retry('restart')], (watch) => { watch.end(error); })).toMatchObject([{ estimated: cut(2) }]);
    expect(recordsOf([start(), text, errorEvent(error)])).toMatchObject([{ estimated: cut(2) }]);
  });
});

describe('retries that are no events', () => {
  it('are those of the call that has not been answered', () => {
    expect(recordsOf(['retried', 'retried', completion({ model: 'model', usage: reported })])).toEqual([{ ...whole, retries: 2 }]);
    expect(recordsOf(['retried'])).toEqual([{ model: undefined, calls: 1, retries: 1 }]);
  });

  it('are those of the next call where the last one came to its end', () => {
    const response = completion({ model: 'model', usage: reported });
    expect(recordsOf([response, 'retried', response])).toEqual([whole, { ...whole, retries: 1 }]);
  });

  it('make one call of two streams of events, of which the first failed', () => {
    for (const second of [start(), of2(start())]) {
      expect(recordsOf([start(), text, 'retried', second, { ...end, requestId: second.requestId }])).toEqual([
        { ...whole, retries: 1, estimated: { attempts: 1, inputTokens: 100, outputTokens: 2, unknownInputs: 0 } },
      ]);
    }
  });

  it('leave calls alone of which several are open: nobody says which it was', () => {
    const records = recordsOf([start(), of2(start()), 'retried', end, of2(end)]);
    expect(records).toEqual([whole, whole, { model: undefined, calls: 1, retries: 1 }]);
  });
});

describe('what is not events', () => {
  it('is a record for each whole response', () => {
    const response = completion({ model: 'model', usage: reported });
    expect(recordsOf([response, response])).toEqual([whole, whole]);
  });

  it('is a record for the chunks of a stream', () => {
    const { id, model } = chunk.text('');
    const chunks = [...chunksOf('Hello', { usage: reported })];
    expect(recordsOf(chunks)).toEqual([{ ...whole, model }]);
    // Without its last chunk it is cut.
    const records = recordsOf([chunk.text('12345678'), chunk.text('12345678')]);
    expect(records).toEqual([{ model, calls: 1, retries: 0, estimated: cut(4) }]);
    expect(recordsOf([{ id, model, choices: [{ index: 0, delta: { content: '' } }] }])).toMatchObject([{ estimated: cut(0) }]);
  });

  it('is one record where the usage so far comes with each chunk', () => {
    const chunks = [...chunksOf('Hello there', { usage: reported })].map((value) => ({ ...value, usage: reported }));
    expect(chunks.length).toBeGreaterThan(2);
    expect(recordsOf(chunks)).toMatchObject([counts]);
  });

  it('is one record where the usage comes in a chunk of its own', () => {
    const { id, model } = chunk.text('');
    expect(recordsOf([chunk.text('Hello'), chunk.finish('stop'), { id, model, choices: [], usage: reported }])).toEqual([{ ...whole, model }]);
  });

  it('is a response without tokens: counted, and not known', () => {
    expect(recordsOf([{ model: 'mistral-ocr-latest', usageInfo: { pagesProcessed: 3 } }])).toEqual([
      { model: 'mistral-ocr-latest', calls: 1, retries: 0, estimated: cut(0) },
    ]);
  });

  it('is an answer that came to its end without a usage: estimated', () => {
    expect(recordsOf([start(), text, { ...end, usage: undefined }])).toEqual([
      { model: 'model', calls: 1, retries: 0, estimated: cut(2) },
    ]);
  });
});
