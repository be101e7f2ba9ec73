import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { isObject, type Json, renameFields } from './json.js';

/**
 * Makes the SDK's `CompletionChunk` from an event's JSON: snake_case names become camelCase in place, nothing else is
 * rebuilt or checked. Tolerant: unknown fields stay where they are (those of a choice are left out), unknown enum values stay
 * as they came, a list or object that is missing becomes empty. `undefined` where it is no chunk at all.
 *
 * Unlike the SDK it fills no tool call's missing `id` with `"null"` and no missing `index` with 0: that merges calls
 * that are different.
 */
export function decodeCompletionChunk(json: unknown): CompletionChunk | undefined {
  if (!isObject(json)) return undefined;
  const { choices } = json;
  if (Array.isArray(choices)) {
    for (let index = 0; index < choices.length; index++) choices[index] = decodeChoice(choices[index], index);
  } else {
    json['choices'] = [];
  }
  if (isObject(json['usage'])) json['usage'] = decodeUsage(json['usage']);
  else if (json['usage'] === null) delete json['usage'];
  json['id'] ??= '';
  json['model'] ??= '';
  return json as unknown as CompletionChunk;
}

// One small object is made anew here: taking a name away from an object costs more than three fields.
function decodeChoice(choice: unknown, position: number): Json {
  if (!isObject(choice)) return { index: position, delta: {}, finishReason: null };
  return {
    index: choice['index'] ?? position,
    delta: decodeMessage(choice['delta']),
    finishReason: choice['finish_reason'] ?? null,
  };
}

/** The SDK's message or delta from the API's, in place. */
export function decodeMessage(message: unknown): Json {
  if (!isObject(message)) return {};
  const { content } = message;
  if (Array.isArray(content)) decodeContent(content);
  if ('tool_calls' in message || 'tool_call_id' in message) renameFields(message, messageNames);
  return message;
}

/** Renames the fields of a content list's chunks; chunks of unknown types stay as they came. */
export function decodeContent(content: readonly unknown[]): void {
  for (const chunk of content) {
    if (!isObject(chunk)) continue;
    if (Array.isArray(chunk['thinking'])) decodeContent(chunk['thinking']);
    if (renamedTypes.includes(chunk['type'])) renameFields(chunk, contentNames);
  }
}

const messageNames = ['tool_calls', 'tool_call_id'];
const renamedTypes: readonly unknown[] = ['reference', 'image_url', 'document_url', 'file', 'input_audio', 'tool_file'];
const contentNames = ['reference_ids', 'image_url', 'document_url', 'document_name', 'file_id', 'file_name', 'file_type', 'input_audio'];
const usageNames = ['prompt_tokens', 'completion_tokens', 'total_tokens', 'prompt_audio_seconds', 'service_tier'];

/**
 * The SDK's `UsageInfo` from the API's, in place; counts that are missing are 0, unknown fields stay under their own
 * names.
 */
export function decodeUsage(usage: Json): Json {
  renameFields(usage, usageNames);
  for (const count of ['promptTokens', 'completionTokens', 'totalTokens']) usage[count] ??= 0;
  return usage;
}
