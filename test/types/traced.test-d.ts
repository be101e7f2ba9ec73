import { type Tracer, trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { type MonoTypeOperatorFunction, type Observable, of } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import type { SpanAttributes, TracedSpan } from '../../src/control/SpanRecorder.js';
import type { ChatEvent } from '../../src/events/ChatEvent.js';
import { type SpanTracer, traced, type TracedOptions } from '../../src/operators/traced.js';

declare const chat: Observable<ChatEvent>;

test("traced() takes the tracers of OpenTelemetry's api and SDK", () => {
  expectTypeOf<Tracer>().toExtend<SpanTracer>();
  traced(trace.getTracer('a'));
  traced(new BasicTracerProvider().getTracer('a'));
});

test('traced() takes a tracer that is made by hand', () => {
  const span: TracedSpan = {
    setAttributes: () => undefined,
    addEvent: () => undefined,
    recordException: () => undefined,
    setStatus: () => undefined,
    end: () => undefined,
  };
  traced({ startActiveSpan: (_name, _options, work) => work(span) });
  // @ts-expect-error a tracer starts active spans
  traced({ startSpan: () => span });
});

test('traced() keeps the type of its source', () => {
  const tracer = trace.getTracer('a');
  expectTypeOf(chat.pipe(traced(tracer))).toEqualTypeOf<Observable<ChatEvent>>();
  expectTypeOf(of(1, 'a').pipe(traced(tracer))).toEqualTypeOf<Observable<number | string>>();
  expectTypeOf(traced<string>(tracer)).toEqualTypeOf<MonoTypeOperatorFunction<string>>();
});

test('its options may be left out field by field, with undefined too', () => {
  expectTypeOf<Record<keyof TracedOptions, undefined>>().toExtend<TracedOptions>();
  expectTypeOf<TracedOptions>().toEqualTypeOf<Readonly<Partial<TracedOptions>>>();
  expectTypeOf<keyof TracedOptions>().toEqualTypeOf<'name' | 'attributes'>();
  expectTypeOf<NonNullable<TracedOptions['attributes']>>().toExtend<SpanAttributes>();
  // @ts-expect-error no such option
  traced(trace.getTracer('a'), { label: 'a' });
});
