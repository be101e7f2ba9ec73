import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../src/events/readAnswer.js';
import { chunk, completion, usage } from '../../src/testing/index.js';
import { complete, errorEvent, snapshot, start, textDelta } from '../operators/chatEvents.js';

const reported = usage({ promptTokens: 7, completionTokens: 2 });
const counts = { inputTokens: 7, cachedTokens: 0, outputTokens: 2 };

describe('readAnswer', () => {
  it('reads a complete event', () => {
    expect(readAnswer({ ...complete({ role: 'assistant', content: 'Hi' }), usage: reported })).toEqual({
      id: 'completion-1',
      model: 'model',
      finishReasons: ['stop'],
      usage: counts,
    });
  });

  it('reads a complete event without usage', () => {
    expect(readAnswer({ ...complete({ role: 'assistant', content: 'Hi' }), usage: undefined })).toMatchObject({ model: 'model', usage: undefined });
  });

  it('reads a whole response', () => {
    const response = completion({ usage: reported });
    expect(readAnswer(response)).toEqual({ id: response.id, model: response.model, finishReasons: ['stop'], usage: counts });
  });

  it('reads several finish reasons, and leaves out those that are none', () => {
    const choices = [{ finishReason: 'stop' }, { finishReason: null }, null, { finishReason: 'length' }];
    expect(readAnswer({ id: 'a', model: 'm', choices, usage: reported })?.finishReasons).toEqual(['stop', 'length']);
  });

  it('reads embeddings, and a response without id and model', () => {
    const embeddings = { id: 'e', model: 'mistral-embed', data: [], usage: { promptTokens: 7, totalTokens: 7, completionTokens: 0 } };
    expect(readAnswer(embeddings)).toEqual({ id: 'e', model: 'mistral-embed', finishReasons: [], usage: { ...counts, outputTokens: 0 } });
    expect(readAnswer({ id: '', model: '', usage: reported })).toEqual({ id: undefined, model: undefined, finishReasons: [], usage: counts });
  });

  it('reads the last chunk of a stream, and no other', () => {
    expect(readAnswer(chunk.finish('stop', reported))).toMatchObject({ finishReasons: ['stop'], usage: counts });
    expect(readAnswer(chunk.finish('stop'))).toBeUndefined();
    expect(readAnswer(chunk.text('Hi'))).toBeUndefined();
  });

  it('reads the last event of a transcription, of speech and of a conversation', () => {
    const done = { type: 'transcription.done', model: 'voxtral', text: 'Hi', usage: reported };
    expect(readAnswer({ event: 'transcription.done', data: done })).toMatchObject({ model: 'voxtral', usage: counts });
    const spoken = { event: 'speech.audio.done', data: { type: 'speech.audio.done', usage: reported } };
    expect(readAnswer(spoken)).toMatchObject({ model: undefined, usage: counts });
    expect(readAnswer({ event: 'speech.audio.delta', data: { type: 'speech.audio.delta', audioData: '' } })).toBeUndefined();
  });

  it('reads a response that is paid by other units as one without tokens', () => {
    expect(readAnswer({ model: 'mistral-ocr-latest', pages: [], usageInfo: { pagesProcessed: 3 } })).toEqual({
      id: undefined,
      model: 'mistral-ocr-latest',
      finishReasons: [],
      usage: undefined,
    });
  });

  it('reads the last snapshot of accumulate(), and no other', () => {
    expect(readAnswer(snapshot('Hi', { done: true, usage: reported, finishReason: 'stop' }))).toMatchObject({ finishReasons: ['stop'], usage: counts });
    expect(readAnswer(snapshot('Hi'))).toBeUndefined();
  });

  it.each([
    ['start', start()],
    ['a delta', textDelta('Hi')],
    ['an error', errorEvent()],
    ['the end of a turn, which sums up its steps', { type: 'turn-complete', requestId: 'a', usage: reported }],
    ['the end of a step', { type: 'step-complete', requestId: 'a', usage: reported }],
    ['the complete of a batch', { type: 'complete', usage: reported, succeeded: 3 }],
    ['a complete of another stream', { type: 'complete', requestId: 'a', usage: reported }],
    ['a model', { id: 'mistral-small-latest', object: 'model' }],
    ['a string', 'usage'],
    ['null', null],
    ['undefined', undefined],
  ])('finds no answer in %s', (_name, value) => {
    expect(readAnswer(value)).toBeUndefined();
  });
});
