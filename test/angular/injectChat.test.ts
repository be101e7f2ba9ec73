import { createEnvironmentInjector, effect, EnvironmentInjector, Injector, runInInjectionContext } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { concat, from, of, type Subject } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { injectChat, provideRxMistral, type Chat, type ChatMessage, type ChatOptions, type RxMistralConfig } from '../../src/angular/index.js';
import { type AgentEvent, type ChatEvent, constantBackoff, isRxMistralError, RxMistralError } from '../../src/index.js';
import { eventually, settle } from '../wire/fixtures/cancellationFixtures.js';
import { angularTest, configure } from './fixtures/angularTest.js';
import { answer, busy, complete, delta, failing, scripted, start, stuck, thinking, usage, whole } from './fixtures/chatAnswers.js';
import { type AnswerOf, type ChatServer, startChatServer } from './fixtures/startChatServer.js';

angularTest();

const patient = 20_000;
const reconnect = { backoff: constantBackoff(0), maxRetries: 1_000 };
let server: ChatServer | undefined;

afterEach(async () => {
  TestBed.resetTestingModule();
  await server?.close();
  server = undefined;
});

async function serve(answerOf: AnswerOf): Promise<ChatServer> {
  server = await startChatServer(answerOf);
  return server;
}

/** A chat with the server, in an application of its own. */
async function chatWith(answerOf: AnswerOf, options: ChatOptions = {}, config: Partial<RxMistralConfig> = {}): Promise<{ chat: Chat; server: ChatServer }> {
  const server = await serve(answerOf);
  configure([provideRxMistral({ endpoint: server.url, reconnect, ...config })]);
  return { chat: TestBed.runInInjectionContext(() => injectChat(options)), server };
}

const until = (condition: () => boolean, what: string): Promise<void> => eventually(condition, what, patient);
const atRest = (chat: Chat): Promise<void> => until(() => ['idle', 'error'].includes(chat.status()), 'the answer is over');
const shown = (chat: Chat): string[] => chat.messages().map(({ role, text, status }) => `${role}: ${text} (${status})`);
const methods = ({ requests }: ChatServer): string[] => requests.map(({ method }) => method);

describe('send', () => {
  it('streams the answer into the signals, as it comes', async () => {
    const events = scripted();
    const { chat } = await chatWith(() => events);
    expect([chat.status(), chat.messages(), chat.text(), chat.error(), chat.usage()]).toEqual(['idle', [], '', undefined, undefined]);

    chat.send('Hi');
    expect([chat.status(), shown(chat)]).toEqual(['connecting', ['user: Hi (done)', 'assistant:  (streaming)']]);
    await until(() => events.observed && chat.status() === 'streaming', 'the connection stands');
    events.next(start);
    events.next(thinking('Hm'));
    await until(() => chat.thinking() === 'Hm', 'the thinking is there');
    events.next(delta('Hel'));
    await until(() => chat.text() === 'Hel', 'the first piece is there');
    events.next(delta('lo', 1));
    await until(() => chat.text() === 'Hello', 'the second piece is there');
    expect([chat.status(), shown(chat), chat.usage()]).toEqual(['streaming', ['user: Hi (done)', 'assistant: Hello (streaming)'], undefined]);
    events.next(complete('Hello'));
    await atRest(chat);
    expect([chat.status(), shown(chat), chat.usage(), chat.thinking()]).toEqual(['idle', ['user: Hi (done)', 'assistant: Hello (done)'], usage, 'Hm']);
    expect(chat.messages()[1]).toMatchObject({ thinking: 'Hm', usage });
  });

  it('posts all messages so far, with a key that is new for each answer', async () => {
    const { chat, server } = await chatWith((_, index) => whole(`Answer ${index}`), {}, { headers: { authorization: 'Bearer a' } });
    for (const text of ['One?', 'Two?']) {
      chat.send(text);
      await atRest(chat);
    }
    expect(server.requests.map(({ method, body }) => [method, body])).toEqual([
      ['POST', { messages: [{ role: 'user', content: 'One?' }] }],
      ['POST', { messages: [{ role: 'user', content: 'One?' }, { role: 'assistant', content: 'Answer 0' }, { role: 'user', content: 'Two?' }] }],
    ]);
    const [first, second] = server.requests;
    expect([first!.headers.authorization, first!.key.length, first!.key === second!.key]).toEqual(['Bearer a', 32, false]);
    expect(new Set(chat.messages().map(({ id }) => id)).size).toBe(4);
    expect([chat.text(), chat.usage(), chat.totalUsage()]).toEqual(['Answer 1', usage, { promptTokens: 10, completionTokens: 4, totalTokens: 14 }]);
  });

  it('sends what `body` makes of the messages, and asks a function of headers anew for each answer', async () => {
    let token = 0;
    const body = vi.fn((messages: readonly ChatMessage[]) => ({ last: messages.at(-1)?.text }));
    const { chat, server } = await chatWith(() => whole('A'), { body, headers: () => ({ 'x-token': String(++token) }) });
    for (const text of ['One?', 'Two?']) {
      chat.send(text);
      await atRest(chat);
    }
    expect(server.requests.map(({ body, headers }) => [body, headers['x-token']])).toEqual([[{ last: 'One?' }, '1'], [{ last: 'Two?' }, '2']]);
  });

  it('does nothing for white space', async () => {
    const { chat, server } = await chatWith(() => whole('A'));
    chat.send(' \n');
    expect([chat.status(), chat.messages(), server.requests]).toEqual(['idle', [], []]);
  });

  it('stops the answer that is coming', async () => {
    const { chat, server } = await chatWith((_, index) => (index === 0 ? stuck('Half') : whole('Whole')));
    chat.send('One?');
    await until(() => chat.text() === 'Half', 'half of it is there');
    chat.send('Two?');
    await atRest(chat);
    expect(shown(chat)).toEqual(['user: One? (done)', 'assistant: Half (stopped)', 'user: Two? (done)', 'assistant: Whole (done)']);
    await until(() => server.open === 0, 'the first source is closed');
    expect(methods(server).sort()).toEqual(['DELETE', 'POST', 'POST']);
  });

  it('may be called in an effect, which then does not depend on the chat', async () => {
    const { chat, server } = await chatWith(() => whole('A'));
    const runs = vi.fn();
    TestBed.runInInjectionContext(() => effect(() => { runs(); chat.send('Hi'); }));
    TestBed.tick();
    await atRest(chat);
    TestBed.tick();
    expect([runs.mock.calls.length, methods(server)]).toEqual([1, ['POST']]);
  });

  it('works when it is taken off the chat', async () => {
    const { chat } = await chatWith(() => whole('A'));
    const { send, status, text } = chat;
    send('Hi');
    await until(() => status() === 'idle', 'the answer is over');
    expect(text()).toBe('A');
  });
});

describe('the message', () => {
  const toolCall = { id: 't', name: 'search', arguments: '{"q":"x"}' };

  it('has the tool calls from their first piece', async () => {
    const events = scripted();
    const { chat } = await chatWith(() => events);
    chat.send('Hi');
    await until(() => events.observed, 'it is asked');
    events.next(start);
    events.next({ type: 'tool-call-delta', requestId: 'r', toolCallId: 't', name: 'search', argumentsText: '{"q":' });
    await until(() => chat.toolCalls().length === 1, 'the call is there');
    expect(chat.toolCalls()).toEqual([{ id: 't', name: 'search', arguments: '{"q":', complete: false }]);
    events.next({ type: 'tool-call', requestId: 'r', toolCall });
    events.next(complete(''));
    await atRest(chat);
    expect(chat.messages()[1]!.toolCalls).toEqual([{ ...toolCall, complete: true }]);
  });

  it('holds all steps of an agent, with what its tools gave, and the sum of their usage', async () => {
    const error = new RxMistralError({ kind: 'tool', message: 'no such file' });
    const other = { id: 'u', name: 'read', arguments: '{}' };
    const message = { role: 'assistant' as const, content: 'Found.' };
    const events: readonly AgentEvent[] = [
      { type: 'step-start', requestId: 'r', step: 1 },
      start,
      delta('I look.'),
      { type: 'tool-call', requestId: 'r', toolCall },
      { type: 'tool-call', requestId: 'r', toolCall: other },
      { ...complete('I look.'), finishReason: 'tool_calls' } as ChatEvent,
      { type: 'tool-result', requestId: 'r', step: 1, toolCallId: 't', name: 'search', result: 7, text: '7' },
      { type: 'tool-error', requestId: 'r', step: 1, toolCallId: 'u', name: 'read', error, text: 'It failed' },
      { type: 'step-start', requestId: 'r', step: 2 },
      start,
      delta('Found.'),
      complete('Found.'),
      { type: 'turn-complete', requestId: 'r', ending: 'answered', steps: 2, message, messages: [], finishReason: 'stop', usage },
    ];
    const seen: string[] = [];
    const { chat, server } = await chatWith(() => from(events), { onEvent: ({ type }) => seen.push(type) });
    chat.send('Hi');
    await atRest(chat);
    expect(chat.messages()[1]).toMatchObject({ status: 'done', text: 'I look.\n\nFound.', usage: { totalTokens: 14 } });
    expect(chat.toolCalls()).toMatchObject([{ ...toolCall, result: '7' }, { ...other, result: 'It failed', error: { kind: 'tool', message: 'no such file' } }]);
    expect(isRxMistralError(chat.toolCalls()[1]!.error)).toBe(true);
    expect([seen, methods(server)]).toEqual([events.map(({ type }) => type), ['POST']]);
  });

  it('begins anew where the server does', async () => {
    const retry: ChatEvent = { type: 'retry', requestId: 'r', attempt: 1, delayMs: 0, strategy: 'restart', error: busy };
    const { chat } = await chatWith(() => concat(of(start, delta('Wrong'), retry), of({ ...start, attempt: 2 } as ChatEvent, delta('Right'), complete('Right'))));
    chat.send('Hi');
    await atRest(chat);
    expect(chat.text()).toBe('Right');
  });

  it('is one object until it changes, and the messages before it stay the same objects', async () => {
    const events = scripted();
    const { chat } = await chatWith((_, index) => (index === 0 ? whole('One') : events));
    chat.send('One?');
    await atRest(chat);
    chat.send('Two?');
    await until(() => events.observed, 'it is asked');
    events.next(start);
    events.next(delta('a'));
    await until(() => chat.text() === 'a', 'the first piece is there');
    const before = chat.messages();
    expect(chat.messages()).toBe(before);
    events.next(delta('b', 1));
    await until(() => chat.text() === 'ab', 'the second piece is there');
    const after = chat.messages();
    expect(before.map((message, index) => message === after[index])).toEqual([true, true, true, false]);
    expect([before[3]!.text, after[3]!.text, before[3]!.id === after[3]!.id]).toEqual(['a', 'ab', true]);
  });
});

describe('stop', () => {
  it('closes the connection, and has the server end the answer', async () => {
    const { chat, server } = await chatWith(() => stuck('Half'));
    chat.send('Hi');
    await until(() => chat.text() === 'Half', 'half of it is there');
    expect(server.open).toBe(1);
    chat.stop();
    expect([chat.status(), shown(chat)]).toEqual(['idle', ['user: Hi (done)', 'assistant: Half (stopped)']]);
    await until(() => server.open === 0, 'the source is closed');
    const [post, end] = server.requests;
    expect([methods(server), end!.key]).toEqual([['POST', 'DELETE'], post!.key]);
  });

  it('before there is a connection, too', async () => {
    const { chat, server } = await chatWith(() => stuck('Half'));
    chat.send('Hi');
    chat.stop();
    expect(shown(chat)).toEqual(['user: Hi (done)', 'assistant:  (stopped)']);
    await until(() => methods(server).includes('DELETE'), 'the server was told');
    await until(() => server.open === 0, 'no source is open');
    expect(chat.status()).toBe('idle');
  });

  it.each([1, 2, 4, 8, 16, 32, 64])('leaves nothing open, %s turns of the event loop behind the question', async (turns) => {
    const { chat, server } = await chatWith(() => stuck('Half'));
    chat.send('Hi');
    await settle(turns);
    chat.stop();
    await until(() => methods(server).includes('DELETE'), 'the server was told');
    await settle();
    await until(() => server.open === 0, 'no source is open');
    expect(chat.status()).toBe('idle');
  });

  it('closes the connection alone where `endOnStop` says so', async () => {
    const { chat, server } = await chatWith(() => stuck('Half'), {}, { endOnStop: false });
    chat.send('Hi');
    await until(() => chat.text() === 'Half', 'half of it is there');
    chat.stop();
    await until(() => server.sockets === 0, 'the socket is closed');
    expect([server.open, methods(server)]).toEqual([1, ['POST']]);
  });

  it('sends the headers of the answer along, and what fails there is nobody’s concern', async () => {
    const sent: Request[] = [];
    const send = async (request: Request, init: { readonly signal: AbortSignal }): Promise<Response> => {
      sent.push(request);
      if (request.method === 'DELETE') throw new TypeError('offline');
      return fetch(request, init);
    };
    const { chat } = await chatWith(() => stuck('Half'), {}, { fetch: send, headers: { authorization: 'Bearer a' } });
    chat.send('Hi');
    await until(() => chat.text() === 'Half', 'half of it is there');
    chat.stop();
    const [, end] = sent;
    expect([end!.method, end!.keepalive, end!.headers.get('authorization'), end!.headers.has('content-type')]).toEqual(['DELETE', true, 'Bearer a', false]);
    expect(chat.status()).toBe('idle');
  });

  it('does nothing where nothing is coming', async () => {
    const { chat, server } = await chatWith(() => failing('Half'));
    chat.stop();
    chat.send('Hi');
    await atRest(chat);
    chat.stop();
    expect([chat.status(), methods(server)]).toEqual(['error', ['POST']]);
  });

  it('may be called for an event that comes', async () => {
    const { chat, server } = await chatWith(() => whole('a', 'b', 'c'), { onEvent: (event) => { if (event.type === 'text-delta') chat.stop(); } });
    chat.send('Hi');
    await atRest(chat);
    expect(shown(chat)).toEqual(['user: Hi (done)', 'assistant: a (stopped)']);
    await until(() => methods(server).length === 2, 'the server was told');
  });
});

describe('a failure', () => {
  it('is an RxMistralError in `error`, and the message keeps what had come', async () => {
    const { chat } = await chatWith(() => failing('Hal', 'f'));
    chat.send('Hi');
    await atRest(chat);
    expect([chat.status(), shown(chat)]).toEqual(['error', ['user: Hi (done)', 'assistant: Half (failed)']]);
    const error = chat.error();
    expect(error).toBeInstanceOf(RxMistralError);
    expect(error).toMatchObject({ kind: 'rate-limit', status: 429, retryable: true, partial: { role: 'assistant', content: 'Half' } });
    expect(chat.messages()[1]!.error).toBe(error);
  });

  it('retry repeats the last question, and its answer makes way', async () => {
    const { chat, server } = await chatWith((_, index) => (index === 1 ? failing('Hal') : whole(`Answer ${index}`)));
    for (const text of ['One?', 'Two?']) {
      chat.send(text);
      await atRest(chat);
    }
    const failed = chat.messages();
    chat.retry();
    expect([chat.status(), chat.error(), chat.text()]).toEqual(['connecting', undefined, '']);
    await atRest(chat);
    expect(shown(chat).slice(2)).toEqual(['user: Two? (done)', 'assistant: Answer 2 (done)']);
    expect([chat.messages()[2] === failed[2], chat.messages()[3]!.id === failed[3]!.id]).toEqual([true, false]);
    const [, second, third] = server.requests;
    expect([third!.body, third!.key === second!.key]).toEqual([second!.body, false]);
  });

  it('retry asks again for an answer that was stopped, that is coming, or that is done; and nothing where nothing was asked', async () => {
    const { chat, server } = await chatWith((_, index) => (index < 2 ? stuck('Half') : whole(`Answer ${index}`)));
    chat.retry();
    expect([chat.status(), server.requests]).toEqual(['idle', []]);
    chat.send('Hi');
    await until(() => chat.text() === 'Half', 'half of it is there');
    chat.stop();
    chat.retry();
    await until(() => chat.text() === 'Half', 'half of it is there again');
    chat.retry();
    await atRest(chat);
    chat.retry();
    await atRest(chat);
    expect(shown(chat)).toEqual(['user: Hi (done)', 'assistant: Answer 3 (done)']);
    await until(() => server.open === 0, 'all sources are closed');
  });

  it('of which nothing came is no answer to the model: the next question leaves it out', async () => {
    const { chat, server } = await chatWith((_, index) => (index === 0 ? failing() : whole('A')));
    for (const text of ['One?', 'Two?']) {
      chat.send(text);
      await atRest(chat);
    }
    expect(server.requests[1]!.body).toEqual({ messages: [{ role: 'user', content: 'One?' }, { role: 'user', content: 'Two?' }] });
    expect([chat.status(), chat.error()]).toEqual(['idle', undefined]);
  });

  it.each<[string, ChatOptions]>([
    ['body that throws', { body: () => { throw new Error('the user’s secret'); } }],
    ['body that is none', { body: () => undefined }],
    ['headers that throw', { headers: () => { throw new Error('the user’s secret'); } }],
    ['onEvent that throws', { onEvent: () => { throw new Error('the user’s secret'); } }],
  ])('is also what comes of the user’s %s, and shows nothing of it', async (_, options) => {
    const { chat, server } = await chatWith(() => stuck('A'), options);
    chat.send('Hi');
    await atRest(chat);
    expect([chat.status(), chat.error()]).toMatchObject(['error', { name: 'RxMistralError', kind: 'validation', retryable: false }]);
    expect(chat.error()!.message).not.toContain('secret');
    await until(() => server.open === 0, 'no source is open');
  });

  it('comes where the server cannot be reached, behind the attempts', async () => {
    const { chat, server } = await chatWith(() => whole('A'), {}, { reconnect: { ...reconnect, maxRetries: 2 } });
    server.isDown = true;
    chat.send('Hi');
    await atRest(chat);
    expect([chat.status(), chat.error()]).toMatchObject(['error', { kind: 'connection', retryable: true }]);
    server.isDown = false;
    chat.retry();
    await atRest(chat);
    expect(shown(chat)).toEqual(['user: Hi (done)', 'assistant: A (done)']);
  });
});

describe('a connection that is lost', () => {
  it('is made again: the text is exactly the answer, and the model was asked once', async () => {
    const events = scripted();
    const told: unknown[] = [];
    const { chat, server } = await chatWith(() => events, {}, { reconnect: { ...reconnect, onReconnect: ({ lastEventId }) => told.push(lastEventId) } });
    chat.send('Hi');
    await until(() => events.observed, 'it is asked');
    events.next(start);
    events.next(delta('one '));
    await until(() => chat.text() === 'one ', 'the first piece is there');

    server.isDown = true;
    server.cut();
    await until(() => chat.status() === 'reconnecting', 'it reconnects');
    events.next(delta('two ', 1));
    expect([chat.text(), chat.messages()[1]!.status]).toEqual(['one ', 'streaming']);
    server.isDown = false;
    await until(() => chat.status() === 'streaming' && chat.text() === 'one two ', 'it has what it missed');
    events.next(delta('three', 2));
    events.next(complete('one two three'));
    await atRest(chat);
    expect([chat.text(), chat.status(), chat.error()]).toEqual(['one two three', 'idle', undefined]);
    expect([server.begun, methods(server), told[0]]).toEqual([1, ['POST', 'POST'], '2']);
  });

  it('says so before the next piece comes', async () => {
    const events = scripted();
    const { chat, server } = await chatWith(() => events);
    chat.send('Hi');
    await until(() => events.observed, 'it is asked');
    events.next(start);
    events.next(delta('one'));
    await until(() => chat.text() === 'one', 'the first piece is there');
    server.cut();
    await until(() => server.requests.length === 2 && chat.status() === 'streaming', 'it stands again');
    expect(chat.text()).toBe('one');
  });

  it.each([1, 2, 3, 4, 5])('behind event %s costs nothing', async (count) => {
    const all = answer('a', 'b', 'c', 'd');
    const events = scripted();
    const { chat, server } = await chatWith(() => events);
    chat.send('Hi');
    await until(() => events.observed, 'it is asked');
    for (const [index, event] of all.entries()) {
      events.next(event);
      if (index + 1 !== count) continue;
      await until(() => chat.text() === 'abcd'.slice(0, index), 'what was sent is there');
      server.cut();
      await until(() => server.requests.length === 2, 'it has come back');
    }
    await atRest(chat);
    expect([shown(chat), server.begun]).toEqual([['user: Hi (done)', 'assistant: abcd (done)'], 1]);
  });

  it('can be stopped while it is waited for', async () => {
    const { chat, server } = await chatWith(() => stuck('Half'));
    chat.send('Hi');
    await until(() => chat.text() === 'Half', 'half of it is there');
    server.isDown = true;
    server.cut();
    await until(() => chat.status() === 'reconnecting', 'it reconnects');
    server.isDown = false;
    chat.stop();
    expect([chat.status(), shown(chat)]).toEqual(['idle', ['user: Hi (done)', 'assistant: Half (stopped)']]);
    await until(() => server.open === 0, 'the source is closed');
  });

  it('fails the answer where nobody is to reconnect', async () => {
    const { chat, server } = await chatWith(() => stuck('Half'), {}, { reconnect: false });
    chat.send('Hi');
    await until(() => chat.text() === 'Half', 'half of it is there');
    server.cut();
    await atRest(chat);
    expect([chat.error(), shown(chat)[1]]).toMatchObject([{ kind: 'connection', partial: { content: 'Half' } }, 'assistant: Half (failed)']);
  });
});

describe('where it was injected', () => {
  it('is what it ends with: the source on the server is closed, and nothing is asked any more', async () => {
    const server = await serve(() => stuck('Half'));
    configure([provideRxMistral({ endpoint: server.url })]);
    const component = createEnvironmentInjector([], TestBed.inject(EnvironmentInjector));
    const chat = runInInjectionContext(component, () => injectChat());
    chat.send('Hi');
    await until(() => chat.text() === 'Half', 'half of it is there');
    component.destroy();
    expect([chat.status(), shown(chat)]).toEqual(['idle', ['user: Hi (done)', 'assistant: Half (stopped)']]);
    await until(() => server.open === 0, 'the source is closed');
    chat.send('Again');
    chat.retry();
    expect([chat.messages().length, methods(server)]).toEqual([2, ['POST', 'DELETE']]);
  });

  it('two chats are two: each has its messages and its end', async () => {
    const server = await serve((body) => ((body as { messages: { content: string }[] }).messages[0]!.content === 'One?' ? stuck('Half') : whole('Whole')));
    configure([provideRxMistral({ endpoint: server.url })]);
    const [one, two] = TestBed.runInInjectionContext(() => [injectChat(), injectChat()] as const);
    one.send('One?');
    two.send('Two?');
    await atRest(two);
    await until(() => one.text() === 'Half', 'half of it is there');
    expect([shown(one), shown(two)]).toEqual([['user: One? (done)', 'assistant: Half (streaming)'], ['user: Two? (done)', 'assistant: Whole (done)']]);
    two.clear();
    expect([one.messages().length, two.messages(), server.open]).toEqual([2, [], 1]);
    one.stop();
    await until(() => server.open === 0, 'the source is closed');
  });

  it('may be an injector without an application', async () => {
    const server = await serve(() => whole('A'));
    const injector = createEnvironmentInjector([provideRxMistral({ endpoint: server.url })], Injector.NULL as EnvironmentInjector);
    const chat = runInInjectionContext(injector, () => injectChat());
    chat.send('Hi');
    await atRest(chat);
    expect(chat.text()).toBe('A');
    injector.destroy();
  });

  it('a server that renders asks nobody', async () => {
    const server = await serve(() => whole('A'));
    configure([provideRxMistral({ endpoint: '/chat' })], 'server');
    const messages: ChatMessage[] = [{ id: '1', role: 'user', text: 'Hi', thinking: '', toolCalls: [], status: 'done' }];
    const chat = TestBed.runInInjectionContext(() => injectChat({ endpoint: server.url, messages }));
    chat.send('Hi');
    chat.retry();
    chat.stop();
    chat.clear();
    TestBed.tick();
    expect([chat.status(), shown(chat), chat.text(), server.requests, server.sockets]).toEqual(['idle', ['user: Hi (done)'], '', [], 0]);
  });

  it('a browser is told from it', async () => {
    const server = await serve(() => whole('A'));
    configure([provideRxMistral({ endpoint: server.url })], 'browser');
    const chat = TestBed.runInInjectionContext(() => injectChat());
    chat.send('Hi');
    await atRest(chat);
    expect(chat.text()).toBe('A');
  });
});

describe('messages to begin with', () => {
  const question: ChatMessage = { id: 'q', role: 'user', text: 'Hi', thinking: '', toolCalls: [], status: 'done' };

  it('come back from JSON: an answer that was cut off is stopped, an error is one again', async () => {
    const { chat } = await chatWith(() => failing('Half'));
    chat.send('Hi');
    await atRest(chat);
    const stored = JSON.parse(JSON.stringify(chat.messages())) as ChatMessage[];
    const [failed, cut] = TestBed.runInInjectionContext(() => [
      injectChat({ messages: stored }),
      injectChat({ messages: [question, { ...question, id: 'a', role: 'assistant', text: 'Half', status: 'streaming' }] }),
    ] as const);
    expect([failed.status(), isRxMistralError(failed.error()), failed.error()!.kind, failed.text()]).toEqual(['error', true, 'rate-limit', 'Half']);
    expect([cut.status(), shown(cut)]).toEqual(['idle', ['user: Hi (done)', 'assistant: Half (stopped)']]);
  });

  it('are gone on with: sent, retried, cleared', async () => {
    const { chat, server } = await chatWith(() => whole('A'), { messages: [question] });
    chat.retry();
    await atRest(chat);
    expect([server.requests[0]!.body, shown(chat)]).toEqual([{ messages: [{ role: 'user', content: 'Hi' }] }, ['user: Hi (done)', 'assistant: A (done)']]);
    chat.clear();
    expect([chat.messages(), chat.text(), chat.usage(), chat.totalUsage()]).toEqual([[], '', undefined, undefined]);
  });
});

describe('change detection', () => {
  it('is not run for each piece: what many bring is rendered once', async () => {
    const pieces = Array.from({ length: 5_000 }, (_, index) => `${index} `);
    const events: Subject<ChatEvent> = scripted();
    const { chat } = await chatWith(() => events);
    let renders = 0;
    TestBed.runInInjectionContext(() => effect(() => { chat.messages(); chat.text(); renders += 1; }));
    chat.send('Hi');
    await until(() => events.observed, 'it is asked');
    for (const event of answer(...pieces)) events.next(event);
    await atRest(chat);
    TestBed.tick();
    expect(chat.text()).toBe(pieces.join(''));
    expect(renders).toBeLessThan(pieces.length / 2);
    expect(renders).toBeGreaterThan(0);
  });
});

describe('options', () => {
  const inContext = (call: () => unknown) => () => {
    configure([]);
    TestBed.runInInjectionContext(call);
  };

  it.each<[string, () => unknown, string]>([
    ['endpoint', () => provideRxMistral({ endpoint: '' }), 'Expected `endpoint` to be a URL, got ""'],
    ['endpoint', () => provideRxMistral({} as never), 'Expected `endpoint` to be a URL, got undefined'],
    ['config', () => provideRxMistral('/chat' as never), 'Expected `config` to be an object, got "/chat"'],
    ['headers', () => provideRxMistral({ endpoint: '/', headers: 7 as never }), 'Expected `headers` to be an object, got 7'],
    ['fetch', () => provideRxMistral({ endpoint: '/', fetch: 7 as never }), 'Expected `fetch` to be a function, got 7'],
    ['reconnect', () => provideRxMistral({ endpoint: '/', reconnect: { maxRetries: -1 } }), 'Expected `reconnect.maxRetries` to be an integer >= 0 or Infinity, got -1'],
    ['idleTimeout', () => provideRxMistral({ endpoint: '/', idleTimeout: 0 }), 'Expected `idleTimeout` to be milliseconds from 1 to 2147483647, got 0'],
    ['maxEventBytes', () => provideRxMistral({ endpoint: '/', maxEventBytes: 0 }), 'Expected `maxEventBytes` to be an integer >= 1 or Infinity, got 0'],
    ['endOnStop', () => provideRxMistral({ endpoint: '/', endOnStop: 1 as never }), 'Expected `endOnStop` to be true or false, got 1'],
    ['createKey', () => provideRxMistral({ endpoint: '/', createKey: 'a' as never }), 'Expected `createKey` to be a function, got "a"'],
    ['options', inContext(() => injectChat('/chat' as never)), 'Expected `options` to be an object, got "/chat"'],
    ['endpoint', inContext(() => injectChat()), 'Expected `endpoint` to be a URL, here or in `provideRxMistral`, got undefined'],
    ['body', inContext(() => injectChat({ endpoint: '/', body: {} as never })), 'Expected `body` to be a function, got an object'],
    ['onEvent', inContext(() => injectChat({ endpoint: '/', onEvent: 1 as never })), 'Expected `onEvent` to be a function, got 1'],
    ['messages', inContext(() => injectChat({ endpoint: '/', messages: {} as never })), 'Expected `messages` to be an array of ChatMessage, got an object'],
    ['messages', inContext(() => injectChat({ endpoint: '/', messages: [{ role: 'user', content: 'Hi' }] as never })), 'Expected `messages` to be an array of ChatMessage, got an array'],
    ['reconnect', inContext(() => injectChat({ endpoint: '/', reconnect: true as never })), 'Expected `reconnect` to be an object, got true'],
  ])('%s that is wrong is a TypeError at the call', (_, call, message) => {
    expect(call).toThrow(new TypeError(message));
  });

  it('want an injection context', () => {
    expect(() => injectChat({ endpoint: '/' })).toThrow('NG0203');
  });
});
