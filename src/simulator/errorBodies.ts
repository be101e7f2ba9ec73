import { jsonAnswer, type JsonAnswer } from './answer.js';

/** One complaint about a request, as Pydantic words it. */
export interface ValidationDetail {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
  readonly input?: unknown;
}

export interface ErrorBody {
  readonly object: 'error';
  readonly message: unknown;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** `{object:"error", …}`, the shape of the API proper. */
export function errorBody(message: unknown, type: string, code: string | null): ErrorBody {
  return { object: 'error', message, type, param: null, code };
}

/** `{message, request_id}`, the shape of the gateway before the API. */
export function gatewayBody(message: string, requestId: string): { readonly message: string; readonly request_id: string } {
  return { message, request_id: requestId };
}

export function rateLimitedBody(): ErrorBody {
  return errorBody('Rate limit exceeded', 'rate_limited', '1300');
}

export function invalidRequest(message: string, type = 'invalid_request_error'): JsonAnswer {
  return jsonAnswer(400, errorBody(message, type, '3230'));
}

/** A 422 in one of its two shapes. */
export function validationFailed(detail: readonly ValidationDetail[], shape: 'detail' | 'error-detail'): JsonAnswer {
  return jsonAnswer(422, shape === 'detail' ? { detail } : errorBody({ detail }, 'invalid_request_error', null));
}

/** What a proxy in between says. */
export function htmlPage(status: number, title: string): string {
  return `<!DOCTYPE html>\n<html>\n<head><title>${status} ${title}</title></head>\n<body>\n<center><h1>${status} ${title}</h1></center>\n<hr><center>proxy</center>\n</body>\n</html>\n`;
}
