import { isRecord } from '../errors/isRecord.js';

/**
 * How many characters of an answer a value brings: a delta event, or a chunk of a stream as the SDK has it (whose first
 * one may bring none). `undefined` for any other value.
 */
export function pieceLength(value: unknown): number | undefined {
  if (!isRecord(value)) return undefined;
  const { type, requestId, choices } = value;
  if (type === 'text-delta' || type === 'thinking-delta') return isText(requestId) ? lengthOf(value['text']) : undefined;
  if (type === 'tool-call-delta') return isText(requestId) ? lengthOf(value['argumentsText']) : undefined;
  if (type !== undefined || !Array.isArray(choices)) return undefined;
  const deltas = choices.map((choice: unknown) => (isRecord(choice) ? choice['delta'] : undefined)).filter(isRecord);
  return deltas.length === 0 ? undefined : sumOf(deltas, messageLength);
}

/** How many characters a message of the SDK has, or a part of one: text, thinking and the arguments of tool calls. */
export function messageLength(message: unknown): number {
  if (!isRecord(message)) return 0;
  const { content, toolCalls } = message;
  return contentLength(content) + sumOf(toolCalls, argumentsLength);
}

function contentLength(content: unknown): number {
  return typeof content === 'string' ? content.length : sumOf(content, chunkLength);
}

function chunkLength(chunk: unknown): number {
  if (!isRecord(chunk)) return lengthOf(chunk);
  return lengthOf(chunk['text']) + contentLength(chunk['thinking']);
}

function argumentsLength(toolCall: unknown): number {
  const called = isRecord(toolCall) ? toolCall['function'] : undefined;
  const json = isRecord(called) ? called['arguments'] : undefined;
  return isRecord(json) ? JSON.stringify(json).length : lengthOf(json);
}

function sumOf(list: unknown, length: (item: unknown) => number): number {
  return Array.isArray(list) ? list.reduce<number>((sum, item) => sum + length(item), 0) : 0;
}

function lengthOf(value: unknown): number {
  return isText(value) ? value.length : 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
