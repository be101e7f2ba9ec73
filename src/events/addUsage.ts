import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import { isRecord } from '../errors/isRecord.js';

/**
 * The usage of two attempts together: numbers are added, also those in nested objects (`prompt_tokens_details`); of
 * anything else the later value stands. `undefined` where neither is known.
 */
export function addUsage(first: UsageInfo | undefined, second: UsageInfo | undefined): UsageInfo | undefined {
  if (first === undefined || second === undefined) return second ?? first;
  return add(first, second);
}

function add(first: Readonly<Record<string, unknown>>, second: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const sum: Record<string, unknown> = { ...first };
  for (const [name, value] of Object.entries(second)) sum[name] = addValues(sum[name], value);
  return sum;
}

function addValues(first: unknown, second: unknown): unknown {
  if (typeof first === 'number' && typeof second === 'number') return first + second;
  if (isRecord(first) && isRecord(second) && !Array.isArray(second)) return add(first, second);
  return second ?? first;
}
