import { describe, expect, test } from 'vitest';
import { conversationEvent } from '../../src/testing/index.js';
import { decodeConversationEvent } from '../../src/transport/decodeConversationEvent.js';

/** The event that the real transport decodes from one of the API. */
function wire(type: string, fields: object = {}): unknown {
  return decodeConversationEvent({ type, ...fields }, type);
}

describe('makers make what the transport decodes from the wire', () => {
  const place = { output_index: 0, id: 'entry-1' };
  const message = { ...place, content_index: 0, role: 'assistant' };
  const given = { outputIndex: 2, id: 'fc_1', model: 'm', agentId: 'ag_1' };
  const there = { output_index: 2, id: 'fc_1', model: 'm', agent_id: 'ag_1' };
  const rows: readonly (readonly [string, unknown, unknown])[] = [
    ['started', conversationEvent.started(), wire('conversation.response.started', { conversation_id: 'conversation-1' })],
    ['started, with an id', conversationEvent.started('conv_1'), wire('conversation.response.started', { conversation_id: 'conv_1' })],
    ['text', conversationEvent.text('Hi'), wire('message.output.delta', { ...message, content: 'Hi' })],
    ['text, placed', conversationEvent.text('Hi', given), wire('message.output.delta', { ...there, content_index: 0, role: 'assistant', content: 'Hi' })],
    ['thinking', conversationEvent.thinking('Hm'), wire('message.output.delta', { ...message, content: { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] } })],
    ['content', conversationEvent.content({ type: 'tool_file', tool: 'image_generation', fileId: 'f' }),
      wire('message.output.delta', { ...message, content: { type: 'tool_file', tool: 'image_generation', file_id: 'f' } })],
    ['functionCall', conversationEvent.functionCall({ toolCallId: 'call12345', name: 'f' }),
      wire('function.call.delta', { ...place, tool_call_id: 'call12345', name: 'f', arguments: '{}' })],
    ['functionCall, placed and pending', conversationEvent.functionCall({ ...given, toolCallId: 'call12345', name: 'f', arguments: '{"a', confirmationStatus: 'pending' }),
      wire('function.call.delta', { ...there, tool_call_id: 'call12345', name: 'f', arguments: '{"a', confirmation_status: 'pending' })],
    ['functionCall, with an object', conversationEvent.functionCall({ toolCallId: 'call12345', name: 'f', arguments: { a: 1 } }),
      wire('function.call.delta', { ...place, tool_call_id: 'call12345', name: 'f', arguments: { a: 1 } })],
    ['toolStarted', conversationEvent.toolStarted('web_search', '{}'), wire('tool.execution.started', { ...place, name: 'web_search', arguments: '{}' })],
    ['toolDelta', conversationEvent.toolDelta('web_search', '{'), wire('tool.execution.delta', { ...place, name: 'web_search', arguments: '{' })],
    ['toolDone', conversationEvent.toolDone('web_search'), wire('tool.execution.done', { ...place, name: 'web_search' })],
    ['toolDone, with info', conversationEvent.toolDone('web_search', { a: 1 }), wire('tool.execution.done', { ...place, name: 'web_search', info: { a: 1 } })],
    ['handoffStarted', conversationEvent.handoffStarted('ag_1', 'Desk'), wire('agent.handoff.started', { ...place, previous_agent_id: 'ag_1', previous_agent_name: 'Desk' })],
    ['handoffDone', conversationEvent.handoffDone('ag_2'), wire('agent.handoff.done', { ...place, next_agent_id: 'ag_2', next_agent_name: 'ag_2' })],
    ['done', conversationEvent.done({ promptTokens: 1, completionTokens: 2 }),
      wire('conversation.response.done', { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } })],
    ['error', conversationEvent.error('Broken', 503), wire('conversation.response.error', { message: 'Broken', code: 503 })],
    ['unknown', conversationEvent.unknown({ type: 'conversation.response.paused', a: 1 }), wire('conversation.response.paused', { a: 1 })],
  ];

  test.each(rows)('%s', (_name, made, decoded) => {
    expect(made).toStrictEqual(decoded);
  });
});

test('each call makes a new object, the same each time', () => {
  expect(conversationEvent.text('a')).not.toBe(conversationEvent.text('a'));
  expect(conversationEvent.text('a')).toStrictEqual(conversationEvent.text('a'));
});

test('outputs have ids of their own', () => {
  expect(conversationEvent.text('a', { outputIndex: 1 }).data).toMatchObject({ id: 'entry-2' });
});
