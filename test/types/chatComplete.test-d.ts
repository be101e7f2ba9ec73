import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { map, type Observable } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import { type CallOptions, chatComplete, type MistralTransport, text } from '../../src/index.js';

declare const client: MistralTransport;
declare const request: ChatCompletionRequest;

test('chatComplete() takes the request of the SDK and makes its response', () => {
  expectTypeOf(chatComplete).parameter(1).toEqualTypeOf<ChatCompletionRequest>();
  expectTypeOf(chatComplete).parameter(2).toEqualTypeOf<CallOptions | undefined>();
  expectTypeOf(chatComplete).returns.toEqualTypeOf<Observable<ChatCompletionResponse>>();
  void chatComplete(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hi' }] });
  // @ts-expect-error -- a request has a model
  void chatComplete(client, { messages: [{ role: 'user', content: 'Hi' }] });
});

test('chatComplete() says what may be absent in a response', () => {
  expectTypeOf(chatComplete(client, request).pipe(map(({ choices }) => choices[0]?.finishReason))).toExtend<
    Observable<string | undefined>
  >();
});

test('chatComplete() takes options that are undefined', () => {
  void chatComplete(client, request, undefined);
  void chatComplete(client, request, { retry: undefined, timeouts: { total: undefined }, headers: undefined, scheduler: undefined });
  void chatComplete(client, request, { retry: false });
});

test('chatComplete() has no options that only streams have a use for', () => {
  // @ts-expect-error -- there is no stream to be cut
  void chatComplete(client, request, { onDisconnect: 'restart' });
  // @ts-expect-error -- there are no events
  void chatComplete(client, request, { requestId: 'mine' });
});

test('a response is no event', () => {
  // @ts-expect-error -- text() takes events
  void chatComplete(client, request).pipe(text());
});
