import { asyncScheduler } from 'rxjs';
import { bounded } from '../errors/describeCause.js';
import { isRxMistralError, RxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import { correlationId, httpError, parseObject, readErrorReport } from './httpError.js';
import { isObject } from './json.js';
import type { Redaction } from './redaction.js';
import type { CapturedResponse } from './SdkCall.js';

const maxExcerptLength = 200;

/**
 * The error of a call that the SDK failed, from what the server answered if it did, else from the SDK's error. The
 * one place where errors of the SDK and of `fetch` become ours.
 */
export function sdkError(error: unknown, response: CapturedResponse | undefined, redaction: Redaction): RxMistralError {
  const ours = ownErrorIn(error);
  if (ours !== undefined) return ours;
  if (response !== undefined && response.status >= 300) {
    const { status, headers, text = '' } = response;
    const clean = { get: (name: string) => cleanOrNull(headers.get(name), redaction) };
    return httpError({ status, headers: clean, body: redaction.text(text), now: asyncScheduler.now() });
  }
  // In the middle of an answer that is no stream.
  if (response?.fault !== undefined) return connectionError('The connection broke', response.fault, redaction);
  if (response !== undefined) return unexpectedResponse(response, redaction);
  if (nameOf(error) === 'SDKValidationError') return requestRefused(error, redaction);
  return notSent(error, redaction);
}

/** The connection broke in the middle of a stream. */
export function brokenStreamError(error: unknown, redaction: Redaction): TruncatedStreamError {
  return new TruncatedStreamError({ kind: 'connection', ...describeFault('The connection broke', error, redaction) });
}

function connectionError(what: string, error: unknown, redaction: Redaction): RxMistralError {
  return new RxMistralError({ kind: 'connection', ...describeFault(what, error, redaction) });
}

function describeFault(what: string, error: unknown, redaction: Redaction) {
  const code = findCode(error);
  const message = code === undefined ? what : `${what} (${code})`;
  return { message, code, retryable: !certificateCode.test(code ?? ''), cause: redaction.cause(error) };
}

/** Data that is not what the endpoint sends, with a bounded piece of it. */
export function protocolError(message: string, data: string, redaction: Redaction): RxMistralError {
  return new RxMistralError({ kind: 'protocol', message: `${message}: ${excerpt(redaction.text(data))}` });
}

/** The server answered with success, but not with what was asked for. */
export function unexpectedResponse(response: CapturedResponse, redaction: Redaction): RxMistralError {
  const { status, headers, contentType, text = '' } = response;
  const type = contentType === '' ? 'no content type' : contentType;
  const clean = redaction.text(text);
  // An error in the clothes of a success says what is wrong; the rest of it may repeat the request.
  const { message, code, requestId } = readErrorReport(parseObject(clean));
  return new RxMistralError({
    kind: 'protocol',
    message:
      message === undefined
        ? `The server answered ${status} with an unexpected body (${type}): ${excerpt(clean)}`
        : `The server answered ${status} with an error: ${message}`,
    status,
    code: message === undefined ? undefined : code,
    requestId: requestId ?? cleanOrNull(correlationId(headers) ?? null, redaction) ?? undefined,
  });
}

function cleanOrNull(text: string | null, redaction: Redaction): string | null {
  return text === null ? null : redaction.text(text);
}

// The request did not pass the SDK's check. The issues say where and what is wrong; the values stay behind.
function requestRefused(error: unknown, redaction: Redaction): RxMistralError {
  const issues = isObject(error) && isObject(error['cause']) ? error['cause']['issues'] : undefined;
  const lines = Array.isArray(issues) ? issues.map(describeIssue).filter((line) => line !== '') : [];
  const detail = lines.length === 0 ? '' : `: ${bounded(redaction.text(lines.join('; ')), 500)}`;
  return new RxMistralError({ kind: 'validation', message: `The request is not valid${detail}` });
}

function describeIssue(issue: unknown): string {
  if (!isObject(issue) || typeof issue['message'] !== 'string') return '';
  const path = Array.isArray(issue['path']) ? issue['path'].join('.') : '';
  return path === '' ? issue['message'] : `${path}: ${issue['message']}`;
}

function notSent(error: unknown, redaction: Redaction): RxMistralError {
  if (isConnectionFault(error)) return connectionError('No connection to the server', error, redaction);
  return new RxMistralError({
    kind: 'validation',
    message: 'The request could not be made: the API key, a hook or the HTTP client failed',
    cause: redaction.cause(error),
  });
}

// A certificate that is refused now is refused the next time too.
const certificateCode = /^(?:CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|ERR_(?:SSL|TLS))/;
// Of the system, of undici and its parser, of TLS: what a fetcher of the user's own throws too. Any other code (ENOENT of
// the key's file, ERR_INVALID_ARG_TYPE) is a fault on this side.
const connectionCode =
  /^(?:ECONN|EPIPE$|EPROTO$|E(?:SOCKET)?TIMEDOUT$|ENOTFOUND$|EAI_|EHOST|ENET|EADDR|UND_ERR_|HPE_|ERR_(?:SSL|TLS|HTTP2|NETWORK|STREAM_PREMATURE_CLOSE)|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/;

function isConnectionFault(error: unknown): boolean {
  return (
    ['ConnectionError', 'RequestTimeoutError', 'RequestAbortedError'].includes(nameOf(error)) ||
    connectionCode.test(findCode(error) ?? '')
  );
}

// An error that this library threw inside the SDK comes back wrapped in the SDK's.
function ownErrorIn(error: unknown, depth = 0): RxMistralError | undefined {
  if (isRxMistralError(error)) return error;
  return depth < 4 && error instanceof Error ? ownErrorIn(error.cause, depth + 1) : undefined;
}

// The system's code (ECONNRESET, UND_ERR_SOCKET) stands somewhere down the chain of causes.
function findCode(error: unknown, depth = 0): string | undefined {
  if (depth > 4 || typeof error !== 'object' || error === null) return undefined;
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return findCode(cause, depth + 1) ?? (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : undefined);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

function excerpt(text: string): string {
  return text === '' ? 'nothing' : JSON.stringify(bounded(text, maxExcerptLength));
}
