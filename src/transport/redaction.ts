import type { Logger } from '@mistralai/mistralai/lib/logger.js';
import { describeCause, type ErrorCause } from '../errors/describeCause.js';

const placeholder = '[redacted]';
// A shorter "key" is no secret ('any', 'test'), and taking it out would garble messages.
const minSecretLength = 5;
const secretHeaders = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'api-key'];

/** Knows the secrets of one call and takes them out of whatever leaves the transport. */
export class Redaction {
  readonly #secrets = new Set<string>();

  /** Learns the secrets that a request carries in its headers. */
  learn(headers: Headers): void {
    for (const name of secretHeaders) {
      const value = headers.get(name);
      if (value === null) continue;
      for (const secret of [value, value.replace(/^\w+\s+/, '')]) {
        if (secret.length >= minSecretLength) this.#secrets.add(secret);
      }
    }
  }

  /** `text` without any secret. */
  text(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, placeholder);
    return clean.replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{5,}/gi, `$1 ${placeholder}`);
  }

  /** A sanitised copy of an error, without any secret in it. */
  cause(error: unknown): ErrorCause {
    return this.#clean(describeCause(error));
  }

  #clean(cause: ErrorCause): ErrorCause {
    return {
      ...cause,
      message: this.text(cause.message),
      ...(cause.stack === undefined ? {} : { stack: this.text(cause.stack) }),
      ...(cause.cause === undefined ? {} : { cause: this.#clean(cause.cause) }),
    };
  }

  /** A logger that passes on to `logger` what holds no secret. */
  logger(logger: Logger): Logger {
    return {
      group: (label) => {
        logger.group(label === undefined ? undefined : this.text(label));
      },
      groupEnd: () => {
        logger.groupEnd();
      },
      log: (message: unknown, ...rest: unknown[]) => {
        logger.log(this.#loggable(message), ...rest.map((value) => this.#loggable(value)));
      },
    };
  }

  #loggable(value: unknown): unknown {
    if (typeof value === 'string') return this.text(withoutSecretHeader(value));
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Error) return this.cause(value);
    try {
      return JSON.parse(this.text(JSON.stringify(value)));
    } catch {
      return '[not loggable]';
    }
  }
}

// The SDK logs each header as one line, `name: value`.
function withoutSecretHeader(line: string): string {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
  return secretHeaders.includes(name) ? `${name}: ${placeholder}` : line;
}
