import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { describe, expect, test } from 'vitest';
import { ChatAssembler } from '../../src/events/ChatAssembler.js';
import type { ChatEvent } from '../../src/events/ChatEvent.js';
import { answer, type AnswerOptions, chunk, usage } from '../../src/testing/index.js';

const pieces = (chunks: readonly CompletionChunk[]): unknown[] => chunks.slice(1, -1).map(({ choices }) => choices[0]?.delta.content);

function eventsOf(chunks: readonly CompletionChunk[]): ChatEvent[] {
  const events: ChatEvent[] = [];
  const assembler = new ChatAssembler('request-1', 1, (event) => events.push(event));
  for (const piece of chunks) assembler.push(piece);
  assembler.end();
  return events;
}

test('an answer is a start, its words and an end with usage', () => {
  expect(answer('Hello world')).toStrictEqual([
    chunk.start(),
    chunk.text('Hello'),
    chunk.text(' world'),
    chunk.finish('stop', usage({ promptTokens: 10, completionTokens: 2 })),
  ]);
});

describe('the text is cut', () => {
  const rows: readonly (readonly [string, AnswerOptions['by'], readonly string[]])[] = [
    ['', 'word', []],
    ['Hello', 'word', ['Hello']],
    ['  one two\n\nthree ', 'word', ['  one', ' two', '\n\nthree', ' ']],
    ['Hé👩‍👩‍👧!', 'grapheme', ['H', 'é', '👩‍👩‍👧', '!']],
    ['Hello world', 'whole', ['Hello world']],
  ];
  test.each(rows)('%j by %s', (text, by, expected) => {
    expect(pieces(answer(text, { by }))).toEqual(expected);
    expect(pieces(answer(text, { by })).join('')).toBe(text);
  });
});

test('all options reach the events', () => {
  const options = { thinking: 'let me', finishReason: 'length', usage: usage({ promptTokens: 3 }), id: 'x', model: 'm' };
  const events = eventsOf(answer('Hi', options));

  expect(events).toMatchObject([
    { type: 'start', id: 'x', model: 'm' },
    { type: 'thinking-delta', text: 'let' },
    { type: 'thinking-delta', text: ' me' },
    { type: 'text-delta', text: 'Hi' },
    { type: 'complete', id: 'x', model: 'm', finishReason: 'length', usage: { promptTokens: 3 } },
  ]);
});

test('bad arguments throw a TypeError that names them', () => {
  expect(() => answer(1 as unknown as string)).toThrow('Expected `text` to be a string, got 1');
  expect(() => answer('a', { by: 'line' as 'word' })).toThrow("Expected `by` to be 'word' or 'grapheme' or 'whole', got \"line\"");
  expect(() => answer('a', 'word' as unknown as AnswerOptions)).toThrow('Expected `options` to be an object');
});
