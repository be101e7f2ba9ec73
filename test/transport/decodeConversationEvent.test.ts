import { ConversationEvents$inboundSchema } from '@mistralai/mistralai/models/components/conversationevents.js';
import { describe, expect, it } from 'vitest';
import { decodeConversationEvent } from '../../src/transport/decodeConversationEvent.js';

const created_at = '2025-11-28T12:00:00.000Z';
const place = { created_at, output_index: 1, id: 'msg_1' };
const speaker = { agent_id: 'ag_1', model: 'm' };

/** Every type, with all its fields. */
const known = [
  { type: 'conversation.response.started', created_at, conversation_id: 'conv_1' },
  { type: 'message.output.delta', ...place, ...speaker, content_index: 2, role: 'assistant', content: 'Hi' },
  { type: 'message.output.delta', ...place, agent_id: null, model: null, content_index: 0, role: 'assistant', content: { type: 'text', text: 'Hi' } },
  { type: 'message.output.delta', ...place, content_index: 0, role: 'assistant', content: { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }, { type: 'reference', reference_ids: [1] }], closed: true } },
  { type: 'message.output.delta', ...place, content_index: 0, role: 'assistant', content: { type: 'tool_reference', tool: 'web_search', title: 'A', url: 'https://example.com', description: null } },
  { type: 'message.output.delta', ...place, content_index: 0, role: 'assistant', content: { type: 'tool_file', tool: 'image_generation', file_id: 'f', file_name: 'n', file_type: 'png' } },
  { type: 'message.output.delta', ...place, content_index: 0, role: 'assistant', content: { type: 'image_url', image_url: 'https://example.com/a.png' } },
  { type: 'message.output.delta', ...place, content_index: 0, role: 'assistant', content: { type: 'document_url', document_url: 'https://example.com/a.pdf', document_name: 'a' } },
  { type: 'function.call.delta', ...place, ...speaker, name: 'f', tool_call_id: 'call12345', arguments: '{"a":', confirmation_status: 'pending' },
  { type: 'tool.execution.started', ...place, ...speaker, name: 'web_search', arguments: '' },
  { type: 'tool.execution.delta', ...place, name: 'web_search', arguments: '{"q' },
  { type: 'tool.execution.done', ...place, name: 'web_search', info: { some_thing: 1 } },
  { type: 'agent.handoff.started', ...place, previous_agent_id: 'ag_1', previous_agent_name: 'Desk' },
  { type: 'agent.handoff.done', ...place, next_agent_id: 'ag_2', next_agent_name: 'Expert' },
  { type: 'conversation.response.done', created_at, usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 9, connector_tokens: 6, connectors: { web_search: 1 } } },
  { type: 'conversation.response.error', created_at, message: 'Broken', code: 500 },
] as const;

const decode = (json: unknown, event = ''): unknown => decodeConversationEvent(structuredClone(json), event);

describe('decodeConversationEvent', () => {
  it.each(known)('makes of $type what the SDK makes of it', (json) => {
    const sdks = ConversationEvents$inboundSchema.parse({ event: json.type, data: JSON.stringify(json) });
    expect(sdks.data.type).toBe(json.type);
    expect(decode(json, json.type)).toEqual(sdks);
  });

  it.each([null, undefined, 1, 'text', []])('is undefined for %j, which is no event', (json) => {
    expect(decodeConversationEvent(json, 'message.output.delta')).toBeUndefined();
  });

  it('takes the type from the data or the event line, whichever has it, and is undefined where neither has', () => {
    const data = { type: 'message.output.delta', content: 'Hi' };
    expect(decode(data)).toEqual({ event: data.type, data });
    expect(decode({ content: 'Hi' }, data.type)).toEqual({ event: data.type, data });
    expect(decode({ content: 'Hi', type: 7 }, data.type)).toEqual({ event: data.type, data });
    expect(decode({ content: 'Hi' })).toBeUndefined();
  });

  it.each(['conversation.response.paused', '__proto__', 'constructor', 'toString', 'UNKNOWN'])('passes on the unknown type %s as the SDK has such', (type) => {
    const raw = { type, some_field: 1 };
    const event = { event: type, data: { type: 'UNKNOWN', raw, isUnknown: true } };
    expect(decode(raw, type)).toEqual(event);
    expect(decode(raw)).toEqual(event);
  });

  it.each<[string, object, object]>([
    ['a time in words', { created_at: 'just now' }, { created_at: 'just now' }],
    ['a time in seconds', { created_at: 1_764_331_200 }, { created_at: 1_764_331_200 }],
    ['no time', { created_at: null }, { createdAt: null }],
    ['an index as a text', { output_index: '1' }, { outputIndex: '1' }],
    ['no index', {}, {}],
    ['another role', { role: 'tool' }, { role: 'tool' }],
    ['an unknown field', { p: 'abc' }, { p: 'abc' }],
    ['a list as content', { content: [{ type: 'tool_file', file_id: 'f' }, 'Hi', null] }, { content: [{ type: 'tool_file', fileId: 'f' }, 'Hi', null] }],
    ['content of an unknown type', { content: { type: 'hologram', some_width: 3 } }, { content: { type: 'hologram', some_width: 3 } }],
  ])('keeps the event with %s', (_what, odd, expected) => {
    const type = 'message.output.delta';
    expect(decode({ type, content: 'Hi', ...odd })).toEqual({ event: type, data: { type, content: 'Hi', ...expected } });
  });

  it.each([
    ['no id and no index', { name: '', arguments: '}' }, { name: '', arguments: '}' }],
    ['null', { tool_call_id: null, arguments: '}' }, { toolCallId: null, arguments: '}' }],
    ['an object', { tool_call_id: 'a', arguments: { some_key: 1 } }, { toolCallId: 'a', arguments: { some_key: 1 } }],
    ['an unknown status', { confirmation_status: 'escalated' }, { confirmationStatus: 'escalated' }],
  ])('leaves a piece of a call as it came: %s', (_what, json, expected) => {
    const type = 'function.call.delta';
    expect(decode({ type, ...json })).toEqual({ event: type, data: { type, ...expected } });
  });

  it('reads an error whose code is no number, and an end without counts or usage', () => {
    const error = { type: 'conversation.response.error', message: 'Broken', code: 'overloaded' };
    expect(decode(error)).toEqual({ event: error.type, data: error });
    const done = { type: 'conversation.response.done' };
    expect(decode(done)).toEqual({ event: done.type, data: done });
    expect(decode({ ...done, usage: { total_tokens: 3 } })).toEqual({ event: done.type, data: { ...done, usage: { promptTokens: 0, completionTokens: 0, totalTokens: 3 } } });
  });

  it('is not polluted by a key called __proto__', () => {
    const json: unknown = JSON.parse('{"type":"message.output.delta","content":"Hi","__proto__":{"polluted":true}}');
    const decoded = decodeConversationEvent(json, '');
    expect(decoded?.data).toMatchObject({ content: 'Hi' });
    expect(Object.getPrototypeOf(decoded?.data)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
  });
});
