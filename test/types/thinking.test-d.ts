import type { Observable, OperatorFunction } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import type { ChatEvent, ErrorEvent } from '../../src/events/ChatEvent.js';
import { errorAsEvent } from '../../src/operators/errorAsEvent.js';
import { thinking } from '../../src/operators/thinking.js';

declare const chat: Observable<ChatEvent>;
declare const withMore: Observable<ChatEvent | ErrorEvent | { readonly type: 'handoff'; readonly agentId: string }>;
declare const withNone: Observable<{ readonly type: 'job-created' }>;

test('thinking() makes strings of any union of events', () => {
  expectTypeOf(chat.pipe(thinking())).toEqualTypeOf<Observable<string>>();
  expectTypeOf(chat.pipe(errorAsEvent(), thinking())).toEqualTypeOf<Observable<string>>();
  expectTypeOf(withMore.pipe(thinking())).toEqualTypeOf<Observable<string>>();
  expectTypeOf(withNone.pipe(thinking())).toEqualTypeOf<Observable<string>>();
  expectTypeOf(thinking()).toExtend<OperatorFunction<ChatEvent, string>>();
});

test('thinking() takes events only', () => {
  expectTypeOf<Observable<string>>().not.toExtend<Parameters<ReturnType<typeof thinking>>[0]>();
  expectTypeOf<Observable<{ readonly kind: string }>>().not.toExtend<Parameters<ReturnType<typeof thinking>>[0]>();
});
