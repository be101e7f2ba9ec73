import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type BlockList, isIP, type LookupFunction } from 'node:net';
import { Observable } from 'rxjs';
import { parseRetryAfter, RxMistralError } from '../index.js';
import { ForbiddenAddressError, guardedLookup, isReachable } from './publicAddress.js';

/** One attempt, ready to be sent. */
export interface WebhookAttempt {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** How a webhook may be sent. */
export interface WebhookRoute {
  readonly http: boolean;
  readonly addresses: BlockList;
  readonly lookup: LookupFunction;
}

/**
 * Sends one attempt and emits the status, which is one of the 200s; anything else is an error. The answer's body is not read,
 * and redirects are not followed. Unsubscribing closes the socket, and so does the answer.
 */
export function sendWebhook({ url, headers, body }: WebhookAttempt, { http, addresses, lookup }: WebhookRoute, now: () => number): Observable<number> {
  // Constructed: the socket itself must be given the guarded look-up, which no fetch takes.
  return new Observable((subscriber) => {
    if (url.protocol !== 'https:' && !(http && url.protocol === 'http:')) {
      subscriber.error(refused('A webhook goes to https addresses only, unless `allow.http` is set'));
      return;
    }
    // A name is resolved, and looked at, where the socket is opened; an address is not.
    const address = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(address) !== 0 && !isReachable(address, addresses)) {
      subscriber.error(describe(new ForbiddenAddressError()));
      return;
    }
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': body.byteLength },
      // A socket of its own: one from a pool may have been opened by somebody with other rules.
      agent: false,
      lookup: guardedLookup(lookup, addresses),
    });
    request.on('response', ({ statusCode = 0, headers: answered }) => {
      if (statusCode >= 200 && statusCode <= 299) {
        subscriber.next(statusCode);
        subscriber.complete();
      } else {
        const { date, 'retry-after': retryAfter } = answered;
        const head = new Headers({ ...(date !== undefined && { date }), ...(retryAfter !== undefined && { 'retry-after': retryAfter }) });
        subscriber.error(answerError(statusCode, parseRetryAfter(head, now())));
      }
    });
    request.on('error', (error) => {
      subscriber.error(describe(error));
    });
    request.end(body);
    return () => {
      request.destroy();
    };
  });
}

// A redirect that is not followed, and an endpoint that is gone for good, are the same the next time.
function answerError(status: number, retryAfterMs: number | undefined): RxMistralError {
  const retryable = status !== 410 && (status < 300 || status > 399);
  return new RxMistralError({ kind: 'http', status, retryable, retryAfterMs, message: `The webhook was answered with status ${status}` });
}

function describe(error: Error): RxMistralError {
  if (error instanceof ForbiddenAddressError) return refused(error.message);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return new RxMistralError({ kind: 'connection', code, retryable: true, message: 'The webhook could not be sent', cause: error });
}

function refused(message: string): RxMistralError {
  return new RxMistralError({ kind: 'validation', code: 'webhook-address', message });
}
