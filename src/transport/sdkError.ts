import { asyncScheduler } from 'rxjs';
import { bounded } from '../errors/describeCause.js';
import { isRxMistralError, RxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import { correlationId, httpError, readErrorReport } from './httpError.js';
import { isObject, parseJson } from './json.js';
import type { Redaction } from './redaction.js';
import type { CapturedResponse } from './SdkCall.js';

const maxExcerptLength = 200;
const maxDepth = 5;

/**
 * The error of a call that the SDK failed, from what the server answered if it did, else from the SDK's error. The
 * one place where errors of the SDK and of `fetch` become ours.
 */
export function sdkError(error: unknown, response: CapturedResponse | undefined, redaction: Redaction): RxMistralError {
  const ours = chainOf(error).find(isRxMistralError);
  if (ours !== undefined) return ours;
  if (response === undefined) return notAnswered(error, redaction);
  const { status, text } = response;
  if (status >= 300) {
    const headers = redaction.headers(response.headers);
    return httpError({ status, headers, body: redaction.text(text ?? ''), now: asyncScheduler.now() });
  }
  // In the middle of an answer that is no stream.
  if (text === undefined) return new RxMistralError(connectionLost('The connection broke', error, redaction));
  return unexpectedResponse(response, redaction);
}

/** The connection broke in the middle of a stream. */
export function brokenStreamError(error: unknown, redaction: Redaction): TruncatedStreamError {
  return new TruncatedStreamError(connectionLost('The connection broke', error, redaction));
}

function connectionLost(what: string, error: unknown, redaction: Redaction) {
  const code = findCode(error);
  return {
    kind: 'connection',
    message: code === undefined ? what : `${what} (${code})`,
    code,
    // A certificate that is refused now is refused the next time too.
    retryable: !certificateCode.test(code ?? ''),
    cause: redaction.cause(error),
  } as const;
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
  const { message, code, requestId } = readErrorReport(parseJson(clean));
  return new RxMistralError({
    kind: 'protocol',
    message:
      message === undefined
        ? `The server answered ${status} with an unexpected body (${type}): ${excerpt(clean)}`
        : `The server answered ${status} with an error: ${message}`,
    status,
    code: message === undefined ? undefined : code,
    requestId: requestId ?? correlationId(redaction.headers(headers)),
  });
}

// The SDK's check refused the request, or it could not be sent.
function notAnswered(error: unknown, redaction: Redaction): RxMistralError {
  const name = error instanceof Error ? error.name : '';
  if (name === 'SDKValidationError') return requestRefused(error, redaction);
  const code = findCode(error) ?? '';
  if (connectionFailures.includes(name) || connectionCode.test(code) || certificateCode.test(code)) {
    return new RxMistralError(connectionLost('No connection to the server', error, redaction));
  }
  return new RxMistralError({
    kind: 'validation',
    message: 'The request could not be made: the API key, a hook or the HTTP client failed',
    cause: redaction.cause(error),
  });
}

// The issues say where and what is wrong; the values stay behind.
function requestRefused(error: unknown, redaction: Redaction): RxMistralError {
  const issues = isObject(error) && isObject(error['cause']) ? error['cause']['issues'] : undefined;
  const lines = Array.isArray(issues) ? issues.filter(isObject).map(({ path, message }) => ({ path, message })) : [];
  const { message } = readErrorReport(parseJson(redaction.text(JSON.stringify({ detail: lines }))));
  const detail = message === undefined ? '' : `: ${bounded(message, 500)}`;
  return new RxMistralError({ kind: 'validation', message: `The request is not valid${detail}` });
}

// The SDK's names for what `fetch` failed with.
const connectionFailures = ['ConnectionError', 'RequestTimeoutError', 'RequestAbortedError'];
const certificateCode = /^(?:CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|ERR_(?:SSL|TLS))/;
// Of the system, of undici and its parser: what a fetcher of the user's own throws too. Any other code (ENOENT of the
// key's file, ERR_INVALID_ARG_TYPE) is a fault on this side.
const connectionCode =
  /^(?:ECONN|EPIPE$|EPROTO$|E(?:SOCKET)?TIMEDOUT$|ENOTFOUND$|EAI_|EHOST|ENET|EADDR|UND_ERR_|HPE_|ERR_(?:HTTP2|NETWORK|STREAM_PREMATURE_CLOSE))/;

// The system's code (ECONNRESET, UND_ERR_SOCKET) stands somewhere down the chain of causes, the first of them lowest.
function findCode(error: unknown): string | undefined {
  const codes = chainOf(error).map(({ code }) => code);
  return codes.findLast((code): code is string => typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code));
}

// An error and those below it: the SDK wraps what is thrown inside of it, `fetch` what the system says.
function chainOf(error: unknown): { readonly code?: unknown }[] {
  const chain: { readonly code?: unknown }[] = [];
  for (let each = error; isObject(each) && chain.length < maxDepth; each = each['cause']) chain.push(each);
  return chain;
}

function excerpt(text: string): string {
  return text === '' ? 'nothing' : JSON.stringify(bounded(text, maxExcerptLength));
}
