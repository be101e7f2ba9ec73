import { type MonoTypeOperatorFunction, Observable, tap } from 'rxjs';
import { captureContext } from '../control/captureContext.js';
import { type SpanAttributes, SpanRecorder, type TracedSpan } from '../control/SpanRecorder.js';
import { withinStage } from '../control/stage.js';
import { expectMethods, expectObject, expectText, fail } from '../errors/expect.js';

/** What {@link traced} uses of a tracer: a part of OpenTelemetry's `Tracer`, of which every tracer of it is one. */
export interface SpanTracer {
  startActiveSpan<R>(name: string, options: { attributes?: SpanAttributes }, work: (span: TracedSpan) => R): R;
}

/** Options of {@link traced}. */
export interface TracedOptions {
  /**
   * The span's name.
   * @defaultValue `'rxmistral'`
   */
  readonly name?: string | undefined;
  /**
   * Attributes that the span has from its start on, so that a sampler sees them: `gen_ai.request.model`,
   * `gen_ai.operation.name`, your own. They stand over those that this operator sets at the start.
   * @defaultValue none
   */
  readonly attributes?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/**
 * Makes a span of OpenTelemetry of each subscription.
 *
 * ```
 * source:          -s-t-r---s-t-c|     s: start   t: text-delta   r: retry   c: complete
 * traced(tracer):  -s-t-r---s-t-c|
 * span:            [-a-f-r---a-f-]     a, f, r: its events attempt, first_token, retry
 * ```
 *
 * **Values** pass as they come, the same objects. The span is a stage of the pipeline: what is subscribed to above this
 * operator is inside of it. Spans that are started there become its children, those of another `traced` and those of the
 * SDK, which makes one for each attempt where its own tracing is switched on (`registerTracerProvider`). What is behind
 * this operator is outside, so that calls which follow one another are no children of each other. Put it on each call,
 * inside `mergeMap`.
 *
 * Attributes are those of the conventions for generative AI, never a prompt or a text:
 *
 * | attribute | |
 * |---|---|
 * | `gen_ai.provider.name` | `mistral_ai`, from the start |
 * | `gen_ai.response.id`, `gen_ai.response.model` | of the latest answer |
 * | `gen_ai.response.finish_reasons` | in their order, 100 at most |
 * | `gen_ai.usage.input_tokens`, `.output_tokens`, `.cache_read.input_tokens` | as the server reported, over all answers |
 * | `error.type`, `http.response.status_code` | the error's `kind` and status |
 * | `rxmistral.cancelled` | `true` where the stream was unsubscribed from |
 *
 * Where the SDK's spans are on too, they carry the usage as well: count one kind of them. Events of the span are
 * `rxmistral.attempt` (an attempt has begun to answer), `rxmistral.first_token` (of an attempt), `rxmistral.retry` (with
 * attempt, `delay_ms`, strategy and `error.type`; those of `retryWithBackoff` too) and `rxmistral.wait` (with `wait_ms`,
 * for the permit of a rate limiter).
 *
 * **Completion** ends the span, its status unset. **An error** passes as it is, is recorded (message and stack of the
 * `RxMistralError`; of any other error no more than its name), sets the status `ERROR` and ends the span; an `error`
 * event is recorded likewise. **Unsubscribing** ends it as cancelled, which is no error. What the tracer throws is an
 * error of the result.
 *
 * `@opentelemetry/api` is not imported, the tracer is yours. Contexts are passed on by OpenTelemetry's context manager,
 * which an SDK for Node registers; without one there are spans, but no parents. A wait or a retry is heard only by the
 * nearest span, and only of what is subscribed to together with it: not of what a `mergeMap` above subscribes to later.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { trace } from '@opentelemetry/api';
 * import { chatStream, text, traced } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * // Spans go where your setup of OpenTelemetry sends them; without one this tracer does nothing.
 * const tracer = trace.getTracer('my-app');
 * const model = 'mistral-small-latest';
 *
 * chatStream(client, { model, messages: [{ role: 'user', content: 'Write a haiku.' }] })
 *   .pipe(
 *     traced(tracer, { name: `chat ${model}`, attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': model } }),
 *     text(),
 *   )
 *   .subscribe((piece) => process.stdout.write(piece));
 * ```
 *
 * @throws TypeError when called with a tracer or an option that is none.
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
 */
export function traced<T>(tracer: SpanTracer, options: TracedOptions = {}): MonoTypeOperatorFunction<T> {
  if ((tracer as unknown) === undefined) fail('tracer', 'a Tracer', tracer);
  expectMethods('tracer', tracer, 'a Tracer', ['startActiveSpan']);
  expectObject('options', options);
  const { name = 'rxmistral', attributes } = options;
  expectText('name', name);
  expectObject('attributes', attributes);
  return (source) =>
    // Constructed, because the tracer makes a span active for as long as a callback runs: the subscription has to be in it.
    new Observable<T>((subscriber) => {
      const outside = captureContext();
      tracer.startActiveSpan(name, { attributes: { 'gen_ai.provider.name': 'mistral_ai', ...attributes } }, (span) => {
        const recorder = new SpanRecorder(span);
        const recorded = source.pipe(
          tap({
            next: (value) => {
              recorder.take(value);
            },
            error: (error: unknown) => {
              recorder.fail(error);
            },
            complete: () => {
              recorder.complete();
            },
            unsubscribe: () => {
              recorder.cancel();
            },
          }),
        );
        const stage = {
          inside: captureContext(),
          outside,
          waited: (milliseconds: number) => {
            recorder.waited(milliseconds);
          },
          retried: ({ attempt, delayMs, error }: { attempt: number; delayMs: number; error: unknown }) => {
            recorder.retried(attempt, delayMs, error);
          },
        };
        withinStage(stage, recorded).subscribe(subscriber);
      });
    });
}
