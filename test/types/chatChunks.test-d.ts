import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { Observable } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import { accumulate, type CallOptions, chatChunks, type MistralTransport } from '../../src/index.js';

declare const client: MistralTransport;
declare const request: ChatCompletionStreamRequest;

test('chatChunks() takes the request of the SDK and makes its chunks', () => {
  expectTypeOf(chatChunks).parameter(1).toEqualTypeOf<ChatCompletionStreamRequest>();
  expectTypeOf(chatChunks).parameter(2).toEqualTypeOf<CallOptions | undefined>();
  expectTypeOf(chatChunks).returns.toEqualTypeOf<Observable<CompletionChunk>>();
  void chatChunks(client, { model: 'mistral-small-latest', n: 2, messages: [{ role: 'user', content: 'Hi' }] });
  // @ts-expect-error -- a request has messages
  void chatChunks(client, { model: 'mistral-small-latest' });
});

test('chatChunks() takes options that are undefined', () => {
  void chatChunks(client, request, undefined);
  void chatChunks(client, request, { retry: undefined, timeouts: undefined, headers: undefined, maxEventBytes: undefined, scheduler: undefined });
  void chatChunks(client, request, { retry: false });
  void chatChunks(client, request, { retry: {} });
});

test('chatChunks() has no options that only events have a use for', () => {
  // @ts-expect-error -- chunks have no request id
  void chatChunks(client, request, { requestId: 'mine' });
  // @ts-expect-error -- chunks cannot say that they begin anew
  void chatChunks(client, request, { onDisconnect: 'restart' });
});

test('chunks are no events', () => {
  // @ts-expect-error -- accumulate() takes events
  void chatChunks(client, request).pipe(accumulate());
});
