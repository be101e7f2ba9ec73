import { expectFunction, expectInteger, expectNumber, expectObject } from '../errors/expect.js';
import { RxMistralError } from '../index.js';
import { isSigned, secretsOf, type WebhookSecret } from './webhookSignature.js';

/** A request as Node's servers have it, with the bytes of its body as they came: `express.raw({ type: '*\/*' })`. */
export interface RawWebhookRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array | string;
}

/** Options of {@link verifyWebhook}. */
export interface VerifyWebhookOptions {
  /**
   * How far the time of the attempt may be from now, either way, in milliseconds: what is older may be a replay.
   * @defaultValue 300,000 (5 minutes)
   */
  readonly tolerance?: number | undefined;
  /**
   * The most bytes of a body that are read from a `Request`; more is an error of kind `limit`.
   * @defaultValue 1,048,576 (1 MiB)
   */
  readonly maxBodyBytes?: number | undefined;
  /**
   * The clock, in milliseconds since 1970.
   * @defaultValue `Date.now`
   */
  readonly now?: (() => number) | undefined;
}

/** A webhook whose signature was right. */
export interface VerifiedWebhook {
  /** The same in every attempt to deliver it: keep it for a while, and do nothing the second time. */
  readonly id: string;
  /** When this attempt was made, in milliseconds since 1970. */
  readonly timestamp: number;
  readonly body: Uint8Array;
  /** The body as JSON; throws a `SyntaxError` where it is none. */
  json(): unknown;
}

/**
 * Verifies a webhook by the Standard Webhooks specification: what {@link postWebhook} sends, and what many services do.
 *
 * Takes a fetch `Request`, whose body is read, or the headers and the raw body of a Node server. A body that was parsed and
 * written again is no longer what was signed.
 *
 * Signatures are compared in constant time; any `v1` signature by any of the secrets will do. A name of a header is
 * found in whatever case.
 *
 * Rejects with an error of kind `validation`, whose `code` is `webhook-headers` (one is missing or malformed),
 * `webhook-timestamp` (older or newer than `tolerance`) or `webhook-signature`: answer 400, and do nothing. An error of kind
 * `limit` is a body over `maxBodyBytes`: answer 413. None of them quotes secret, signature or body.
 *
 * @param secret `whsec_` and base64, or bytes; several while one takes the place of another.
 * @throws TypeError (rejected, too) where the secret or an option is malformed.
 *
 * @example
 * ```ts
 * import { isRxMistralError } from 'rxmistral';
 * import { verifyWebhook } from 'rxmistral/node';
 *
 * const secret = process.env['WEBHOOK_SECRET'] ?? 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
 *
 * // A fetch handler: Hono, Next, Bun, Deno. For Express: `app.post('/hook', express.raw({ type: '*\/*' }), …)` and
 * // `verifyWebhook({ headers: request.headers, body: request.body }, secret)`.
 * export async function handle(request: Request): Promise<Response> {
 *   try {
 *     const webhook = await verifyWebhook(request, secret);
 *     console.log(webhook.id, webhook.json());
 *     return new Response(null, { status: 204 });
 *   } catch (error) {
 *     if (!isRxMistralError(error)) throw error;
 *     return new Response(error.code ?? error.kind, { status: error.kind === 'limit' ? 413 : 400 });
 *   }
 * }
 * ```
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export async function verifyWebhook(
  request: Request | RawWebhookRequest,
  secret: WebhookSecret | readonly WebhookSecret[],
  options: VerifyWebhookOptions = {},
): Promise<VerifiedWebhook> {
  expectObject('options', options);
  const { tolerance = 300_000, maxBodyBytes = 1_048_576, now = Date.now } = options;
  if (tolerance !== Infinity) expectNumber('tolerance', tolerance, 0);
  expectInteger('maxBodyBytes', maxBodyBytes, 1, true);
  expectFunction('now', now);
  const secrets = secretsOf(secret, 1);

  const id = headerOf(request, 'webhook-id');
  const time = headerOf(request, 'webhook-timestamp');
  const signature = headerOf(request, 'webhook-signature');
  if (!/^\d{1,12}$/.test(time)) throw refused('webhook-headers', 'The header `webhook-timestamp` is no time');
  const timestamp = Number(time);
  if (!(Math.abs(now() - timestamp * 1_000) <= tolerance)) {
    throw refused('webhook-timestamp', `The time of the webhook is further than ${tolerance} ms from now`);
  }
  const body = await bodyOf(request, maxBodyBytes);
  if (!isSigned({ id, timestamp, body }, signature, secrets)) {
    throw refused('webhook-signature', 'The webhook has no signature by the secret');
  }
  return { id, timestamp: timestamp * 1_000, body, json: () => JSON.parse(new TextDecoder().decode(body)) as unknown };
}

function refused(code: string, message: string): RxMistralError {
  return new RxMistralError({ kind: 'validation', code, message });
}

function headerOf({ headers }: Request | RawWebhookRequest, name: string): string {
  const values: readonly unknown[] =
    headers instanceof Headers
      ? [headers.get(name)]
      : Object.entries(headers).flatMap(([key, value]) => (key.toLowerCase() === name ? [value].flat() : []));
  const [value, second] = values;
  if (typeof value !== 'string' || value === '') throw refused('webhook-headers', `The header \`${name}\` is missing`);
  if (second !== undefined) throw refused('webhook-headers', `The header \`${name}\` is there twice`);
  return value;
}

async function bodyOf({ body }: Request | RawWebhookRequest, maxBytes: number): Promise<Uint8Array> {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array || body === null) return body ?? new Uint8Array();
  if (!(body instanceof ReadableStream)) {
    throw new TypeError('Expected `body` to be the raw body, bytes or text: what was parsed is no longer what was signed');
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the body.
  for await (const piece of body) {
    size += piece.byteLength;
    if (size > maxBytes) throw new RxMistralError({ kind: 'limit', message: `The body of the webhook has more than ${maxBytes} bytes` });
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
