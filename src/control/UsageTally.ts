import type { UsageRecord } from '../events/UsageRecord.js';
import { costOf, type ModelPrice, type PricedTokens } from '../policies/modelPrice.js';
import type { TokenUsage, UsageTotals } from './UsageState.js';

/** Adds up the usage of one model. Only tokens are added; what they cost is worked out when it is read, so that no sum drifts. */
export class UsageTally {
  readonly #price: ModelPrice | undefined;
  #calls = 0;
  #retries = 0;
  // The calls that took tokens, or may have.
  #paidCalls = 0;
  #attempts = 0;
  #unknownInputs = 0;
  readonly #reported = { inputTokens: 0, outputTokens: 0, cachedTokens: 0 };
  readonly #estimated = { inputTokens: 0, outputTokens: 0 };

  /** @param price What the model's tokens cost, where that is known. */
  constructor(price: ModelPrice | undefined) {
    this.#price = price;
  }

  add({ calls = 1, retries = 0, inputTokens = 0, cachedTokens = 0, outputTokens = 0, estimated = {} }: UsageRecord): void {
    const { attempts = 0, unknownInputs = 0, inputTokens: estimatedInput = 0, outputTokens: estimatedOutput = 0 } = estimated;
    this.#calls += calls;
    this.#retries += retries;
    if (inputTokens + outputTokens + attempts > 0) this.#paidCalls += calls;
    this.#attempts += attempts;
    this.#unknownInputs += unknownInputs;
    this.#reported.inputTokens += inputTokens;
    this.#reported.outputTokens += outputTokens;
    this.#reported.cachedTokens += cachedTokens;
    this.#estimated.inputTokens += estimatedInput;
    this.#estimated.outputTokens += estimatedOutput;
  }

  read(): UsageTotals {
    const { cachedTokens } = this.#reported;
    return {
      calls: this.#calls,
      retries: this.#retries,
      ...this.#priced(this.#reported),
      cachedTokens,
      unpricedCalls: this.#price === undefined ? this.#paidCalls : 0,
      estimated: { attempts: this.#attempts, ...this.#priced(this.#estimated), unknownInputs: this.#unknownInputs },
    };
  }

  #priced(tokens: PricedTokens): TokenUsage {
    const { inputTokens, outputTokens } = tokens;
    const count = inputTokens + outputTokens;
    if (this.#price !== undefined) return { inputTokens, outputTokens, cost: costOf(this.#price, tokens), unpricedTokens: 0 };
    return { inputTokens, outputTokens, cost: count === 0 ? 0 : undefined, unpricedTokens: count };
  }
}

/** The sums of several. */
export function totalUsage(usages: readonly UsageTotals[]): UsageTotals {
  return {
    calls: sum(usages, ({ calls }) => calls),
    retries: sum(usages, ({ retries }) => retries),
    ...totalTokens(usages),
    cachedTokens: sum(usages, ({ cachedTokens }) => cachedTokens),
    unpricedCalls: sum(usages, ({ unpricedCalls }) => unpricedCalls),
    estimated: {
      attempts: sum(usages, ({ estimated }) => estimated.attempts),
      ...totalTokens(usages.map(({ estimated }) => estimated)),
      unknownInputs: sum(usages, ({ estimated }) => estimated.unknownInputs),
    },
  };
}

function totalTokens(usages: readonly TokenUsage[]): TokenUsage {
  const inputTokens = sum(usages, (usage) => usage.inputTokens);
  const outputTokens = sum(usages, (usage) => usage.outputTokens);
  const unpricedTokens = sum(usages, (usage) => usage.unpricedTokens);
  const isUnpriced = unpricedTokens > 0 && unpricedTokens === inputTokens + outputTokens;
  const cost = isUnpriced ? undefined : sum(usages, (usage) => usage.cost ?? 0);
  return { inputTokens, outputTokens, cost, unpricedTokens };
}

function sum<T>(items: readonly T[], count: (item: T) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
}
