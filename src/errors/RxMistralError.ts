import { definedFields } from './definedFields.js';
import { describeCause, type ErrorCause } from './describeCause.js';
import type { FailedBatchJob } from './FailedBatchJob.js';
import { isRecord } from './isRecord.js';
import type { PartialMessage } from './PartialMessage.js';

/** All kinds of errors. */
export const errorKinds = [
  'connection',
  'timeout',
  'truncated',
  'http',
  'rate-limit',
  'protocol',
  'stream',
  'batch-job',
  'tool',
  'validation',
  'limit',
  'conflict',
] as const;

/**
 * What kind of fault an {@link RxMistralError} is:
 *
 * - `connection`: no connection, or it broke.
 * - `timeout`: one of our own limits passed; `which` names it.
 * - `truncated`: the answer ended before it was finished.
 * - `http`: a status that is not a success (422 too).
 * - `rate-limit`: 429.
 * - `protocol`: data that is malformed or not what the endpoint sends.
 * - `stream`: the server reported an error of its own inside the stream.
 * - `batch-job`, `tool`: a batch job or a tool failed.
 * - `validation`: the request was refused here, before it was sent.
 * - `limit`: a bound of this library was reached.
 * - `conflict`: somebody else has written to a stored conversation.
 */
export type RxMistralErrorKind = (typeof errorKinds)[number];

/** Which of `timeouts` passed. */
export type TimeoutName = 'firstEvent' | 'idle' | 'total';

/** What an {@link RxMistralError} is made from; all but `kind` and `message` may be left out. */
export interface RxMistralErrorInit {
  readonly kind: RxMistralErrorKind;
  readonly message: string;
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly which?: TimeoutName | undefined;
  readonly partial?: PartialMessage | undefined;
  readonly job?: FailedBatchJob | undefined;
  readonly cause?: unknown;
}

/** An {@link RxMistralError} as plain JSON: see {@link RxMistralError.fromJSON}. */
export interface RxMistralErrorJson extends Omit<RxMistralErrorInit, 'cause'> {
  readonly name: string;
  readonly retryable: boolean;
  readonly cause?: ErrorCause | undefined;
}

const marker = Symbol.for('rxmistral.error');

/**
 * Every error that this library emits. One class with a `kind`, so that a program decides by data:
 *
 * ```ts
 * catchError((error: unknown) =>
 *   isRxMistralError(error) && error.kind === 'rate-limit' ? of('busy') : throwError(() => error));
 * ```
 *
 * It holds no API key, no prompt and no request: `cause` is a copy of the original error's name, message, code and
 * stack, never the SDK's error object, which carries the request.
 *
 * Use {@link isRxMistralError} rather than `instanceof`, which fails where the package is installed twice.
 */
export class RxMistralError extends Error {
  /** What kind of fault this is. */
  readonly kind: RxMistralErrorKind;
  /** The HTTP status, where the server answered. */
  declare readonly status?: number | undefined;
  /** The server's own code (`'1300'`), or the system's (`'ECONNRESET'`). */
  declare readonly code?: string | undefined;
  /** The server's id of the call (`mistral-correlation-id`), to quote to Mistral's support. */
  declare readonly requestId?: string | undefined;
  /** Whether the same call may succeed when it is made again. */
  readonly retryable: boolean;
  /** How long the server asked to wait, in milliseconds. */
  declare readonly retryAfterMs?: number | undefined;
  /** For `timeout`: which limit passed. */
  declare readonly which?: TimeoutName | undefined;
  /** The message as far as it had come, for an error that ended a stream after its first token. */
  declare readonly partial?: PartialMessage | undefined;
  /** For `batch-job`: the job. */
  declare readonly job?: FailedBatchJob | undefined;
  /** A sanitised copy of the error below this one. */
  declare readonly cause?: ErrorCause | undefined;

  constructor(init: RxMistralErrorInit) {
    super(init.message);
    const { kind, retryable = false, status, code, requestId, retryAfterMs, which, partial, job, cause } = init;
    this.kind = kind;
    this.retryable = retryable;
    const copy = cause === undefined ? undefined : describeCause(cause);
    Object.assign(this, definedFields({ status, code, requestId, retryAfterMs, which, partial, job, cause: copy }));
    // What carries a job is a BatchJobError, also where it comes back from JSON.
    const name = job === undefined ? new.target.errorName : 'BatchJobError';
    Object.defineProperties(this, {
      name: { value: name, configurable: true, writable: true },
      [marker]: { value: true },
    });
  }

  /** The `name` of this class's instances; a constant, because a bundler may rename the class. */
  static readonly errorName: string = 'RxMistralError';

  /** The same error with other fields; the frames of `stack` stay the original's. */
  with(changes: Partial<RxMistralErrorInit>): RxMistralError {
    const changed = createError({ ...fieldsOf(this), ...changes }, this.name);
    // The stack begins with the message, which may have been changed because of what stands in it.
    const value = this.stack?.replace(this.message, () => changed.message);
    return Object.defineProperty(changed, 'stack', { value, configurable: true, writable: true });
  }

  /** Plain JSON without any stack: it may go to a browser. {@link RxMistralError.fromJSON} is the way back. */
  toJSON(): RxMistralErrorJson {
    return { name: this.name, ...fieldsOf(this), retryable: this.retryable, cause: withoutStack(this.cause) };
  }

  /**
   * The error that {@link RxMistralError.toJSON} wrote, in this process: what a browser does with a server's events.
   *
   * @throws TypeError when `json` is not such an object.
   */
  static fromJSON(json: unknown): RxMistralError {
    if (!isErrorJson(json)) throw new TypeError('Expected the JSON of an RxMistralError, with `kind` and `message`');
    return createError(json, json.name);
  }
}

/**
 * The answer ended before it was finished: the stream closed, or the socket broke (`kind: 'connection'`), and no
 * finish reason had come. `partial` is the message as far as it had come.
 */
export class TruncatedStreamError extends RxMistralError {
  static override readonly errorName: string = 'TruncatedStreamError';

  constructor(init: Omit<RxMistralErrorInit, 'kind'> & { readonly kind?: 'truncated' | 'connection' | undefined }) {
    super({ ...init, kind: init.kind ?? 'truncated', retryable: init.retryable ?? true });
  }
}

/** Whether `error` is of this family, across duplicate installs of the package too. */
export function isRxMistralError(error: unknown): error is RxMistralError {
  return isRecord(error) && marker in error;
}

// Named one by one: what others hang on an error (the request that it was for) is none of ours to pass on.
function fieldsOf(error: RxMistralError): RxMistralErrorInit {
  const { kind, message, retryable, status, code, requestId, retryAfterMs, which, partial, job, cause } = error;
  return { kind, message, retryable, status, code, requestId, retryAfterMs, which, partial, job, cause };
}

function createError(init: RxMistralErrorInit, name: string): RxMistralError {
  const { kind } = init;
  return name === TruncatedStreamError.errorName && (kind === 'truncated' || kind === 'connection')
    ? new TruncatedStreamError({ ...init, kind })
    : new RxMistralError(init);
}

// In JSON, what is `undefined` is not there.
function withoutStack(cause: ErrorCause | undefined): ErrorCause | undefined {
  return cause && { ...cause, stack: undefined, cause: withoutStack(cause.cause) };
}

function isErrorJson(json: unknown): json is RxMistralErrorJson {
  return isRecord(json) && typeof json['kind'] === 'string' && typeof json['message'] === 'string';
}
