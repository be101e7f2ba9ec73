/** Tokens that the server has reported. */
export interface TokenCounts {
  readonly inputTokens: number;
  /** The part of `inputTokens` that came out of the server's cache. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

/** What attempts have cost of which the server reported nothing, as far as it can be told. */
export interface EstimatedUsage {
  /** How many such attempts there were: they had begun to answer, and then failed or were cancelled. */
  readonly attempts: number;
  /** Their input, where it is known from an attempt of the same call that came to its end. */
  readonly inputTokens: number;
  /** Their output, estimated from the text that had come. */
  readonly outputTokens: number;
  /** Of how many of these attempts the input is not known. It is not in `inputTokens`, and not in any cost. */
  readonly unknownInputs: number;
}

/** The usage of one answer, or of several of the same model. */
export interface UsageRecord {
  /** The model as the server names it; left out where that is not known. */
  readonly model?: string | undefined;
  /**
   * How many answers were asked for.
   * @defaultValue 1
   */
  readonly calls?: number | undefined;
  /**
   * How many further attempts that took.
   * @defaultValue 0
   */
  readonly retries?: number | undefined;
  /** @defaultValue 0 */
  readonly inputTokens?: number | undefined;
  /**
   * The part of `inputTokens` that came out of the server's cache.
   * @defaultValue 0
   */
  readonly cachedTokens?: number | undefined;
  /** @defaultValue 0 */
  readonly outputTokens?: number | undefined;
  /** @defaultValue nothing */
  readonly estimated?: Partial<EstimatedUsage> | undefined;
}
