import type { Observable, OperatorFunction } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import type { ChatEvent, CompletedToolCall, ErrorEvent } from '../../src/events/ChatEvent.js';
import { errorAsEvent } from '../../src/operators/errorAsEvent.js';
import { toolCalls } from '../../src/operators/toolCalls.js';

declare const chat: Observable<ChatEvent>;
declare const withMore: Observable<ChatEvent | ErrorEvent | { readonly type: 'handoff'; readonly agentId: string }>;
declare const withNone: Observable<{ readonly type: 'job-created' }>;

test('toolCalls() makes whole calls of any union of events', () => {
  expectTypeOf(chat.pipe(toolCalls())).toEqualTypeOf<Observable<CompletedToolCall>>();
  expectTypeOf(chat.pipe(errorAsEvent(), toolCalls())).toEqualTypeOf<Observable<CompletedToolCall>>();
  expectTypeOf(withMore.pipe(toolCalls())).toEqualTypeOf<Observable<CompletedToolCall>>();
  expectTypeOf(withNone.pipe(toolCalls())).toEqualTypeOf<Observable<CompletedToolCall>>();
  expectTypeOf(toolCalls()).toExtend<OperatorFunction<ChatEvent, CompletedToolCall>>();
});

test('toolCalls() takes events only', () => {
  expectTypeOf<Observable<string>>().not.toExtend<Parameters<ReturnType<typeof toolCalls>>[0]>();
  expectTypeOf<Observable<{ readonly kind: string }>>().not.toExtend<Parameters<ReturnType<typeof toolCalls>>[0]>();
});
