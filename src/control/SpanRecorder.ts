import { toRxMistralError } from '../errors/toRxMistralError.js';
import { pieceLength } from '../events/answerLength.js';
import { isRecord } from '../errors/isRecord.js';
import { readAnswer } from '../events/readAnswer.js';

/** Attributes of a span: a part of OpenTelemetry's `Attributes`. */
export type SpanAttributes = Record<string, string | number | boolean | string[]>;

/** What `traced` uses of a span: a part of OpenTelemetry's `Span`, written out so that its types need not be there. */
export interface TracedSpan {
  setAttributes(attributes: SpanAttributes): unknown;
  addEvent(name: string, attributes?: SpanAttributes): unknown;
  recordException(exception: { name: string; message: string; stack?: string }): void;
  setStatus(status: { code: typeof errorStatus; message: string }): unknown;
  end(): void;
}

// OpenTelemetry's SpanStatusCode.ERROR.
const errorStatus = 2;
const maxFinishReasons = 100;

/**
 * Writes what a stream tells into a span: names, numbers and times, never a text. The names of the attributes are those
 * of OpenTelemetry's conventions where there is one.
 */
export class SpanRecorder {
  readonly #span: TracedSpan;
  #id: string | undefined;
  #model: string | undefined;
  #awaitsToken = true;
  #hasUsage = false;
  #inputTokens = 0;
  #cachedTokens = 0;
  #outputTokens = 0;
  readonly #finishReasons: string[] = [];

  constructor(span: TracedSpan) {
    this.#span = span;
  }

  /** Takes the next value, whatever it is. */
  take(value: unknown): void {
    if (!isRecord(value)) return;
    if (typeof value['requestId'] === 'string') this.#takeEvent(value);
    if (this.#awaitsToken && (pieceLength(value) ?? 0) > 0) {
      this.#awaitsToken = false;
      this.#span.addEvent('rxmistral.first_token');
    }
    const answer = readAnswer(value);
    if (answer === undefined) return;
    this.#id = answer.id ?? this.#id;
    this.#model = answer.model ?? this.#model;
    this.#finishReasons.push(...answer.finishReasons.slice(0, maxFinishReasons - this.#finishReasons.length));
    if (answer.usage === undefined) return;
    this.#hasUsage = true;
    this.#inputTokens += answer.usage.inputTokens;
    this.#cachedTokens += answer.usage.cachedTokens;
    this.#outputTokens += answer.usage.outputTokens;
  }

  /** A permit of a rate limiter was waited for. */
  waited(milliseconds: number): void {
    this.#span.addEvent('rxmistral.wait', { 'rxmistral.wait_ms': milliseconds });
  }

  /** Another attempt is about to be waited for. */
  retried(attempt: unknown, delayMs: unknown, error: unknown, strategy?: unknown): void {
    this.#span.addEvent(
      'rxmistral.retry',
      known({
        'rxmistral.attempt': numberOf(attempt),
        'rxmistral.delay_ms': numberOf(delayMs),
        'rxmistral.strategy': textOf(strategy),
        'error.type': toRxMistralError(error).kind,
      }),
    );
  }

  /** The stream has come to its end. */
  complete(): void {
    this.#end({});
  }

  /** The stream was unsubscribed from, which is no error. */
  cancel(): void {
    this.#end({ 'rxmistral.cancelled': true });
  }

  /** The stream has failed. */
  fail(error: unknown): void {
    this.#recordError(error);
    this.#end({});
  }

  #takeEvent(event: Readonly<Record<string, unknown>>): void {
    const { type, attempt, delayMs, error, strategy } = event;
    if (type === 'retry') this.retried(attempt, delayMs, error, strategy);
    if (type === 'error') this.#recordError(error);
    if (type !== 'start') return;
    this.#awaitsToken = true;
    this.#id = textOf(event['id']);
    this.#model = textOf(event['model']);
    this.#span.addEvent('rxmistral.attempt', known({ 'rxmistral.attempt': numberOf(attempt), ...this.#response() }));
  }

  #recordError(thrown: unknown): void {
    // What is not of this family may quote the user's data; its wrapping does not.
    const error = toRxMistralError(thrown);
    const { name, message, stack, status } = error;
    this.#span.recordException({ name, message, ...(stack === undefined ? {} : { stack }) });
    this.#span.setAttributes(known({ 'error.type': error.kind, 'http.response.status_code': status }));
    this.#span.setStatus({ code: errorStatus, message });
  }

  #end(attributes: SpanAttributes): void {
    const reasons = this.#finishReasons.length === 0 ? undefined : this.#finishReasons;
    const usage = this.#hasUsage ? this.#usage() : {};
    this.#span.setAttributes(
      known({ ...attributes, ...this.#response(), 'gen_ai.response.finish_reasons': reasons, ...usage }),
    );
    this.#span.end();
  }

  #response(): Record<string, string | undefined> {
    return { 'gen_ai.response.id': this.#id, 'gen_ai.response.model': this.#model };
  }

  #usage(): SpanAttributes {
    return {
      'gen_ai.usage.input_tokens': this.#inputTokens,
      'gen_ai.usage.output_tokens': this.#outputTokens,
      'gen_ai.usage.cache_read.input_tokens': this.#cachedTokens,
    };
  }
}

function known(attributes: Readonly<Record<string, SpanAttributes[string] | undefined>>): SpanAttributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as SpanAttributes;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
