import type { EnvironmentProviders, ResourceRef, Signal } from '@angular/core';
import { describe, expectTypeOf, test } from 'vitest';
import { type Chat, type ChatMessage, chatResource, type ChatStatus, type ChatToolCall, injectChat, provideRxMistral } from '../../src/angular/index.js';
import type { AgentEvent, ChatSnapshot, RxMistralError } from '../../src/index.js';

describe('provideRxMistral', () => {
  test('goes among the providers of an application', () => {
    expectTypeOf(provideRxMistral({ endpoint: '/api/chat' })).toEqualTypeOf<EnvironmentProviders>();
    provideRxMistral({ endpoint: new URL('https://localhost/'), headers: () => ({ authorization: 'x' }), fetch, reconnect: { maxRetries: Infinity } });
    provideRxMistral({ endpoint: '/', headers: undefined, reconnect: false, idleTimeout: undefined, endOnStop: false });
    // @ts-expect-error -- where is the server?
    provideRxMistral({});
    // @ts-expect-error -- the key is the server's
    provideRxMistral({ endpoint: '/', apiKey: 'x' });
  });
});

describe('injectChat', () => {
  test('is made of signals that only it writes', () => {
    const chat = injectChat();
    expectTypeOf(chat).toEqualTypeOf<Chat>();
    expectTypeOf(chat.messages).toEqualTypeOf<Signal<readonly ChatMessage[]>>();
    expectTypeOf(chat.text()).toEqualTypeOf<string>();
    expectTypeOf(chat.status()).toEqualTypeOf<ChatStatus>();
    expectTypeOf(chat.error()).toEqualTypeOf<RxMistralError | undefined>();
    expectTypeOf(chat.toolCalls()).toEqualTypeOf<readonly ChatToolCall[]>();
    expectTypeOf(chat.usage()?.totalTokens).toEqualTypeOf<number | undefined>();
    expectTypeOf(chat.send).parameters.toEqualTypeOf<[text: string]>();
    expectTypeOf(chat.text).not.toHaveProperty('set');
    // @ts-expect-error -- read only
    chat.messages()[0]!.text = '';
  });

  test('takes what its application was provided with, and its own', () => {
    injectChat({ endpoint: '/other', body: (messages) => ({ last: messages.at(-1)?.text }), messages: [] });
    injectChat({ onEvent: (event) => { expectTypeOf(event).toEqualTypeOf<AgentEvent>(); } });
    // @ts-expect-error -- a function of the messages
    injectChat({ body: { messages: [] } });
  });
});

describe('chatResource', () => {
  test('is a resource of snapshots', () => {
    const answer = chatResource(() => ({ prompt: 'Hi' }), { endpoint: '/title' });
    expectTypeOf(answer).toEqualTypeOf<ResourceRef<ChatSnapshot | undefined>>();
    if (answer.hasValue()) expectTypeOf(answer.value()).toEqualTypeOf<ChatSnapshot>();
    // @ts-expect-error -- from signals
    chatResource({ prompt: 'Hi' });
  });
});
