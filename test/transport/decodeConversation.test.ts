import { Agent$inboundSchema } from '@mistralai/mistralai/models/components/agent.js';
import { ConversationHistory$inboundSchema } from '@mistralai/mistralai/models/components/conversationhistory.js';
import { ConversationMessages$inboundSchema } from '@mistralai/mistralai/models/components/conversationmessages.js';
import { ConversationResponse$inboundSchema } from '@mistralai/mistralai/models/components/conversationresponse.js';
import { ResponseV1ConversationsGet$inboundSchema } from '@mistralai/mistralai/models/operations/agentsapiv1conversationsget.js';
import { describe, expect, it } from 'vitest';
import { decodeAgent, decodeAgentPage, decodeAgents } from '../../src/transport/decodeAgent.js';
import {
  decodeConversation,
  decodeConversationHistory,
  decodeConversationMessages,
  decodeConversationResponse,
  decodeConversations,
} from '../../src/transport/decodeConversation.js';

const time = '2025-11-28T12:00:00.000Z';
const head = { object: 'entry', created_at: time, completed_at: null };
const speaker = { agent_id: 'ag_1', model: 'm' };

const outputs = [
  { ...head, type: 'agent.handoff', id: 'handoff_1', previous_agent_id: 'ag_1', previous_agent_name: 'Desk', next_agent_id: 'ag_2', next_agent_name: 'Expert' },
  { ...head, ...speaker, type: 'tool.execution', id: 'tool_1', name: 'web_search', arguments: '{}', info: { some_thing: 1 } },
  { ...head, ...speaker, type: 'message.output', id: 'msg_1', role: 'assistant', content: [{ type: 'text', text: 'Hi' }, { type: 'tool_file', tool: 'image_generation', file_id: 'f' }] },
  { ...head, ...speaker, type: 'function.call', id: 'fc_1', tool_call_id: 'call12345', name: 'f', arguments: { some_key: 1 }, confirmation_status: 'pending' },
];
const inputs = [
  { ...head, type: 'message.input', id: 'msg_0', role: 'user', content: 'Hi', prefix: false },
  { ...head, type: 'function.result', id: 'fr_1', tool_call_id: 'call12345', result: '{}' },
];
const messages = [inputs[0], outputs[2]];
const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 9, connector_tokens: 6, connectors: { web_search: 1 } };

const tools = [
  { type: 'function', function: { name: 'f', description: '', strict: false, parameters: { type: 'object', some_key: 1 } } },
  { type: 'web_search', tool_configuration: { requires_confirmation: ['web_search'] } },
  { type: 'document_library', library_ids: ['l'] },
  { type: 'connector', connector_id: 'c' },
];
const completion_args = {
  max_tokens: 3,
  top_p: 1,
  tool_choice: 'auto',
  response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' }, strict: false } },
};
const agent = {
  id: 'ag_1', object: 'agent', name: 'n', model: 'm', description: null, instructions: 'i', handoffs: ['ag_2'], metadata: { some_key: 1 }, guardrails: null,
  version: 1, versions: [0, 1], created_at: time, updated_at: time, deployment_chat: false, source: 'api', owner_id: null, version_message: 'v', tools, completion_args,
};
const common = { object: 'conversation', id: 'conv_1', name: null, description: null, metadata: { some_key: 1 }, created_at: time, updated_at: time };
const ofAgent = { ...common, agent_id: 'ag_1', agent_version: 2 };
const ofModel = { ...common, model: 'm', instructions: null, guardrails: null, tools, completion_args };

interface Row {
  readonly name: string;
  readonly json: object;
  readonly decode: (json: unknown) => unknown;
  readonly schema: { parse(json: unknown): unknown };
}

const rows: readonly Row[] = [
  { name: 'a response', json: { object: 'conversation.response', conversation_id: 'conv_1', outputs, usage }, decode: decodeConversationResponse, schema: ConversationResponse$inboundSchema },
  { name: 'a history', json: { object: 'conversation.history', conversation_id: 'conv_1', entries: [...inputs, ...outputs] }, decode: decodeConversationHistory, schema: ConversationHistory$inboundSchema },
  { name: 'messages', json: { object: 'conversation.messages', conversation_id: 'conv_1', messages }, decode: decodeConversationMessages, schema: ConversationMessages$inboundSchema },
  { name: 'the conversation of an agent', json: ofAgent, decode: decodeConversation, schema: ResponseV1ConversationsGet$inboundSchema },
  { name: 'the conversation of a model', json: ofModel, decode: decodeConversation, schema: ResponseV1ConversationsGet$inboundSchema },
  { name: 'an agent', json: agent, decode: decodeAgent, schema: Agent$inboundSchema },
];

describe.each(rows)('$name', ({ json, decode, schema }) => {
  it('becomes what the SDK makes of it', () => {
    expect(decode(structuredClone(json))).toEqual(schema.parse(json));
  });

  it('keeps unknown fields', () => {
    expect(decode({ ...structuredClone(json), some_field: 1 })).toMatchObject({ some_field: 1 });
  });

  it.each([null, undefined, 1, 'text', [], {}])('is not made of %j', (other) => {
    expect(decode(other)).toBeUndefined();
  });
});

describe('what the SDK refuses', () => {
  it('is read with an entry of an unknown type, and with one whose fields are odd', () => {
    const odd = [{ type: 'message.thought', tool_call_id: 'a', created_at: time }, { type: 'function.call', created_at: 'just now', arguments: 7 }, null];
    const read = [{ type: 'message.thought', toolCallId: 'a', createdAt: new Date(time) }, { type: 'function.call', created_at: 'just now', arguments: 7 }, null];
    expect(decodeConversationHistory({ conversation_id: 'c', entries: structuredClone(odd) })).toEqual({ conversationId: 'c', entries: read });
    expect(decodeConversationResponse({ conversation_id: 'c', outputs: structuredClone(odd) })).toEqual({ conversationId: 'c', outputs: read });
  });

  it('is read with fields of other types, and missing ones', () => {
    expect(decodeAgent({ id: 'ag', version: '1', tools: [null, { type: 'new' }], completion_args: { response_format: { json_schema: null } } })).toEqual({
      id: 'ag',
      version: '1',
      tools: [null, { type: 'new' }],
      completionArgs: { responseFormat: { jsonSchema: null } },
    });
  });

  it('is read in lists, but for what is none', () => {
    expect(decodeAgents([{ id: 'a' }, null, {}])).toEqual([{ id: 'a' }]);
    expect(decodeConversations([{ id: 'a', agent_id: 'ag' }, null, {}])).toEqual([{ id: 'a', agentId: 'ag' }]);
    expect(decodeAgentPage({ data: [{ id: 'a' }], next_page_token: 't' })).toEqual({ result: { object: 'list', data: [{ id: 'a' }], nextPageToken: 't' } });
    expect(decodeAgentPage({ data: [] })).toEqual({ result: { object: 'list', data: [], nextPageToken: null } });
    for (const decode of [decodeAgents, decodeConversations, decodeAgentPage]) expect(decode({ data: 1 })).toBeUndefined();
  });
});
