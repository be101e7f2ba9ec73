import { describe, expect, test } from 'vitest';
import { ChatAssembler } from '../../src/events/ChatAssembler.js';
import type { ChatEvent } from '../../src/events/ChatEvent.js';
import { chunk, usage } from '../../src/testing/index.js';
import { decodeCompletionChunk } from '../../src/transport/decodeCompletionChunk.js';

const head = { id: 'completion-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'mistral-small-latest' };

/** The chunk that the real transport decodes from an event of the API. */
function wire(delta: object, finish_reason: string | null = null, rest: object = {}): unknown {
  return decodeCompletionChunk({ ...head, choices: [{ index: 0, delta, finish_reason }], ...rest });
}

describe('makers make what the transport decodes from the wire', () => {
  const call = { id: 'abc123def', name: 'weather', arguments: '{"city":"Paris"}' };
  const rows: readonly (readonly [string, unknown, unknown])[] = [
    ['start', chunk.start(), wire({ role: 'assistant', content: '' })],
    ['text', chunk.text('Hel'), wire({ content: 'Hel' })],
    ['thinking', chunk.thinking('hm'), wire({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] })],
    ['content', chunk.content([{ type: 'reference', referenceIds: [1] }]), wire({ content: [{ type: 'reference', reference_ids: [1] }] })],
    ['toolCall', chunk.toolCall({ ...call, index: 1 }, { finishReason: 'tool_calls' }),
      wire({ tool_calls: [{ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments }, index: 1 }] }, 'tool_calls')],
    ['toolCall, with an object', chunk.toolCall({ ...call, arguments: { city: 'Paris' } }),
      wire({ tool_calls: [{ id: call.id, type: 'function', function: { name: call.name, arguments: { city: 'Paris' } } }] })],
    ['the first fragment', chunk.toolCallFragment({ id: call.id, name: call.name, index: 0 }),
      wire({ tool_calls: [{ id: call.id, type: 'function', function: { name: call.name, arguments: '' }, index: 0 }] })],
    ['a later fragment', chunk.toolCallFragment({ arguments: '{"ci', index: 0 }),
      wire({ tool_calls: [{ function: { name: '', arguments: '{"ci' }, index: 0 }] })],
    ['finish', chunk.finish(), wire({ content: '' }, 'stop')],
    ['finish with usage', chunk.finish('length', usage({ promptTokens: 1, completionTokens: 2 })),
      wire({ content: '' }, 'length', { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } })],
    ['usage', chunk.usage(usage({ promptTokens: 1 })),
      decodeCompletionChunk({ ...head, choices: [], usage: { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 } })],
  ];

  test.each(rows)('%s', (_name, made, decoded) => {
    expect(made).toStrictEqual(decoded);
  });
});

test('id, model, created, choice, finish reason and usage can be given', () => {
  const fields = { id: 'x', model: 'm', created: 5, choice: 1, finishReason: 'odd', usage: usage() };
  expect(chunk.text('a', fields)).toStrictEqual({
    id: 'x',
    object: 'chat.completion.chunk',
    created: 5,
    model: 'm',
    choices: [{ index: 1, delta: { content: 'a' }, finishReason: 'odd' }],
    usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0 },
  });
  expect(chunk.start('m', { id: 'x' })).toMatchObject({ id: 'x', model: 'm' });
});

test('each call makes a new object, the same each time', () => {
  expect(chunk.text('a')).not.toBe(chunk.text('a'));
  expect(chunk.text('a')).toStrictEqual(chunk.text('a'));
});

test('the fragments of parallel calls are joined as they were cut', () => {
  const events: ChatEvent[] = [];
  const assembler = new ChatAssembler('request-1', 1, (event) => events.push(event));
  for (const piece of [
    chunk.toolCallFragment({ id: 'aaaaaaaaa', name: 'f', index: 0 }),
    chunk.toolCallFragment({ id: 'bbbbbbbbb', name: 'g', index: 1 }),
    chunk.toolCallFragment({ arguments: '{"x"', index: 0 }),
    chunk.toolCallFragment({ arguments: '{"y":2}', index: 1 }),
    chunk.toolCallFragment({ arguments: ':1}', index: 0 }),
    chunk.finish('tool_calls'),
  ]) assembler.push(piece);
  assembler.end();

  expect(events.filter(({ type }) => type === 'tool-call')).toMatchObject([
    { toolCall: { id: 'aaaaaaaaa', name: 'f', arguments: '{"x":1}' } },
    { toolCall: { id: 'bbbbbbbbb', name: 'g', arguments: '{"y":2}' } },
  ]);
});
