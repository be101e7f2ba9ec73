/** Tokens, and what they cost. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /**
   * What they cost, as far as prices are known: in the currency of the prices. `undefined` where there are tokens and no
   * price for any of them.
   */
  readonly cost: number | undefined;
  /** How many of them have no price, and are not in `cost`. */
  readonly unpricedTokens: number;
}

/** What attempts have cost that failed or were cancelled: of these the server reports nothing. */
export interface EstimatedTokenUsage extends TokenUsage {
  /** How many such attempts there were. Those that failed before the server began to answer are not among them. */
  readonly attempts: number;
  /** Of how many of these attempts the input is not known: what they cost comes on top of `cost`. */
  readonly unknownInputs: number;
}

/** What was used: `inputTokens`, `outputTokens` and `cost` are what the server has reported; `estimated` is apart. */
export interface UsageTotals extends TokenUsage {
  /** The answers that were asked for and have ended, however they ended. */
  readonly calls: number;
  /** The further attempts that these took. */
  readonly retries: number;
  /** The part of `inputTokens` that came out of the server's cache. */
  readonly cachedTokens: number;
  /** The calls that took tokens, or may have, of a model without a price. */
  readonly unpricedCalls: number;
  /** What comes on top of what was reported. */
  readonly estimated: EstimatedTokenUsage;
}

/** What was used of one model. */
export interface ModelUsage extends UsageTotals {
  /**
   * The model as the server names it. `undefined` for what has no name (a call that failed before it was answered) and
   * for the models beyond `maxModels`, together.
   */
  readonly model: string | undefined;
}

/** A `UsageMeter` as it stands. The sums of `models` are the totals. */
export interface UsageState extends UsageTotals {
  /** Model by model, in the order in which they were first used. */
  readonly models: readonly ModelUsage[];
}
