import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { decodeMessage, decodeUsage } from './decodeCompletionChunk.js';
import { isObject, type Json } from './json.js';

/** The SDK's `ChatCompletionResponse` from JSON that the SDK's own check refused; tolerant as the chunks' decoder. */
export function decodeCompletion(json: unknown): ChatCompletionResponse | undefined {
  if (!isObject(json) || !Array.isArray(json['choices'])) return undefined;
  json['choices'] = json['choices'].map(decodeChoice);
  if (isObject(json['usage'])) json['usage'] = decodeUsage(json['usage']);
  return json as unknown as ChatCompletionResponse;
}

function decodeChoice(choice: unknown, position: number): Json {
  if (!isObject(choice)) return { index: position, finishReason: null };
  const { finish_reason, message, ...rest } = choice;
  return { ...rest, message: decodeMessage(message), finishReason: finish_reason ?? null };
}
