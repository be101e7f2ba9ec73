import type { ServerResponse } from 'node:http';
import { type Observable, of, type Subscription } from 'rxjs';
import { describe, expectTypeOf, test } from 'vitest';
import type { AgentEvent, ChatEvent } from '../../src/index.js';
import { eventStreamResponse, type NestMessageEvent, pipeEventStream, toMessageEvents } from '../../src/node/index.js';
import { eventStream, memoryReplayStore, remoteChat, type ReplayStore, type ServerSentEvent, toServerSentEvents } from '../../src/sse/index.js';

declare const response: ServerResponse;
declare const request: Request;
const replay = memoryReplayStore();

describe('reading', () => {
  test('eventStream takes what fetch takes, and its own options', () => {
    expectTypeOf(eventStream('/events')).toEqualTypeOf<Observable<ServerSentEvent>>();
    expectTypeOf(eventStream(request, { method: 'POST', body: '{}', reconnect: false, lastEventId: '1' })).toEqualTypeOf<Observable<ServerSentEvent>>();
    void eventStream(new URL('http://localhost/'), { fetch, reconnect: { maxRetries: Infinity, onReconnect: ({ delayMs }) => delayMs } });
    // @ts-expect-error -- `true` is no way to reconnect
    void eventStream('/events', { reconnect: true });
  });

  test('remoteChat is of chat events, or of what the server is known to send', () => {
    expectTypeOf(remoteChat('/chat', { prompt: 'Hi' })).toEqualTypeOf<Observable<ChatEvent>>();
    expectTypeOf(remoteChat<AgentEvent>('/chat', {}, { isLast: ({ type }) => type === 'turn-complete' })).toEqualTypeOf<Observable<AgentEvent>>();
    // @ts-expect-error -- the body is the second argument
    void remoteChat('/chat', {}, { body: '' });
  });
});

describe('serving', () => {
  test('a store comes with a key, and a key with a store', () => {
    expectTypeOf(replay).toEqualTypeOf<ReplayStore>();
    expectTypeOf(toServerSentEvents(of(1), { replay, key: 'k', lastEventId: request.headers.get('last-event-id') })).toEqualTypeOf<ReadableStream<Uint8Array>>();
    // @ts-expect-error -- which stream of it?
    toServerSentEvents(of(1), { replay });
    // @ts-expect-error -- there is none to find it in
    toServerSentEvents(of(1), { key: 'k' });
    // @ts-expect-error -- the store counts them
    toServerSentEvents(of(1), { replay, key: 'k', id: () => '1' });
  });

  test('a source may be left out with a store only', () => {
    toServerSentEvents(undefined, { replay, key: 'k' });
    // @ts-expect-error -- nothing to serve
    toServerSentEvents(undefined, {});
    pipeEventStream(undefined, response, { replay, key: 'k' });
    // @ts-expect-error -- nothing to serve
    pipeEventStream(undefined, response);
  });

  test('the callbacks take the values of the source', () => {
    toServerSentEvents(of('a'), { id: (value, index) => value + String(index), event: (value) => value });
    // @ts-expect-error -- an id is a string
    toServerSentEvents(of('a'), { id: () => 1 });
  });

  test('a response comes at once, or as a promise where a store is asked first', () => {
    expectTypeOf(eventStreamResponse(of(1))).toEqualTypeOf<Response>();
    expectTypeOf(eventStreamResponse(of(1), { retry: 5 })).toEqualTypeOf<Response>();
    expectTypeOf(eventStreamResponse(of(1), { replay, key: 'k' })).toEqualTypeOf<Promise<Response>>();
    expectTypeOf(pipeEventStream(of(1), response)).toEqualTypeOf<Subscription>();
  });

  test('toMessageEvents makes what Nest takes of anything', () => {
    expectTypeOf(of(1).pipe(toMessageEvents())).toEqualTypeOf<Observable<NestMessageEvent>>();
    expectTypeOf<NestMessageEvent>().toExtend<{ data: string | object; id?: string; type?: string; retry?: number }>();
  });
});
