import type { Observable, OperatorFunction } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import type { ChatEvent, ErrorEvent } from '../../src/events/ChatEvent.js';
import { errorAsEvent } from '../../src/operators/errorAsEvent.js';
import { text } from '../../src/operators/text.js';

declare const chat: Observable<ChatEvent>;
declare const withMore: Observable<ChatEvent | ErrorEvent | { readonly type: 'handoff'; readonly agentId: string }>;
declare const withNone: Observable<{ readonly type: 'job-created' }>;

test('text() makes strings of any union of events', () => {
  expectTypeOf(chat.pipe(text())).toEqualTypeOf<Observable<string>>();
  expectTypeOf(chat.pipe(errorAsEvent(), text())).toEqualTypeOf<Observable<string>>();
  expectTypeOf(withMore.pipe(text())).toEqualTypeOf<Observable<string>>();
  expectTypeOf(withNone.pipe(text())).toEqualTypeOf<Observable<string>>();
  expectTypeOf(text()).toExtend<OperatorFunction<ChatEvent, string>>();
});

test('text() takes events only', () => {
  expectTypeOf<Observable<string>>().not.toExtend<Parameters<ReturnType<typeof text>>[0]>();
  expectTypeOf<Observable<{ readonly kind: string }>>().not.toExtend<Parameters<ReturnType<typeof text>>[0]>();
});
