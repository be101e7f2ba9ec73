import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import type { Observable } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import { accumulate, type ChatEvent, type ChatSnapshot, type FallbackEvent, smooth, withFallback } from '../../src/index.js';

declare const events: Observable<ChatEvent>;
declare const responses: Observable<ChatCompletionResponse>;

test('withFallback() adds its marker to events, and nothing to responses', () => {
  expectTypeOf(events.pipe(withFallback(events))).toEqualTypeOf<Observable<ChatEvent | FallbackEvent>>();
  expectTypeOf(events.pipe(withFallback(() => events), accumulate())).toEqualTypeOf<Observable<ChatSnapshot>>();
  expectTypeOf(responses.pipe(withFallback(responses))).toEqualTypeOf<Observable<ChatCompletionResponse>>();
  expectTypeOf(responses.pipe(withFallback(['sorry']))).toEqualTypeOf<Observable<ChatCompletionResponse | string>>();
});

test('smooth() keeps the type', () => {
  expectTypeOf(events.pipe(smooth({ by: 'word' }))).toEqualTypeOf<Observable<ChatEvent>>();
  // @ts-expect-error -- what a piece is, is the user's word
  void smooth({});
});
