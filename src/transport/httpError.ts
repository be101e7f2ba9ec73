import { bounded } from '../errors/describeCause.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { parseRetryAfter } from '../policies/retryAfter.js';
import { isRetryableStatus } from '../policies/retryable.js';
import { isObject, type Json } from './json.js';

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
  const report = readErrorReport(parseObject(body));
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

/** Reads an error object of any of the shapes above; every field may be missing, null or of another type. */
export function readErrorReport(json: Json | undefined): ErrorReport {
  if (json === undefined) return {};
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
  if (typeof value === 'string') return value === '' ? undefined : bounded(value, maxMessageLength);
  if (Array.isArray(value)) {
    const lines = value.map(readDetail).filter((line) => line !== undefined);
    return lines.length === 0 ? undefined : bounded(lines.join('; '), maxMessageLength);
  }
  return isObject(value) ? (readMessage(value['detail']) ?? readMessage(value['message'])) : undefined;
}

// One line of a validation error: where and what. `input` and `ctx` repeat the request, so they stay behind.
function readDetail(detail: unknown): string | undefined {
  if (typeof detail === 'string') return detail;
  if (!isObject(detail) || typeof detail['msg'] !== 'string') return undefined;
  const place = Array.isArray(detail['loc']) ? detail['loc'].filter(isName).join('.') : '';
  return place === '' ? detail['msg'] : `${place}: ${detail['msg']}`;
}

function isName(part: unknown): part is string | number {
  return typeof part === 'string' || typeof part === 'number';
}

/** The object that a body is the JSON of, if it is that of one. */
export function parseObject(body: string): Json | undefined {
  try {
    const json: unknown = JSON.parse(body);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
