import { bounded } from '../errors/describeCause.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { parseRetryAfter } from '../policies/retryAfter.js';
import { isRetryableStatus } from '../policies/retryable.js';
import { isObject, parseJson } from './json.js';

/** A response that is no success, with its body as far as it was read. */
export interface HttpFailure {
  readonly status: number;
  readonly headers: Pick<Headers, 'get'>;
  readonly body: string;
  /** The time in milliseconds since 1970, from which a `Retry-After` date counts. */
  readonly now: number;
}

const maxMessageLength = 1_000;

/**
 * The error of a response that is no success. The server's own message is kept, cut at 1,000 characters; what it
 * repeats of the request (`input`) is not. Reads all shapes that Mistral and the gateways before it send:
 *
 * - `{ object: 'error', message, type, param, code }`, also with `message: { detail: [...] }`
 * - `{ detail: [{ loc, msg, type }] }` or `{ detail: '…' }`
 * - `{ message, request_id }`
 * - `{ error: { message, type, code } }` or `{ error: '…' }`
 * - anything else, HTML too: the status alone
 */
export function httpError({ status, headers, body, now }: HttpFailure): RxMistralError {
  const report = readErrorReport(parseJson(body));
  return new RxMistralError({
    kind: status === 429 ? 'rate-limit' : 'http',
    message: report.message ?? `The server answered with status ${status}`,
    status,
    code: report.code,
    requestId: report.requestId ?? correlationId(headers),
    retryable: isRetryableStatus(status, headers),
    retryAfterMs: parseRetryAfter(headers, now),
  });
}

/** The server's id of a call, from the response's headers. */
export function correlationId(headers: Pick<Headers, 'get'>): string | undefined {
  const id = headers.get('mistral-correlation-id') ?? headers.get('x-request-id');
  return id === null ? undefined : bounded(id, 100);
}

/** What a server says of an error, whatever the shape. */
export interface ErrorReport {
  readonly message?: string | undefined;
  readonly code?: string | undefined;
  readonly type?: string | undefined;
  readonly requestId?: string | undefined;
}

/** Reads an error object of any of the shapes above; every field may be missing, null or of another type, and so may it. */
export function readErrorReport(json: unknown): ErrorReport {
  if (!isObject(json)) return {};
  const inner = isObject(json['error']) ? json['error'] : json;
  const { type } = inner;
  const code = inner['code'] ?? type;
  const requestId = json['request_id'];
  return {
    message: readMessage(inner['message']) ?? readMessage(inner['detail']) ?? readMessage(json['error']),
    code: typeof code === 'string' || typeof code === 'number' ? bounded(String(code), 100) : undefined,
    type: typeof type === 'string' ? bounded(type, 100) : undefined,
    requestId: typeof requestId === 'string' ? bounded(requestId, 100) : undefined,
  };
}

function readMessage(value: unknown): string | undefined {
  if (isObject(value)) return readMessage(value['detail']) ?? readMessage(value['message']);
  const text = Array.isArray(value) ? value.map(readProblem).filter(Boolean).join('; ') : value;
  return typeof text === 'string' && text !== '' ? bounded(text, maxMessageLength) : undefined;
}

// One line of a validation error, of a server's (`loc`, `msg`) or of the SDK's own check (`path`, `message`): where and
// what. `input` and `ctx` repeat the request, so they stay behind.
function readProblem(problem: unknown): string {
  if (!isObject(problem)) return typeof problem === 'string' ? problem : '';
  const { loc, msg, path = loc, message = msg } = problem;
  if (typeof message !== 'string') return '';
  const place = Array.isArray(path) ? path.filter(isName).join('.') : '';
  return place === '' ? message : `${place}: ${message}`;
}

function isName(part: unknown): part is string | number {
  return typeof part === 'string' || typeof part === 'number';
}
