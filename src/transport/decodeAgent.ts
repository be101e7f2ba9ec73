import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { AgentsApiV1AgentsListPagesResponse } from '@mistralai/mistralai/models/operations/agentsapiv1agentslistpages.js';
import { isObject, type Json, renameDates, renameFields } from './json.js';

const argumentNames = [
  'presence_penalty',
  'frequency_penalty',
  'top_p',
  'max_tokens',
  'random_seed',
  'response_format',
  'tool_choice',
  'reasoning_effort',
];

/** The SDK's `Agent` from JSON that the SDK's own check refused, in place; what it does not know stays as it came. */
export function decodeAgent(json: unknown): Agent | undefined {
  if (!isObject(json) || typeof json['id'] !== 'string') return undefined;
  renameFields(json, ['owner_id', 'deployment_chat', 'version_message']);
  renameDates(json, ['created_at', 'updated_at']);
  return decodeDefinition(json) as unknown as Agent;
}

/** A list of them; what is none is left out. */
export function decodeAgents(json: unknown): Agent[] | undefined {
  return Array.isArray(json) ? json.map(decodeAgent).filter((agent) => agent !== undefined) : undefined;
}

/** A page of them. */
export function decodeAgentPage(json: unknown): AgentsApiV1AgentsListPagesResponse | undefined {
  const data = isObject(json) ? decodeAgents(json['data']) : undefined;
  if (!isObject(json) || data === undefined) return undefined;
  const token = json['next_page_token'];
  return { result: { object: 'list', data, nextPageToken: typeof token === 'string' ? token : null } };
}

/** What agents and conversations have in common: tools, and the arguments of completions. */
export function decodeDefinition(json: Json): Json {
  renameFields(json, ['completion_args']);
  const { completionArgs, tools } = json;
  if (isObject(completionArgs)) {
    renameFields(completionArgs, argumentNames);
    if (isObject(completionArgs['responseFormat'])) decodeResponseFormat(completionArgs['responseFormat']);
  }
  if (Array.isArray(tools)) for (const tool of tools) if (isObject(tool)) decodeTool(tool);
  return json;
}

function decodeResponseFormat(format: Json): void {
  renameFields(format, ['json_schema']);
  const { jsonSchema } = format;
  if (!isObject(jsonSchema) || !('schema' in jsonSchema)) return;
  jsonSchema['schemaDefinition'] = jsonSchema['schema'];
  delete jsonSchema['schema'];
}

function decodeTool(tool: Json): void {
  renameFields(tool, ['connector_id', 'library_ids', 'tool_configuration']);
  if (isObject(tool['toolConfiguration'])) renameFields(tool['toolConfiguration'], ['requires_confirmation']);
}
