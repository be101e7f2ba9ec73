import { isRecord } from '../errors/isRecord.js';
import { isRxMistralError, RxMistralError } from '../errors/RxMistralError.js';

// What a server answers that cannot do it now: it starts, is full, or is not the master (any more).
const passing = /^(LOADING|OOM|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|MISCONF|UNBLOCKED|MOVED|ASK|NOSCRIPT)\b/;

/**
 * An error of the client as one of this family, without the command: `ioredis` hangs it on the error with all of its
 * arguments, and a reply may quote them.
 */
export function redisError(error: unknown): RxMistralError {
  if (isRxMistralError(error)) return error;
  if (!isReply(error)) return new RxMistralError({ kind: 'connection', message: 'Redis cannot be reached', retryable: true, cause: error });
  const [code = 'ERR'] = /^[A-Z]+/.exec(error.message) ?? [];
  const isPassing = passing.test(error.message);
  const message = `Redis has refused a command (${code})`;
  return new RxMistralError({ kind: isPassing ? 'connection' : 'protocol', message, code, retryable: isPassing });
}

function isReply(error: unknown): error is { readonly message: string } {
  return isRecord(error) && error['name'] === 'ReplyError' && typeof error['message'] === 'string';
}
