import { describeCause } from './describeCause.js';
import { isRxMistralError, RxMistralError } from './RxMistralError.js';

/**
 * `thrown` itself where it is of this family; anything else (a `TypeError` of the user's own code, a string that was
 * thrown) wrapped: of kind `timeout`, retryable, for the `TimeoutError` of rxjs's `timeout`, else of kind `validation`,
 * the one kind which says that the fault lies on this side and that the same again will not help. `cause` is a
 * sanitised copy; the message names the error and no more, because what user code throws may quote the user's data.
 */
export function toRxMistralError(thrown: unknown): RxMistralError {
  if (isRxMistralError(thrown)) return thrown;
  const cause = describeCause(thrown);
  return cause.name === 'TimeoutError'
    ? new RxMistralError({ kind: 'timeout', message: 'The stream was ended by a TimeoutError', retryable: true, cause })
    : new RxMistralError({ kind: 'validation', message: `The stream was ended by code outside of rxmistral (${cause.name})`, cause });
}
