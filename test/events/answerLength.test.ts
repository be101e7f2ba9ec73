import { describe, expect, it } from 'vitest';
import { messageLength, pieceLength } from '../../src/events/answerLength.js';
import { chunk } from '../../src/testing/index.js';
import { complete, retry, start, textDelta, thinkingDelta, toolCall, toolCallDelta } from '../operators/chatEvents.js';

describe('pieceLength', () => {
  it.each([
    ['a text delta', textDelta('Hello'), 5],
    ['a thinking delta', thinkingDelta('Hm'), 2],
    ['a delta of a tool call', toolCallDelta('a', 'weather', '{"city"'), 7],
    ['a delta with the name of a tool call', toolCallDelta('a', 'weather', ''), 0],
    ['a chunk with text', chunk.text('Hello'), 5],
    ['a chunk with a tool call', chunk.toolCall({ id: 'a', name: 'weather', arguments: '{}' }), 2],
    ['a chunk of two answers', { choices: [{ index: 0, delta: { content: 'a' } }, { index: 1, delta: { content: 'bc' } }] }, 3],
    ['a chunk with nothing in it', { choices: [{ index: 0, delta: {} }] }, 0],
  ])('counts the characters of %s', (_name, value, length) => {
    expect(pieceLength(value)).toBe(length);
  });

  it.each([
    ['start', start()],
    ['a whole tool call, whose deltas have come', toolCall('a', 'weather', '{}')],
    ['retry', retry('resume')],
    ['complete', complete({ role: 'assistant', content: 'Hello' })],
    ['a whole response', { choices: [{ index: 0, message: { content: 'Hello' } }] }],
    ['a chunk with usage only', { choices: [], usage: {} }],
    ['an event of another stream', { type: 'text-delta', text: 'Hello' }],
    ['a string', 'Hello'],
    ['null', null],
    ['undefined', undefined],
  ])('finds no piece in %s', (_name, value) => {
    expect(pieceLength(value)).toBeUndefined();
  });

  it('survives what is not as it should be', () => {
    expect(pieceLength({ type: 'text-delta', requestId: 'a', text: 42 })).toBe(0);
    expect(pieceLength({ choices: [null, 1, { delta: null }, { delta: { content: 42, toolCalls: [null, {}, { function: null }] } }] })).toBe(0);
  });
});

describe('messageLength', () => {
  it.each([
    ['a string', { content: 'Hello' }, 5],
    ['text and thinking', { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }, { type: 'text', text: 'Yes' }] }, 5],
    ['strings among chunks', { content: ['ab', { type: 'text', text: 'c' }] }, 3],
    ['references, which have no text', { content: [{ type: 'reference', referenceIds: [1, 2] }] }, 0],
    ['tool calls', { content: '', toolCalls: [{ function: { name: 'f', arguments: '{"a":1}' } }, { function: { arguments: { b: 2 } } }] }, 14],
    ['nothing', {}, 0],
    ['no message', undefined, 0],
  ])('counts the characters of %s', (_name, message, length) => {
    expect(messageLength(message)).toBe(length);
  });
});
