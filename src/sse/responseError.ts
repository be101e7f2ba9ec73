import { bounded, describeCause, type ErrorCause } from '../errors/describeCause.js';
import { isRecord } from '../errors/isRecord.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { parseRetryAfter } from '../policies/retryAfter.js';
import { isRetryableStatus } from '../policies/retryable.js';

const maxBodyBytes = 65_536;
const maxMessageLength = 1_000;

/** The error of a response whose status is not 200. `body` is what was read of it. */
export function statusError({ status, headers }: Response, body: string, now: number): RxMistralError {
  return new RxMistralError({
    kind: status === 429 ? 'rate-limit' : 'http',
    message: messageOf(body) ?? `The server answered with status ${status}`,
    status: status === 0 ? undefined : status,
    retryable: isRetryableStatus(status, headers),
    retryAfterMs: parseRetryAfter(headers, now),
  });
}

/** The response is no event stream. */
export function contentTypeError({ status, headers }: Response): RxMistralError {
  const type = headers.get('content-type') ?? '';
  return new RxMistralError({
    kind: 'protocol',
    message: `The server answered with ${type === '' ? 'no content type' : bounded(type, 100)} where an event stream was expected`,
    status,
  });
}

/** No connection, or one that broke. */
export function connectionError(what: string, error: unknown): RxMistralError {
  const cause = describeCause(error);
  const code = lowestCode(cause);
  const message = code === undefined ? what : `${what} (${code})`;
  return new RxMistralError({ kind: 'connection', message, code, retryable: true, cause: error });
}

/** Reads the body of an error, 64 KiB of it at most; what breaks there is not the error that matters. */
export async function readErrorBody(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (let read = 0; read < maxBodyBytes; ) {
      const { done, value } = await reader.read();
      if (done) break;
      read += value.byteLength;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // What came is what there is.
  }
  return text;
}

// `{ message }`, as this library's servers send it, or one of the usual wrappings of it.
function messageOf(body: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isRecord(json)) return undefined;
  const inner = isRecord(json['error']) ? json['error'] : json;
  const message = [inner['message'], json['error'], json['detail']].find((text) => typeof text === 'string' && text !== '');
  return typeof message === 'string' ? bounded(message, maxMessageLength) : undefined;
}

// The system's code stands somewhere down the chain of causes, the first of them lowest.
function lowestCode(cause: ErrorCause | undefined): string | undefined {
  return cause === undefined ? undefined : (lowestCode(cause.cause) ?? cause.code);
}
