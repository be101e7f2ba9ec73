/** What the tokens of a model cost, for 1,000,000 of them, in a currency of the user's choice. */
export interface ModelPrice {
  /** For 1,000,000 tokens of input, at least 0. */
  readonly input: number;
  /** For 1,000,000 tokens of output, at least 0. */
  readonly output: number;
  /**
   * For 1,000,000 tokens of input that came out of the server's cache, at least 0.
   * @defaultValue `input`
   */
  readonly cachedInput?: number | undefined;
}

/** Tokens to be priced. */
export interface PricedTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The part of `inputTokens` that came out of the server's cache. */
  readonly cachedTokens?: number | undefined;
}

const tokensPerPrice = 1_000_000;

/** What these tokens cost. Divided once, at the end, so that whole prices give no error of rounding before it. */
export function costOf(price: ModelPrice, { inputTokens, outputTokens, cachedTokens = 0 }: PricedTokens): number {
  const { input, output, cachedInput = input } = price;
  return ((inputTokens - cachedTokens) * input + cachedTokens * cachedInput + outputTokens * output) / tokensPerPrice;
}
