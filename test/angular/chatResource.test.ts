import { createEnvironmentInjector, EnvironmentInjector, runInInjectionContext, signal, type ResourceRef } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { chatResource, provideRxMistral, type ChatResourceOptions } from '../../src/angular/index.js';
import { type ChatSnapshot, constantBackoff } from '../../src/index.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';
import { angularTest, configure } from './fixtures/angularTest.js';
import { complete, delta, failing, scripted, start, stuck, usage, whole } from './fixtures/chatAnswers.js';
import { type AnswerOf, type ChatServer, startChatServer } from './fixtures/startChatServer.js';

angularTest();

let server: ChatServer | undefined;

afterEach(async () => {
  TestBed.resetTestingModule();
  await server?.close();
  server = undefined;
});

type Answer = ResourceRef<ChatSnapshot | undefined>;

/** A resource of what stands in `question`, in an application of its own. */
async function resourceOf(answerOf: AnswerOf, question: () => unknown, options: ChatResourceOptions = {}, platform?: 'server'): Promise<{ answer: Answer; server: ChatServer }> {
  server = await startChatServer(answerOf);
  configure([provideRxMistral({ endpoint: server.url, reconnect: { backoff: constantBackoff(0) } })], platform);
  return { answer: TestBed.runInInjectionContext(() => chatResource(question, options)), server };
}

const until = async (condition: () => boolean, what: string): Promise<void> => {
  TestBed.tick();
  await eventually(condition, what, 20_000);
};
const textOf = (answer: Answer): string | undefined => (answer.hasValue() ? answer.value().text : undefined);
const isWhole = (answer: Answer) => (): boolean => answer.hasValue() && answer.value().done;
const methods = ({ requests }: ChatServer): string[] => requests.map(({ method }) => method);

describe('chatResource', () => {
  it('has the answer to what the signals say as it grows', async () => {
    const question = signal<unknown>(undefined);
    const events = scripted();
    const { answer, server } = await resourceOf(() => events, question);
    TestBed.tick();
    expect([answer.status(), answer.value(), server.requests]).toEqual(['idle', undefined, []]);

    question.set({ prompt: 'Hi' });
    await until(() => events.observed, 'it is asked');
    expect([answer.status(), server.requests[0]!.method, server.requests[0]!.body]).toEqual(['loading', 'POST', { prompt: 'Hi' }]);
    events.next(start);
    events.next(delta('Hel'));
    await until(() => textOf(answer) === 'Hel', 'the first piece is there');
    expect([answer.status(), answer.value()!.done]).toEqual(['resolved', false]);
    events.next(delta('lo', 1));
    events.next(complete('Hello'));
    await until(isWhole(answer), 'the answer is whole');
    expect(answer.value()).toMatchObject({ text: 'Hello', usage, finishReason: 'stop', message: { role: 'assistant', content: 'Hello' } });
    expect([answer.status(), methods(server)]).toEqual(['resolved', ['POST']]);
  });

  it('ends the answer to an old request when there is a new one', async () => {
    const question = signal<unknown>('One?');
    const { answer, server } = await resourceOf((body) => (body === 'One?' ? stuck('Half') : whole('Whole')), question);
    await until(() => textOf(answer) === 'Half', 'half of the first is there');
    question.set('Two?');
    await until(isWhole(answer), 'the second is whole');
    expect(textOf(answer)).toBe('Whole');
    await until(() => server.open === 0, 'the first source is closed');
    const [first, , third] = [...server.requests].sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'));
    expect([third!.method, third!.key]).toEqual(['DELETE', first!.key]);
  });

  it('is idle again where there is nothing more to ask', async () => {
    const question = signal<unknown>('One?');
    const { answer, server } = await resourceOf(() => stuck('Half'), question);
    await until(() => textOf(answer) === 'Half', 'half of it is there');
    question.set(undefined);
    await until(() => server.open === 0, 'the source is closed');
    expect([answer.status(), answer.value()]).toEqual(['idle', undefined]);
  });

  it('fails with an RxMistralError that has what had come, and can be asked again', async () => {
    const { answer, server } = await resourceOf((_, index) => (index === 0 ? failing('Half') : whole('Whole')), () => 'One?');
    await until(() => answer.status() === 'error', 'it has failed');
    expect([answer.hasValue(), answer.error()]).toMatchObject([false, { name: 'RxMistralError', kind: 'rate-limit', partial: { content: 'Half' } }]);
    answer.reload();
    await until(isWhole(answer), 'it is whole');
    expect([textOf(answer), server.requests[0]!.key === server.requests[1]!.key]).toEqual(['Whole', false]);
  });

  it('fails likewise where code of the user throws', async () => {
    const { answer } = await resourceOf(() => whole('A'), () => 'One?', { headers: () => { throw new Error('secret'); } });
    await until(() => answer.status() === 'error', 'it has failed');
    expect(answer.error()).toMatchObject({ name: 'RxMistralError', kind: 'validation' });
    expect(answer.error()!.message).not.toContain('secret');
  });

  it('goes on over a lost connection, with exactly the answer', async () => {
    const events = scripted();
    const { answer, server } = await resourceOf(() => events, () => 'One?');
    await until(() => events.observed, 'it is asked');
    events.next(start);
    events.next(delta('one '));
    await until(() => textOf(answer) === 'one ', 'the first piece is there');
    server.cut();
    events.next(delta('two', 1));
    events.next(complete('one two'));
    await until(isWhole(answer), 'it is whole');
    expect([textOf(answer), server.begun]).toEqual(['one two', 1]);
  });

  it('ends with what it was injected in: the source on the server is closed', async () => {
    server = await startChatServer(() => stuck('Half'));
    configure([provideRxMistral({ endpoint: server.url })]);
    const component = createEnvironmentInjector([], TestBed.inject(EnvironmentInjector));
    const answer = runInInjectionContext(component, () => chatResource(() => 'One?'));
    await until(() => textOf(answer) === 'Half', 'half of it is there');
    component.destroy();
    await until(() => server?.open === 0, 'the source is closed');
    expect(methods(server)).toEqual(['POST', 'DELETE']);
  });

  it('stays idle on a server that renders', async () => {
    const { answer, server } = await resourceOf(() => whole('A'), () => 'One?', {}, 'server');
    TestBed.tick();
    answer.reload();
    TestBed.tick();
    expect([answer.status(), answer.value(), answer.isLoading(), server.requests, server.sockets]).toEqual(['idle', undefined, false, [], 0]);
  });

  it.each<[string, () => unknown, string]>([
    ['request', () => chatResource({} as never), 'Expected `request` to be a function, got an object'],
    ['options', () => chatResource(() => 1, 7 as never), 'Expected `options` to be an object, got 7'],
    ['endpoint', () => chatResource(() => 1), 'Expected `endpoint` to be a URL, here or in `provideRxMistral`, got undefined'],
    ['endOnStop', () => chatResource(() => 1, { endpoint: '/', endOnStop: 'no' as never }), 'Expected `endOnStop` to be true or false, got "no"'],
  ])('%s that is wrong is a TypeError at the call', (_, call, message) => {
    configure([]);
    expect(() => TestBed.runInInjectionContext(call)).toThrow(new TypeError(message));
  });

  it('wants an injection context', () => {
    expect(() => chatResource(() => 1, { endpoint: '/' })).toThrow('NG0203');
  });
});
