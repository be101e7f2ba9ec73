import { isRecord } from '../errors/isRecord.js';

/** The tokens that an answer, its last chunk or its last event has cost in all, where it says so. */
export function totalTokens(value: unknown): number | undefined {
  if (!isRecord(value)) return undefined;
  const { usage, data } = value;
  if (isRecord(usage)) return isCount(usage['totalTokens']) ? usage['totalTokens'] : undefined;
  // Events of audio carry theirs one level down.
  return isRecord(data) && !Array.isArray(data) ? totalTokens({ usage: data['usage'] }) : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
