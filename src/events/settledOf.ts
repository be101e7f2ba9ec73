import type { Settled } from './Settled.js';

/** Makes a {@link Settled} of how an input has ended. */
export const settledOf = {
  fulfilled: <T, R>(value: R, input: T, index: number): Settled<T, R> => ({ status: 'fulfilled', value, input, index }),
  rejected: <T, R>(reason: unknown, input: T, index: number): Settled<T, R> => ({ status: 'rejected', reason, input, index }),
};
