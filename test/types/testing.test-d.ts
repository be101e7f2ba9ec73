import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import { from, type Observable, of } from 'rxjs';
import type { RunHelpers, TestScheduler } from 'rxjs/testing';
import { describe, expectTypeOf, test } from 'vitest';
import {
  answer,
  chunk,
  completion,
  conversationEvent,
  type FakeCall,
  fakeMistral,
  type MarbleHelpers,
  marbles,
  type OperationName,
  type OperationRequest,
  usage,
} from '../../src/testing/index.js';
import type { MistralTransport, TransportOptions } from '../../src/transport/MistralTransport.js';
import type { chatCompleteOperation } from '../../src/transport/operations/chatComplete.js';
import type { chatStreamOperation } from '../../src/transport/operations/chatStream.js';

describe('a script', () => {
  test('knows the names of the operations', () => {
    expectTypeOf<'chat.stream' | 'chat.complete'>().toExtend<OperationName>();
    expectTypeOf<OperationRequest<'chat.stream'>>().toEqualTypeOf<ChatCompletionStreamRequest>();
    fakeMistral({});
    fakeMistral({ 'chat.stream': undefined });
    // @ts-expect-error -- a typo in the operation's name
    fakeMistral({ 'chat.straem': of(chunk.text('a')) });
  });

  test('knows the events of conversations', () => {
    fakeMistral({ 'beta.conversations.startStream': [[conversationEvent.started(), conversationEvent.text('Hi'), conversationEvent.done()]] });
    fakeMistral({ 'beta.conversations.delete': { status: 204 }, 'beta.conversations.appendStream': ({ conversationId }) => [conversationEvent.started(conversationId)] });
    // @ts-expect-error -- a chunk is no event of a conversation
    fakeMistral({ 'beta.conversations.startStream': of(chunk.text('a')) });
    // @ts-expect-error -- a call has an id
    conversationEvent.functionCall({ name: 'f' });
  });

  test('takes every form of answer', () => {
    fakeMistral({ 'chat.stream': from(answer('Hi')), 'chat.complete': completion() });
    fakeMistral({ 'chat.stream': [answer('Hi'), of(chunk.text('a')), { status: 429, headers: { 'retry-after': '7' } }] });
    fakeMistral({ 'chat.stream': { status: 500, body: { message: 'broken' } } });
    fakeMistral({ 'chat.stream': { status: 200, headers: [['x-a', '1']], body: answer('Hi') } });
    fakeMistral({ 'chat.stream': () => answer('Hi') });
    fakeMistral({ 'chat.stream': (_request, n) => (n === 0 ? { status: 503 } : answer('Hi')) });
    fakeMistral({ 'chat.complete': [completion(), of(completion()), Promise.resolve(completion()), { status: 200, body: completion() }] });
    fakeMistral({ 'chat.complete': (_request, n) => (n === 0 ? { status: 503, body: 'busy' } : completion()) });
  });

  test('gives a function its request, number and options', () => {
    fakeMistral({
      'chat.stream': (request, n, options) => {
        expectTypeOf(request).toEqualTypeOf<ChatCompletionStreamRequest>();
        expectTypeOf(n).toEqualTypeOf<number>();
        expectTypeOf(options).toEqualTypeOf<TransportOptions>();
        return [];
      },
      'chat.complete': (request) => {
        expectTypeOf(request).toEqualTypeOf<ChatCompletionRequest>();
        return completion();
      },
    });
  });

  test('refuses events of another type', () => {
    // @ts-expect-error -- text is no chunk
    fakeMistral({ 'chat.stream': of('Hel') });
    // @ts-expect-error -- nor in a list
    fakeMistral({ 'chat.stream': [of('Hel')] });
    // @ts-expect-error -- nor from a function
    fakeMistral({ 'chat.stream': () => ['Hel'] });
    // @ts-expect-error -- nor in a response
    fakeMistral({ 'chat.stream': { status: 200, body: of('Hel') } });
    // @ts-expect-error -- a stream does not answer with a completion
    fakeMistral({ 'chat.stream': of(completion()) });
    // @ts-expect-error -- nor is a completion answered with chunks
    fakeMistral({ 'chat.complete': of(chunk.text('Hel')) });
    // @ts-expect-error -- an array is a list of answers, not one answer
    fakeMistral({ 'chat.stream': answer('Hi') });
    // @ts-expect-error -- a status is a number
    fakeMistral({ 'chat.stream': { status: '429' } });
    marbles((m) => {
      m.mistral({ 'chat.stream': m.cold('--a|', { a: chunk.text('a') }) });
      // @ts-expect-error -- a diagram of text is none of chunks
      m.mistral({ 'chat.stream': m.cold('--a|', { a: 'Hel' }) });
    });
  });
});

test('a fake is a transport', () => {
  const mistral = fakeMistral({});
  expectTypeOf(mistral).toExtend<MistralTransport>();
  expectTypeOf(mistral.stream({} as typeof chatStreamOperation, {} as ChatCompletionStreamRequest)).toEqualTypeOf<Observable<CompletionChunk>>();
  expectTypeOf(mistral.call({} as typeof chatCompleteOperation, {} as ChatCompletionRequest)).toEqualTypeOf<Observable<ChatCompletionResponse>>();
  expectTypeOf(mistral.createRequestId()).toEqualTypeOf<string>();
});

test('a call is told apart by its operation', () => {
  const call = {} as FakeCall;
  expectTypeOf(call.state).toEqualTypeOf<'open' | 'completed' | 'errored' | 'unsubscribed'>();
  if (call.operation === 'chat.stream') expectTypeOf(call.request).toEqualTypeOf<ChatCompletionStreamRequest>();
  // @ts-expect-error -- calls are read only
  call.state = 'open';
});

test('the helpers of a marble test are those of rxjs and ours', () => {
  expectTypeOf<MarbleHelpers>().toExtend<RunHelpers>();
  expectTypeOf<MarbleHelpers['scheduler']>().toEqualTypeOf<TestScheduler>();
  marbles(() => undefined, (actual, expected) => actual === expected);
});

test('makers make the types of the SDK', () => {
  expectTypeOf(chunk.text('a')).toEqualTypeOf<CompletionChunk>();
  expectTypeOf(chunk.finish('stop', usage())).toEqualTypeOf<CompletionChunk>();
  expectTypeOf(completion()).toEqualTypeOf<ChatCompletionResponse>();
  expectTypeOf(usage()).toEqualTypeOf<UsageInfo>();
  expectTypeOf(answer('a')).toEqualTypeOf<CompletionChunk[]>();
  // @ts-expect-error -- a whole call has an id
  chunk.toolCall({ name: 'f' });
});
