import { map, type Observable, type OperatorFunction } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import type { ChatEvent, ErrorEvent } from '../../src/events/ChatEvent.js';
import type { ChatSnapshot } from '../../src/events/ChatSnapshot.js';
import { accumulate } from '../../src/operators/accumulate.js';
import { errorAsEvent } from '../../src/operators/errorAsEvent.js';

type Handoff = { readonly type: 'handoff'; readonly agentId: string };

declare const chat: Observable<ChatEvent>;
declare const withMore: Observable<ChatEvent | Handoff>;
declare const withError: Observable<ChatEvent | ErrorEvent>;

test('errorAsEvent() adds the error event to the union and loses nothing', () => {
  expectTypeOf(chat.pipe(errorAsEvent())).toEqualTypeOf<Observable<ChatEvent | ErrorEvent>>();
  expectTypeOf(withMore.pipe(errorAsEvent())).toEqualTypeOf<Observable<ChatEvent | Handoff | ErrorEvent>>();
  expectTypeOf(errorAsEvent<Handoff>()).toEqualTypeOf<OperatorFunction<Handoff, Handoff | ErrorEvent>>();
});

test('errorAsEvent() adds the error event once', () => {
  expectTypeOf(withError.pipe(errorAsEvent())).toEqualTypeOf<Observable<ChatEvent | ErrorEvent>>();
});

test('errorAsEvent() narrows by type behind it', () => {
  const result = chat.pipe(
    errorAsEvent(),
    map((event) => (event.type === 'error' ? { error: event } : { event })),
  );
  expectTypeOf(result).toEqualTypeOf<
    Observable<{ error: ErrorEvent; event?: never } | { event: ChatEvent; error?: never }>
  >();
});

test('errorAsEvent() stands before accumulate()', () => {
  expectTypeOf(chat.pipe(errorAsEvent(), accumulate())).toEqualTypeOf<Observable<ChatSnapshot>>();
});

test('errorAsEvent() takes events only', () => {
  // @ts-expect-error a string is no event
  errorAsEvent<string>();
  // @ts-expect-error a request id is a string
  errorAsEvent<{ readonly type: 'start'; readonly requestId: number }>();
});
