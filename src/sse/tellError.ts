import type { RxMistralError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';

/** Tells `onError` of what was thrown, as an error of the family, and returns it. */
export function tellError({ onError }: { readonly onError?: ((error: RxMistralError) => void) | undefined }, thrown: unknown): RxMistralError {
  const error = toRxMistralError(thrown);
  onError?.(error);
  return error;
}
