import type { Logger } from '@mistralai/mistralai/lib/logger.js';
import { describeCause, type ErrorCause } from '../errors/describeCause.js';
import { isRecord } from '../errors/isRecord.js';

const placeholder = '[redacted]';
// A shorter "key" is no secret ('any', 'test'), and taking it out would garble messages.
const minSecretLength = 5;
// The name of a header that carries one, alone or at the beginning of a line `name: value`, as the SDK logs it.
const secretHeader = /^\s*((?:proxy-)?authorization|(?:set-)?cookie|(?:x-)?api-key)\s*(?::|$)/i;

/** Knows the secrets of one call and takes them out of whatever leaves the transport. */
export class Redaction {
  readonly #secrets = new Set<string>();

  /** Learns the secrets that a request carries in its headers. */
  learn(headers: Headers): void {
    for (const [name, value] of headers) this.learnHeader(name, value);
  }

  /** Learns the secrets of a header, where it is one that has any. */
  learnHeader(name: string, value: string): void {
    if (!secretHeader.test(name)) return;
    this.learnSecret(value);
    this.learnSecret(value.replace(/^\w+\s+/, ''));
    if (!/cookie$/i.test(name)) return;
    for (const pair of value.split(';')) this.learnSecret(pair.slice(pair.indexOf('=') + 1).trim());
  }

  /** Learns a secret before it stands in a request: where no request can be made of it, the engine's error quotes it. */
  learnSecret(secret: string): void {
    if (secret.length < minSecretLength) return;
    this.#secrets.add(secret);
    // As it stands in JSON.
    this.#secrets.add(JSON.stringify(secret).slice(1, -1));
  }

  /** `text` without any secret. */
  text(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, placeholder);
    return clean.replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{5,}/gi, `$1 ${placeholder}`);
  }

  /** `headers` without any secret. */
  headers(headers: Pick<Headers, 'get'>): Pick<Headers, 'get'> {
    return {
      get: (name) => {
        const value = headers.get(name);
        return value === null ? null : this.text(value);
      },
    };
  }

  /** A sanitised copy of an error, without any secret in it. */
  cause(error: unknown): ErrorCause {
    return describeCause(error, (text) => this.text(text));
  }

  /** A logger that passes on to `logger` what holds no secret. */
  logger(logger: Logger): Logger {
    return {
      group: (label) => {
        logger.group(label && this.text(label));
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
    if (typeof value === 'string') {
      const [, name] = secretHeader.exec(value) ?? [];
      return name === undefined ? this.text(value) : `${name}: ${placeholder}`;
    }
    if (value instanceof Error) return this.cause(value);
    try {
      return isRecord(value) ? JSON.parse(this.text(JSON.stringify(value))) : value;
    } catch {
      return '[not loggable]';
    }
  }
}
