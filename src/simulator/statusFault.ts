import { STATUS_CODES } from 'node:http';

import { jsonAnswer, type Answer } from './answer.js';
import { errorBody, gatewayBody, htmlPage, rateLimitedBody, type ValidationDetail } from './errorBodies.js';
import type { StatusFault } from './faults.js';

/** The answer that a {@link StatusFault} puts in place of the real one. */
export function statusAnswer(fault: StatusFault, requestId: string): Answer {
  const { status, location } = fault;
  const body = bodyOf(fault, requestId);
  const named = Object.fromEntries(Object.entries(fault.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const headers = { ...(location !== undefined && { location }), ...named };
  if ('json' in body) return jsonAnswer(status, body.json, headers);
  const contentType = body.contentType === undefined ? {} : { 'content-type': body.contentType };
  return { kind: 'bytes', status, headers: { ...contentType, ...headers }, pieces: [Buffer.from(body.text)], isDocument: true };
}

type Body = { readonly json: unknown } | { readonly text: string; readonly contentType: string | undefined };

function bodyOf({ status, body = usualBody(status) }: StatusFault, requestId: string): Body {
  if (typeof body === 'object') return 'json' in body ? body : { text: body.text, contentType: 'text/plain; charset=utf-8' };
  const title = STATUS_CODES[status] ?? 'Unknown';
  switch (body) {
    case 'error':
      return { json: status === 429 ? rateLimitedBody() : errorBody(messages[status] ?? title, typeOf(status), codes[status] ?? null) };
    case 'error-detail':
      return { json: errorBody({ detail }, 'invalid_request_error', null) };
    case 'detail':
      return { json: { detail } };
    case 'gateway':
      return { json: gatewayBody(status === 404 ? 'no Route matched with those values' : title, requestId) };
    case 'html':
      return { text: htmlPage(status, title), contentType: 'text/html' };
    case 'empty':
      return { text: '', contentType: undefined };
  }
}

function usualBody(status: number): 'error' | 'detail' | 'gateway' | 'empty' {
  if (status === 204 || (status >= 300 && status < 400)) return 'empty';
  if (status === 422) return 'detail';
  return [401, 403, 404, 405].includes(status) ? 'gateway' : 'error';
}

const detail: readonly ValidationDetail[] = [
  { type: 'missing', loc: ['body', 'messages'], msg: 'Field required', input: { model: 'mistral-small-latest' } },
];

const messages: Readonly<Record<number, string>> = { 503: 'Service tier capacity exceeded for this model.' };
const codes: Readonly<Record<number, string>> = { 500: '3000', 503: '3505' };

function typeOf(status: number): string {
  if (status === 503) return 'service_tier_capacity_exceeded';
  return status >= 500 ? 'internal_server_error' : 'invalid_request_error';
}
