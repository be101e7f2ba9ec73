import { isRecord } from '../errors/isRecord.js';
import type { TokenCounts } from './UsageRecord.js';

const detailNames = ['promptTokensDetails', 'promptTokenDetails', 'prompt_tokens_details', 'prompt_token_details'];

/**
 * The counts in a usage of the SDK (`UsageInfo` and its like); `undefined` where it has none, as that of OCR, which
 * counts pages. Cached tokens stand in one of several places, under the SDK's names or, where the SDK does not know the
 * field, under the API's.
 */
export function readUsage(usage: unknown): TokenCounts | undefined {
  if (!isRecord(usage)) return undefined;
  const inputTokens = readCount(usage['promptTokens']);
  const outputTokens = readCount(usage['completionTokens']);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const details = detailNames.map((name) => usage[name]).find(isRecord) ?? {};
  const cachedTokens =
    readCount(usage['numCachedTokens']) ??
    readCount(usage['num_cached_tokens']) ??
    readCount(details['cachedTokens']) ??
    readCount(details['cached_tokens']) ??
    0;
  return {
    inputTokens: inputTokens ?? 0,
    cachedTokens: Math.min(cachedTokens, inputTokens ?? 0),
    outputTokens: outputTokens ?? 0,
  };
}

// Far above any prompt or answer; a count that no sum would survive is none.
const maxCount = 2 ** 32;

function readCount(value: unknown): number | undefined {
  const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxCount;
  return isCount ? value : undefined;
}
