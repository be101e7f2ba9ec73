import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import { filter, type Observable, type SchedulerLike } from 'rxjs';
import { describe, expectTypeOf, test } from 'vitest';
import {
  accumulate,
  agentTurn,
  type CallOptions,
  type ChatEvent,
  type ChatSnapshot,
  chatStream,
  type ChatStreamOptions,
  type CompleteEvent,
  errorAsEvent,
  type ErrorEvent,
  fimStream,
  type MistralTransport,
  type PartialMessage,
  type RetryConfig,
  type RetryEvent,
  type RxMistralError,
  text,
  type TextDeltaEvent,
  type Timeouts,
  toolCalls,
} from '../../src/index.js';

declare const client: MistralTransport;
declare const request: ChatCompletionStreamRequest;

describe('chatStream', () => {
  test('takes the request of the SDK and makes events', () => {
    expectTypeOf(chatStream).parameter(1).toEqualTypeOf<ChatCompletionStreamRequest>();
    expectTypeOf(chatStream).parameter(2).toEqualTypeOf<ChatStreamOptions | undefined>();
    expectTypeOf(chatStream).returns.toEqualTypeOf<Observable<ChatEvent>>();
  });

  test('takes a request that is written in place', () => {
    void chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hi' }], temperature: 0.2 });
    // @ts-expect-error -- a request has messages
    void chatStream(client, { model: 'mistral-small-latest' });
    // @ts-expect-error -- and a model
    void chatStream(client, { messages: [{ role: 'user', content: 'Hi' }] });
    // @ts-expect-error -- a role that there is not
    void chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'robot', content: 'Hi' }] });
    // @ts-expect-error -- the fields have the names of the SDK, not those of the wire
    void chatStream(client, { model: 'mistral-small-latest', messages: [], max_tokens: 5 });
  });

  test('goes on from what an error or a snapshot holds of the answer, or from nothing', () => {
    expectTypeOf<RxMistralError['partial']>().toExtend<ChatStreamOptions['continueFrom']>();
    expectTypeOf<ChatSnapshot['message']>().toExtend<ChatStreamOptions['continueFrom']>();
    // @ts-expect-error -- a message, not its text
    void chatStream(client, request, { continueFrom: 'The sky is' });
    // @ts-expect-error -- of the assistant
    void chatStream(client, request, { continueFrom: { role: 'user', content: 'Hi' } });
    // @ts-expect-error -- the API continues no code
    void fimStream(client, { model: 'codestral-latest', prompt: 'a' }, { continueFrom: { content: 'b' } });
    // @ts-expect-error -- a turn is continued by its messages
    void agentTurn(client, request, { continueFrom: { content: 'Hi' } });
  });

  test('stands before the operators, which make of its events what they say', () => {
    expectTypeOf(chatStream(client, request).pipe(accumulate())).toEqualTypeOf<Observable<ChatSnapshot>>();
    expectTypeOf(chatStream(client, request).pipe(text())).toEqualTypeOf<Observable<string>>();
    expectTypeOf(chatStream(client, request).pipe(errorAsEvent())).toEqualTypeOf<Observable<ChatEvent | ErrorEvent>>();
    expectTypeOf(chatStream(client, request).pipe(errorAsEvent(), accumulate())).toEqualTypeOf<Observable<ChatSnapshot>>();
    expectTypeOf(chatStream(client, request).pipe(toolCalls())).toEqualTypeOf<Observable<{ readonly id: string; readonly name: string; readonly arguments: string }>>();
  });

  test('accumulates to a snapshot that cannot be written to', () => {
    expectTypeOf<ChatSnapshot>().toHaveProperty('text').toEqualTypeOf<string>();
    expectTypeOf<ChatSnapshot>().toHaveProperty('message').toEqualTypeOf<AssistantMessage>();
    expectTypeOf<ChatSnapshot>().toHaveProperty('usage').toEqualTypeOf<UsageInfo | undefined>();
    expectTypeOf<ChatSnapshot>().toHaveProperty('finishReason').toEqualTypeOf<string | undefined>();
    expectTypeOf<ChatSnapshot>().toHaveProperty('done').toEqualTypeOf<boolean>();
    const snapshot = {} as ChatSnapshot;
    // @ts-expect-error -- read only
    snapshot.text = '';
  });
});

describe('an event', () => {
  const event = {} as ChatEvent;

  test('is of one of seven types', () => {
    expectTypeOf<ChatEvent['type']>().toEqualTypeOf<
      'start' | 'text-delta' | 'thinking-delta' | 'tool-call-delta' | 'tool-call' | 'retry' | 'complete'
    >();
    expectTypeOf<ChatEvent['requestId']>().toEqualTypeOf<string>();
  });

  test('is told by its type', () => {
    switch (event.type) {
      case 'start':
        expectTypeOf(event.attempt).toEqualTypeOf<number>();
        expectTypeOf(event.model).toEqualTypeOf<string>();
        break;
      case 'text-delta':
      case 'thinking-delta':
        expectTypeOf(event.index).toEqualTypeOf<number>();
        expectTypeOf(event.text).toEqualTypeOf<string>();
        break;
      case 'tool-call-delta':
        expectTypeOf(event.argumentsText).toEqualTypeOf<string>();
        break;
      case 'tool-call':
        expectTypeOf(event.toolCall).toEqualTypeOf<{ readonly id: string; readonly name: string; readonly arguments: string }>();
        break;
      case 'retry':
        expectTypeOf(event).toEqualTypeOf<RetryEvent>();
        expectTypeOf(event.strategy).toEqualTypeOf<'restart' | 'resume'>();
        expectTypeOf(event.error).toEqualTypeOf<RxMistralError>();
        break;
      case 'complete':
        expectTypeOf(event).toEqualTypeOf<CompleteEvent>();
        expectTypeOf(event.message).toEqualTypeOf<AssistantMessage>();
        expectTypeOf(event.usage).toEqualTypeOf<UsageInfo | undefined>();
        break;
      default:
        expectTypeOf(event).toBeNever();
    }
  });

  test('is told in a pipe too', () => {
    const deltas = chatStream(client, request).pipe(filter((each) => each.type === 'text-delta'));
    expectTypeOf(deltas).toEqualTypeOf<Observable<TextDeltaEvent>>();
  });

  test('has no type "error" before errorAsEvent()', () => {
    // @ts-expect-error -- there is no overlap
    if (event.type === 'error') throw new Error('never');
  });

  test('is read only', () => {
    const start = {} as Extract<ChatEvent, { type: 'start' }>;
    // @ts-expect-error -- read only
    start.attempt = 2;
  });
});

describe('the options', () => {
  test('may all be undefined, as may those within them', () => {
    void chatStream(client, request, undefined);
    void chatStream(client, request, {
      headers: undefined,
      timeouts: undefined,
      retry: undefined,
      maxEventBytes: undefined,
      scheduler: undefined,
      requestId: undefined,
      onDisconnect: undefined,
    });
    void chatStream(client, request, { timeouts: { firstEvent: undefined, idle: undefined, total: undefined } });
    void chatStream(client, request, { retry: { maxRetries: undefined, backoff: undefined, budget: undefined, random: undefined } });
    void chatStream(client, request, {});
  });

  test('have these types', () => {
    expectTypeOf<ChatStreamOptions>().toExtend<CallOptions>();
    expectTypeOf<ChatStreamOptions['retry']>().toEqualTypeOf<RetryConfig | false | undefined>();
    expectTypeOf<ChatStreamOptions['timeouts']>().toEqualTypeOf<Timeouts | undefined>();
    expectTypeOf<ChatStreamOptions['scheduler']>().toEqualTypeOf<SchedulerLike | undefined>();
    expectTypeOf<ChatStreamOptions['onDisconnect']>().toEqualTypeOf<'error' | 'restart' | 'resume' | undefined>();
  });

  test('refuse what they do not know', () => {
    // @ts-expect-error -- a word of another library
    void chatStream(client, request, { onDisconnect: 'reconnect' });
    // @ts-expect-error -- what to retry is said by a config or {}
    void chatStream(client, request, { retry: true });
    // @ts-expect-error -- a number of milliseconds
    void chatStream(client, request, { timeouts: { total: '5s' } });
    // @ts-expect-error -- one object for all timeouts
    void chatStream(client, request, { timeout: 5_000 });
    // @ts-expect-error -- the values of headers are strings
    void chatStream(client, request, { headers: { 'x-count': 1 } });
    // @ts-expect-error -- a Headers object would lose its entries
    void chatStream(client, request, { headers: new Headers() });
    // @ts-expect-error -- a typo in the name
    void chatStream(client, request, { retry: { maxRetry: 3 } });
  });

  test('are read only', () => {
    const options: ChatStreamOptions = {};
    // @ts-expect-error -- read only
    options.retry = false;
  });
});

describe('the message so far', () => {
  test('can be sent back as a message', () => {
    expectTypeOf<PartialMessage>().toExtend<AssistantMessage>();
    const partial = {} as PartialMessage;
    void chatStream(client, { ...request, messages: [...request.messages, { ...partial, role: 'assistant', prefix: true }] });
  });

  test('is what an error carries', () => {
    expectTypeOf<RxMistralError['partial']>().toEqualTypeOf<PartialMessage | undefined>();
  });
});
