import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import { decodeContent, decodeUsage } from './decodeCompletionChunk.js';
import { dateOf, isObject, type Json, renameFields } from './json.js';

const types: readonly string[] = [
  'conversation.response.started',
  'message.output.delta',
  'function.call.delta',
  'tool.execution.started',
  'tool.execution.delta',
  'tool.execution.done',
  'agent.handoff.started',
  'agent.handoff.done',
  'conversation.response.done',
  'conversation.response.error',
];
const names: ReadonlyMap<string, string> = new Map([
  ['output_index', 'outputIndex'],
  ['content_index', 'contentIndex'],
  ['agent_id', 'agentId'],
  ['tool_call_id', 'toolCallId'],
  ['confirmation_status', 'confirmationStatus'],
  ['conversation_id', 'conversationId'],
  ['previous_agent_id', 'previousAgentId'],
  ['previous_agent_name', 'previousAgentName'],
  ['next_agent_id', 'nextAgentId'],
  ['next_agent_name', 'nextAgentName'],
]);

/**
 * The SDK's event of a conversation from an event's JSON and name. Tolerant: a field whose value is odd does not
 * take the event with it, and events of unknown types are passed on, as the SDK has them. Unlike the SDK it fills in nothing: a
 * call's piece without an index or an id says so.
 */
export function decodeConversationEvent(json: unknown, event: string): ConversationEvents | undefined {
  if (!isObject(json)) return undefined;
  // Some servers name the type in the `event:` line only, some in the data only.
  if (typeof json['type'] !== 'string') json['type'] = event;
  const type = json['type'] as string;
  if (type === '') return undefined;
  const name = event === '' ? type : event;
  const data = types.includes(type) ? decodeData(json) : { type: 'UNKNOWN', raw: json, isUnknown: true };
  return { event: name, data } as unknown as ConversationEvents;
}

// In one pass into a new object: taking so many names away from one costs three times as much.
function decodeData(json: Json): Json {
  const data: Json = {};
  const createdAt = dateOf(json['created_at']);
  for (const name of Object.keys(json)) {
    if (name === 'created_at' && createdAt !== undefined) data['createdAt'] = createdAt;
    // Set by its name, it would be no field but the prototype.
    else if (name !== '__proto__') data[names.get(name) ?? name] = json[name];
  }
  const { content, usage } = data;
  if (isObject(content)) decodeContent([content]);
  else if (Array.isArray(content)) decodeContent(content);
  if (isObject(usage)) data['usage'] = decodeConversationUsage(usage);
  return data;
}

/** The SDK's `ConversationUsageInfo` from the API's, in place. */
export function decodeConversationUsage(usage: Json): Json {
  renameFields(usage, ['connector_tokens']);
  return decodeUsage(usage);
}
