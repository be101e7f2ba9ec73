import { randomUUID } from 'node:crypto';
import { lookup as resolve } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { asyncScheduler, catchError, defer, map, type Observable, of, type OperatorFunction, throwError, timeout } from 'rxjs';
import { expectBoolean, expectDuration, expectFunction, expectHeaders, expectObject, expectScheduler, fail } from '../errors/expect.js';
import {
  exponentialBackoff,
  isRxMistralError,
  mapSettled,
  type RetryConfig,
  retryWithBackoff,
  RxMistralError,
} from '../index.js';
import { allowedAddresses } from './publicAddress.js';
import { sendWebhook, type WebhookRoute } from './sendWebhook.js';
import { secretsOf, signatureHeader, type WebhookSecret } from './webhookSignature.js';

/** A webhook was delivered: the receiver has answered with a status of the 200s. */
export interface WebhookDeliveredEvent<T> {
  readonly type: 'webhook-delivered';
  readonly id: string;
  readonly input: T;
  readonly status: number;
  /** How many attempts it took. */
  readonly attempts: number;
}

/** A webhook was given up: the dead letter, with all that is needed to post it again under the same id. */
export interface WebhookFailedEvent<T> {
  readonly type: 'webhook-failed';
  readonly id: string;
  readonly input: T;
  readonly attempts: number;
  /** What the last attempt failed with. */
  readonly error: RxMistralError;
}

/** What `postWebhook` emits: exactly one for each value. */
export type WebhookEvent<T> = WebhookDeliveredEvent<T> | WebhookFailedEvent<T>;

/** Options of {@link postWebhook}. */
export interface PostWebhookOptions<T> {
  /** Where to: the same for all, or one for each value. */
  readonly url: string | URL | ((value: T) => string | URL);
  /** `whsec_` and base64, or bytes, of at least 24 bytes; several sign side by side while one takes the place of another. */
  readonly secret: WebhookSecret | readonly WebhookSecret[];
  /**
   * The `webhook-id`: the same over all attempts, and the receiver's key against doing a thing twice. Make it of the job's own
   * id where the program may be restarted. No dots.
   * @defaultValue `msg_` and a UUID
   */
  readonly id?: ((value: T) => string) | undefined;
  /**
   * The payload, written as JSON. The specification recommends `{ type, timestamp, data }`, and to keep it under 20 kB.
   * @defaultValue the value itself
   */
  readonly payload?: ((value: T) => unknown) | undefined;
  /** Sent with each attempt, under the headers of the webhook itself. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * From the start of an attempt to its answer, in milliseconds.
   * @defaultValue 15,000
   */
  readonly timeout?: number | undefined;
  /**
   * How failed attempts are repeated. All is worth another try but a redirect, 410 (Gone), and an address that is not allowed.
   * `Retry-After` is respected up to an hour.
   * @defaultValue 6 retries, after 5 s to 30 min: about an hour
   */
  readonly retry?: RetryConfig | false | undefined;
  /**
   * How many are on their way at once, those that wait for their next attempt included: an integer of at least 1.
   * @defaultValue 100
   */
  readonly concurrency?: number | undefined;
  /**
   * The most values that wait for a place; one more is an error of kind `limit`.
   * @defaultValue 100,000
   */
  readonly maxQueued?: number | undefined;
  /** What is refused without it. */
  readonly allow?:
    | {
        /** Also `http:`. @defaultValue false */
        readonly http?: boolean | undefined;
        /** Addresses that are not public, and are reached all the same: single ones, or ranges as `10.1.0.0/16`. @defaultValue none */
        readonly addresses?: readonly string[] | undefined;
      }
    | undefined;
  /**
   * Resolves names, as `dns.lookup`; what it finds is looked at before it is connected to.
   * @defaultValue `dns.lookup`
   */
  readonly lookup?: LookupFunction | undefined;
  /**
   * The clock of timeouts, waits and the time in the signature.
   * @defaultValue `asyncScheduler`
   */
  readonly scheduler?: RetryConfig['scheduler'];
}

/**
 * Posts each value as a webhook, signed by the Standard Webhooks specification.
 *
 * ```
 * source:       -a-----b-------|
 * attempts:      a--✗--a  b-✗
 * postWebhook:  ---------A----B|     A: webhook-delivered, after two attempts   B: webhook-failed: it is gone (410)
 * ```
 *
 * **Values**: one for each value of the source, when it was delivered or given up. A dead letter is a value: it ends nothing,
 * and has the input and the id under which it can be posted again. `retry.onRetry` shows the attempts between.
 *
 * **Completes** when the source has completed and all are delivered or given up. **An error of the source** is told then.
 * **Unsubscribing** closes the sockets and forgets what was not delivered.
 *
 * Each attempt has the same id, and a time and signature of its own. Any status of the 200s is a success; redirects are not
 * followed, and the answer's body is not read.
 *
 * **Where it does not go**: `http:`, and addresses that are private, loopback, link-local (the metadata of clouds), or in
 * another way not public, those of IPv4 in IPv6 included. Names are looked at when the socket is opened, so a name that
 * resolves to something else the second time does not help. `allow` makes exceptions. Nothing of the client of Mistral, its key
 * least of all, is part of the request.
 *
 * @throws TypeError at once when an option is malformed.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { of } from 'rxjs';
 * import { postWebhook } from 'rxmistral/node';
 *
 * const receiver = createServer((request, response) => {
 *   console.log(request.headers['webhook-id'], request.headers['webhook-signature']);
 *   response.writeHead(204).end();
 * }).listen(0, '127.0.0.1', () => {
 *   const { port } = receiver.address() as { port: number };
 *   of({ jobId: 'job-1', status: 'done' })
 *     .pipe(
 *       postWebhook({
 *         url: `http://127.0.0.1:${port}/hook`,
 *         secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
 *         id: ({ jobId }) => `msg_${jobId}`,
 *         payload: (data) => ({ type: 'job.done', timestamp: new Date().toISOString(), data }),
 *         // For this example only: it is http, to this very machine.
 *         allow: { http: true, addresses: ['127.0.0.1'] },
 *       }),
 *     )
 *     .subscribe({ next: ({ type, id }) => console.log(type, id), complete: () => receiver.close() });
 * });
 * ```
 *
 * @see {@link verifyWebhook} for the other side
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function postWebhook<T>(options: PostWebhookOptions<T>): OperatorFunction<T, WebhookEvent<T>> {
  expectPostWebhookOptions(options);
  const { url, headers, payload, concurrency = 100, maxQueued, allow = {}, lookup = resolve } = options;
  const { id = () => `msg_${randomUUID()}`, timeout: patience = 15_000, scheduler = asyncScheduler } = options;
  const secrets = secretsOf(options.secret, minimumSecretBytes);
  const route: WebhookRoute = { http: allow.http ?? false, addresses: allowedAddresses(allow.addresses ?? []), lookup };
  const urlOf = typeof url === 'function' ? url : fixedUrl(url, route.http);
  const repeat = repeating(options.retry ?? defaultRetry, scheduler);

  const outOfTime = throwError(
    () => new RxMistralError({ kind: 'timeout', which: 'total', retryable: true, message: `The webhook was not answered within ${patience} ms` }),
  );

  const attemptAt = (target: URL, webhookId: string, body: Uint8Array): Observable<number> => {
    const timestamp = Math.floor(scheduler.now() / 1_000);
    const signed = {
      ...headers,
      'content-type': 'application/json',
      'webhook-id': webhookId,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatureHeader({ id: webhookId, timestamp, body }, secrets),
    };
    const attempt = sendWebhook({ url: target, headers: signed, body }, route, () => scheduler.now());
    return attempt.pipe(timeout({ first: patience, with: () => outOfTime, scheduler }));
  };

  const post = (input: T): Observable<WebhookEvent<T>> =>
    defer(() => {
      let webhookId = '';
      let attempts = 0;
      return defer(() => {
        webhookId = idOf(id(input));
        const target = new URL(urlOf(input));
        const body = Buffer.from(JSON.stringify(payload === undefined ? input : payload(input)));
        return repeat(
          defer(() => {
            attempts += 1;
            return attemptAt(target, webhookId, body);
          }),
        );
      }).pipe(
        map((status): WebhookEvent<T> => ({ type: 'webhook-delivered', id: webhookId, input, status, attempts })),
        catchError((error: unknown) => of<WebhookEvent<T>>({ type: 'webhook-failed', id: webhookId, input, attempts, error: deadLetterError(error) })),
      );
    });

  const settled = mapSettled(post, { concurrency, maxQueued });
  return (source) =>
    source.pipe(
      settled,
      map((result) => {
        if (result.status === 'fulfilled') return result.value;
        // Each of them catches all: what is left is a bug of ours.
        throw result.reason;
      }),
    );
}

// What is left is checked by what it is given to.
function expectPostWebhookOptions<T>(options: PostWebhookOptions<T>): void {
  if ((options as unknown) === undefined) fail('options', 'an object', options);
  expectObject('options', options);
  const { retry, allow } = options;
  expectFunction('id', options.id);
  expectFunction('payload', options.payload);
  expectHeaders('headers', options.headers);
  expectDuration('timeout', options.timeout, 1);
  if (retry !== false) expectObject('retry', retry);
  expectObject('allow', allow);
  expectBoolean('allow.http', allow?.http);
  expectFunction('lookup', options.lookup);
  expectScheduler('scheduler', options.scheduler);
}

const minimumSecretBytes = 24;

const defaultRetry: RetryConfig = {
  maxRetries: 6,
  backoff: exponentialBackoff({ initial: 5_000, factor: 4, max: 1_800_000, jitter: 'equal' }),
  maxRetryAfter: 3_600_000,
};

function repeating(retry: RetryConfig | false, scheduler: RetryConfig['scheduler']): (attempt: Observable<number>) => Observable<number> {
  return retry === false ? (attempt) => attempt : retryWithBackoff({ ...retry, scheduler: retry.scheduler ?? scheduler });
}

function fixedUrl(url: string | URL, http: boolean): () => URL {
  const given: unknown = url;
  const parsed = (typeof given === 'string' || given instanceof URL) && URL.canParse(String(given)) ? new URL(given) : undefined;
  const schemes = http ? ['https:', 'http:'] : ['https:'];
  if (parsed === undefined || !schemes.includes(parsed.protocol)) {
    // Not quoted: the path of a webhook is often a secret.
    throw new TypeError(`Expected \`url\` to be an absolute ${http ? 'http or https' : 'https'} URL`);
  }
  return () => parsed;
}

function idOf(id: string): string {
  // Parted from what follows by a dot, when it is signed.
  if (typeof id !== 'string' || !/^[\x21-\x2d\x2f-\x7e]{1,256}$/.test(id)) {
    throw new RxMistralError({ kind: 'validation', message: 'Expected `id` to give 1 to 256 visible ASCII characters without dots' });
  }
  return id;
}

function deadLetterError(error: unknown): RxMistralError {
  if (isRxMistralError(error)) return error;
  return new RxMistralError({ kind: 'validation', message: 'The webhook could not be made: `url`, `id` or `payload` failed', cause: error });
}
