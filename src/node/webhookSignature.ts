import { createHmac, timingSafeEqual } from 'node:crypto';

/** A secret: `whsec_` and base64, base64 alone, or its bytes. Several, while one takes the place of another. */
export type WebhookSecret = string | Uint8Array;

const prefix = 'whsec_';

/**
 * The bytes of each secret.
 *
 * @throws TypeError where one is none, or shorter than `minimum` bytes. It is never quoted.
 */
export function secretsOf(secret: WebhookSecret | readonly WebhookSecret[], minimum: number): readonly Buffer[] {
  const secrets: readonly unknown[] = Array.isArray(secret) ? (secret as readonly WebhookSecret[]) : [secret];
  if (secrets.length === 0) throw new TypeError('Expected `secret` to be a secret or an array of secrets, got an empty array');
  return secrets.map((one) => bytesOf(one, minimum));
}

function bytesOf(secret: unknown, minimum: number): Buffer {
  const expected = `Expected \`secret\` to be \`${prefix}\` and base64, or bytes, of at least ${minimum} bytes`;
  if (secret instanceof Uint8Array) {
    if (secret.byteLength < minimum) throw new TypeError(`${expected}, got ${secret.byteLength} bytes`);
    return Buffer.from(secret);
  }
  if (typeof secret !== 'string') throw new TypeError(`${expected}, got ${secret === null ? 'null' : typeof secret}`);
  const text = secret.startsWith(prefix) ? secret.slice(prefix.length) : secret;
  // Node skips what is no base64: a secret that was mistaken would sign as another.
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new TypeError(`${expected}, got text that is no base64`);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < minimum) throw new TypeError(`${expected}, got ${bytes.length} bytes`);
  return bytes;
}

/** What is signed, and travels in the headers beside the body. */
export interface SignedContent {
  readonly id: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly body: Uint8Array;
}

/**
 * The `webhook-signature` header: a `v1` signature by each secret.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, "Signature scheme"
 */
export function signatureHeader(content: SignedContent, secrets: readonly Buffer[]): string {
  return secrets.map((secret) => `v1,${digest(content, secret).toString('base64')}`).join(' ');
}

/** Whether one of the header's signatures is by one of the secrets. It takes as long whether or not one is. */
export function isSigned(content: SignedContent, header: string, secrets: readonly Buffer[]): boolean {
  const signatures = header.split(' ').flatMap((signature) => (signature.startsWith('v1,') ? [Buffer.from(signature.slice(3), 'base64')] : []));
  let matches = 0;
  for (const secret of secrets) {
    const expected = digest(content, secret);
    for (const signature of signatures) {
      if (signature.length === expected.length && timingSafeEqual(signature, expected)) matches += 1;
    }
  }
  return matches > 0;
}

function digest({ id, timestamp, body }: SignedContent, secret: Buffer): Buffer {
  return createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest();
}
