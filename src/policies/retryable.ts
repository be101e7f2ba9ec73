import { isRxMistralError } from '../errors/RxMistralError.js';

/**
 * Whether the same request may succeed when it is sent again: after 408, 429 and 5xx. A 429 with a zero allowance is
 * final: see {@link hasZeroAllowance}.
 */
export function isRetryableStatus(status: number, headers: Pick<Headers, 'get'>): boolean {
  if (status === 429) return !hasZeroAllowance(headers);
  return status === 408 || (status >= 500 && status <= 599);
}

/**
 * Whether the server allows no requests, or no tokens, in any minute. Mistral says so where a plan does not include a
 * model: no wait will help.
 */
export function hasZeroAllowance(headers: Pick<Headers, 'get'>): boolean {
  return ['x-ratelimit-limit-req-minute', 'x-ratelimit-limit-tokens-minute'].some((name) =>
    /^\s*0+\s*$/.test(headers.get(name) ?? ''),
  );
}

/**
 * Whether `error` says of itself that the same call may succeed when it is made again: an `RxMistralError` with
 * `retryable`. An error of any other kind is a bug or a stranger, and is not retried.
 */
export function isRetryableError(error: unknown): boolean {
  return isRxMistralError(error) && error.retryable;
}

/**
 * Whether `error` shows that the server is at work: it answered with a status of the 400s against which no retry helps,
 * so what it refused is the request.
 */
export function isRefusedRequest(error: unknown): boolean {
  if (!isRxMistralError(error) || error.retryable) return false;
  const { status = 0 } = error;
  return status >= 400 && status <= 499;
}
