/** How one input ended: with its result, or with the reason why it has none. */
export type Settled<T, R> =
  | { readonly status: 'fulfilled'; readonly value: R; readonly input: T; readonly index: number }
  | { readonly status: 'rejected'; readonly reason: unknown; readonly input: T; readonly index: number };
