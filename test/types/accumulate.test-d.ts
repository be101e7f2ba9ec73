import type { Observable, OperatorFunction } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import type { ChatEvent, ErrorEvent } from '../../src/events/ChatEvent.js';
import type { ChatSnapshot } from '../../src/events/ChatSnapshot.js';
import { accumulate } from '../../src/operators/accumulate.js';
import { errorAsEvent } from '../../src/operators/errorAsEvent.js';

declare const chat: Observable<ChatEvent>;
declare const withMore: Observable<ChatEvent | ErrorEvent | { readonly type: 'handoff'; readonly agentId: string }>;
declare const withNone: Observable<{ readonly type: 'job-created' }>;

test('accumulate() makes snapshots of any union of events', () => {
  expectTypeOf(chat.pipe(accumulate())).toEqualTypeOf<Observable<ChatSnapshot>>();
  expectTypeOf(chat.pipe(errorAsEvent(), accumulate())).toEqualTypeOf<Observable<ChatSnapshot>>();
  expectTypeOf(withMore.pipe(accumulate())).toEqualTypeOf<Observable<ChatSnapshot>>();
  expectTypeOf(withNone.pipe(accumulate())).toEqualTypeOf<Observable<ChatSnapshot>>();
  expectTypeOf(accumulate()).toExtend<OperatorFunction<ChatEvent, ChatSnapshot>>();
});

test('accumulate() takes events only', () => {
  expectTypeOf<Observable<string>>().not.toExtend<Parameters<ReturnType<typeof accumulate>>[0]>();
  expectTypeOf<Observable<{ readonly kind: string }>>().not.toExtend<Parameters<ReturnType<typeof accumulate>>[0]>();
});
