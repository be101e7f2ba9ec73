import type { ConversationHistory } from '@mistralai/mistralai/models/components/conversationhistory.js';
import type { ConversationMessages } from '@mistralai/mistralai/models/components/conversationmessages.js';
import type { ConversationResponse } from '@mistralai/mistralai/models/components/conversationresponse.js';
import type { AgentsApiV1ConversationsListResponse } from '@mistralai/mistralai/models/operations/agentsapiv1conversationslist.js';
import { decodeDefinition } from './decodeAgent.js';
import { decodeContent } from './decodeCompletionChunk.js';
import { decodeConversationUsage } from './decodeConversationEvent.js';
import { isObject, type Json, renameDates, renameFields } from './json.js';

const entryNames = [
  'agent_id',
  'tool_call_id',
  'confirmation_status',
  'previous_agent_id',
  'previous_agent_name',
  'next_agent_id',
  'next_agent_name',
];

/** The SDK's `ConversationResponse` from JSON that the SDK's own check refused, in place; entries of unknown types stay in it. */
export function decodeConversationResponse(json: unknown): ConversationResponse | undefined {
  if (!hasList(json, 'outputs')) return undefined;
  decodeUnder(json, 'outputs');
  if (isObject(json['usage'])) json['usage'] = decodeConversationUsage(json['usage']);
  return json as unknown as ConversationResponse;
}

/** The SDK's `ConversationHistory` likewise. */
export function decodeConversationHistory(json: unknown): ConversationHistory | undefined {
  if (!hasList(json, 'entries')) return undefined;
  return decodeUnder(json, 'entries') as unknown as ConversationHistory;
}

/** The SDK's `ConversationMessages` likewise. */
export function decodeConversationMessages(json: unknown): ConversationMessages | undefined {
  if (!hasList(json, 'messages')) return undefined;
  return decodeUnder(json, 'messages') as unknown as ConversationMessages;
}

/** The SDK's conversation, of an agent or a model, likewise. */
export function decodeConversation(json: unknown): AgentsApiV1ConversationsListResponse | undefined {
  if (!isObject(json) || typeof json['id'] !== 'string') return undefined;
  renameFields(json, ['agent_id', 'agent_version']);
  renameDates(json, ['created_at', 'updated_at']);
  return decodeDefinition(json) as unknown as AgentsApiV1ConversationsListResponse;
}

/** A list of them; what is none is left out. */
export function decodeConversations(json: unknown): AgentsApiV1ConversationsListResponse[] | undefined {
  return Array.isArray(json) ? json.map(decodeConversation).filter((conversation) => conversation !== undefined) : undefined;
}

function hasList(json: unknown, name: string): json is Json {
  return isObject(json) && typeof json['conversation_id'] === 'string' && Array.isArray(json[name]);
}

function decodeUnder(json: Json, name: string): Json {
  renameFields(json, ['conversation_id']);
  for (const entry of json[name] as readonly unknown[]) if (isObject(entry)) decodeEntry(entry);
  return json;
}

function decodeEntry(entry: Json): void {
  renameFields(entry, entryNames);
  renameDates(entry, ['created_at', 'completed_at']);
  if (Array.isArray(entry['content'])) decodeContent(entry['content']);
}
