import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';

/** What {@link usage} takes: the counts, and any other field of the SDK's `UsageInfo`. */
export type UsageFields = Partial<UsageInfo>;

/**
 * The SDK's `UsageInfo`. A count that is left out is 0; the total is the sum, unless one is given.
 *
 * ```ts
 * usage({ promptTokens: 12, completionTokens: 3 }); // { promptTokens: 12, completionTokens: 3, totalTokens: 15 }
 * ```
 */
export function usage(fields: UsageFields = {}): UsageInfo {
  const promptTokens = fields.promptTokens ?? 0;
  const completionTokens = fields.completionTokens ?? 0;
  return { ...fields, promptTokens, completionTokens, totalTokens: fields.totalTokens ?? promptTokens + completionTokens };
}
