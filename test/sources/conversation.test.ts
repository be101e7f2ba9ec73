import { concat, firstValueFrom, lastValueFrom, type Observable, of, Subject, tap, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  type AgentEvent,
  type Conversation,
  conversation,
  type ConversationConfig,
  type ConversationEntry,
  ConversationConflictError,
  type ConversationStore,
  memoryConversationStore,
  RxMistralError,
  type Tool,
  tool,
} from '../../src/index.js';
import { conversationEvent as event, type FakeMistral, fakeMistral, marbles } from '../../src/testing/index.js';
import { story } from './agents/turnLabels.js';

const says = (id: string, ...texts: string[]) => of(event.started(id), ...texts.map((text) => event.text(text)), event.done());
const calls = (id: string, ...ids: string[]) => of(event.started(id), ...ids.map((toolCallId, outputIndex) => event.functionCall({ toolCallId, name: 'look', outputIndex })), event.done());
const look: Tool = tool({ name: 'look', parameters: { type: 'object' }, execute: (_args, { toolCallId }) => `saw ${toolCallId}` });

const asked = (content: string): ConversationEntry => ({ type: 'message.input', role: 'user', content });
const said = (content: string): ConversationEntry => ({ type: 'message.output', content });
const bound = (conversationId: string): ConversationEntry => ({ type: 'conversation.bound', conversationId });
const called = (toolCallId: string): ConversationEntry => ({ type: 'function.call', toolCallId, name: 'look', arguments: '{}' });
const saw = (toolCallId: string): ConversationEntry => ({ type: 'function.result', toolCallId, result: `saw ${toolCallId}` });
const done: ConversationEntry = { type: 'turn.done' };

function talk(mistral: FakeMistral, config: Partial<ConversationConfig> = {}): Conversation {
  return conversation<Tool>(mistral, { model: 'mistral-small-latest', id: 'c', ...config });
}

const told = (turn: Observable<AgentEvent>): Promise<string[]> => lastValueFrom(turn.pipe(story(), toArray()));
const names = (mistral: FakeMistral): readonly string[] => mistral.calls.map(({ operation }) => operation.replace('beta.conversations.', ''));
const sent = (mistral: FakeMistral, index: number): unknown => mistral.calls[index]?.request;
const entriesOf = (store: ConversationStore): readonly ConversationEntry[] => (store.load('c') as { entries: readonly ConversationEntry[] } | undefined)?.entries ?? [];

function seeded(...entries: ConversationEntry[]): ConversationStore {
  const store = memoryConversationStore();
  store.append('c', entries, 0);
  return store;
}

describe('a conversation', () => {
  it('is begun, goes on, and stands in the store', async () => {
    const store = memoryConversationStore();
    const mistral = fakeMistral({ 'beta.conversations.startStream': [says('s1', 'Loire')], 'beta.conversations.appendStream': [calls('s1', '1'), says('s1', 'west')] });
    const talking = talk(mistral, { store, tools: [look], instructions: 'Be brief.', serverTools: [{ type: 'web_search' }] });
    expect(await told(talking.send('Which river?'))).toEqual(['step 1', 'Loire', 'step 1 done', 'answered']);
    expect(await told(talking.send('Where to?'))).toEqual(['step 1', 'runs look', 'look: saw 1', 'step 1 done', 'step 2', 'west', 'step 2 done', 'answered']);
    expect(sent(mistral, 0)).toMatchObject({ model: 'mistral-small-latest', instructions: 'Be brief.', inputs: 'Which river?', tools: [{ type: 'web_search' }, { type: 'function' }] });
    expect(sent(mistral, 1)).toEqual({ conversationId: 's1', conversationAppendStreamRequest: { inputs: 'Where to?' } });
    const entries = [asked('Which river?'), bound('s1'), said('Loire'), done, asked('Where to?'), called('1'), saw('1'), said('west'), done];
    expect(entriesOf(store)).toEqual(entries);
    expect(await lastValueFrom(talking.history())).toEqual(entries);
  });

  it('has its turns one at a time, in order', () => {
    marbles((m) => {
      const answer = (id: string) => m.cold('---s-(td|)', { s: event.started(id), t: event.text('yes'), d: event.done() });
      const first = answer('s1');
      const second = answer('s1');
      const subFirst = '  ^----!';
      const subSecond = ' -----^----!';
      const mistral = m.mistral({ 'beta.conversations.startStream': [first], 'beta.conversations.appendStream': [second] });
      const talking = talk(mistral);
      m.expectObservable(talking.send('a').pipe(story())).toBe('b----(tda|)', { b: 'step 1', t: 'yes', d: 'step 1 done', a: 'answered' });
      m.expectObservable(talking.send('b').pipe(story())).toBe('-----b----(tda|)', { b: 'step 1', t: 'yes', d: 'step 1 done', a: 'answered' });
      m.expectSubscriptions(first.subscriptions).toBe(subFirst);
      m.expectSubscriptions(second.subscriptions).toBe(subSecond);
    });
  });

  it('tells how it stands', async () => {
    const answer = new Subject<ReturnType<typeof event.done>>();
    const talking = talk(fakeMistral({ 'beta.conversations.startStream': [answer], 'beta.conversations.appendStream': [says('s1', 'yes')] }));
    const states: unknown[] = [];
    talking.state$.subscribe({ next: (state) => states.push(Object.values(state)), error: unexpected });
    talking.send('a').subscribe({ error: unexpected });
    talking.send('b').subscribe({ error: unexpected });
    answer.next(event.started('s1'));
    answer.next(event.done());
    await Promise.resolve();
    talking.close();
    expect(states).toEqual([
      ['idle', 0, undefined], ['running', 0, undefined], ['running', 1, undefined], ['running', 1, 's1'], ['running', 0, 's1'], ['idle', 0, 's1'], ['closed', 0, 's1'],
    ]);
  });

  it('that is closed ends what runs and waits, and takes nothing more', async () => {
    const mistral = fakeMistral({ 'beta.conversations.startStream': () => new Subject() });
    const talking = talk(mistral);
    const ends = [talking.send('a'), talking.send('b')].map((turn) => lastValueFrom(turn).catch((error: unknown) => error));
    talking.close();
    const later = lastValueFrom(talking.send('c')).catch((error: unknown) => error);
    for (const end of [...ends, later]) expect(await end).toMatchObject({ kind: 'validation', message: 'The conversation was closed' });
    expect(mistral.calls.map(({ state }) => state)).toEqual(['unsubscribed']);
  });

  it('lets no more wait than it may', async () => {
    const talking = talk(fakeMistral({ 'beta.conversations.startStream': () => new Subject() }), { maxWaiting: 1 });
    talking.send('a').subscribe({ error: unexpected });
    talking.send('b').subscribe({ error: unexpected });
    await expect(lastValueFrom(talking.send('c'))).rejects.toMatchObject({ kind: 'limit' });
  });

  it('says what it is given: text or entries', async () => {
    const store = memoryConversationStore();
    const talking = talk(fakeMistral({ 'beta.conversations.startStream': [says('s1', 'ok')] }), { store });
    const content = [{ type: 'text' as const, text: 'look' }];
    await told(talking.send([{ type: 'message.input', role: 'user', content }, { type: 'message.input', role: 'assistant', content: 'and' }]));
    expect(entriesOf(store).slice(0, 2)).toEqual([{ type: 'message.input', role: 'user', content }, { type: 'message.input', role: 'assistant', content: 'and' }]);
  });
});

describe('what the store has', () => {
  it('was written before it is sent, and before the turn goes on', async () => {
    const store = memoryConversationStore();
    const seen: number[] = [];
    const note = <T>(answer: T): T => { seen.push(entriesOf(store).length); return answer; };
    const mistral = fakeMistral({
      'beta.conversations.startStream': () => note(calls('s1', '1', '2')),
      'beta.conversations.appendStream': () => note(says('s1', 'done')),
    });
    const tools = [tool({ name: 'look', parameters: {}, execute: () => note('seen') })];
    const events = await lastValueFrom(talk(mistral, { store, tools }).send('a').pipe(toArray()));
    // The input; then id and two calls before a tool runs, the second behind the first's result; then both results.
    expect(seen).toEqual([1, 4, 5, 6]);
    expect(events.at(-1)?.type).toBe('turn-complete');
    expect(entriesOf(store).at(-1)).toEqual(done);
  });

  it('may come a moment later: events stay in order', async () => {
    const memory = memoryConversationStore();
    const slow: ConversationStore = {
      load: (id) => Promise.resolve(memory.load(id)),
      append: (id, entries, version) => new Promise((resolve) => setTimeout(() => { resolve(memory.append(id, entries, version)); }, 3)),
      delete: (id) => memory.delete(id),
      list: () => memory.list(),
    };
    const mistral = fakeMistral({ 'beta.conversations.startStream': [calls('s1', '1', '2')], 'beta.conversations.appendStream': [says('s1', 'a', 'b')] });
    expect(await told(talk(mistral, { store: slow, tools: [look] }).send('x'))).toEqual([
      'step 1', 'runs look', 'runs look', 'look: saw 1', 'look: saw 2', 'step 1 done', 'step 2', 'a', 'b', 'step 2 done', 'answered',
    ]);
    expect(entriesOf(memory)).toEqual([asked('x'), bound('s1'), called('1'), called('2'), saw('1'), saw('2'), said('a' + 'b'), done]);
  });

  it('is not lost where an error comes while it is written', async () => {
    const memory = memoryConversationStore();
    const slow: ConversationStore = { ...memory, append: (id, entries, version) => Promise.resolve().then(() => memory.append(id, entries, version)) };
    const cut = new RxMistralError({ kind: 'connection', message: 'cut' });
    const mistral = fakeMistral({ 'beta.conversations.startStream': [concat(of(event.started('s1'), event.text('Hel')), throwError(() => cut))] });
    const seen: string[] = [];
    await expect(lastValueFrom(talk(mistral, { store: slow }).send('x').pipe(story(), tap((label) => seen.push(label))))).rejects.toBeDefined();
    expect(seen).toEqual(['step 1', 'Hel']);
  });

  it('fails a turn where it cannot be written, before anything is sent', async () => {
    const mistral = fakeMistral({ 'beta.conversations.startStream': [says('s1', 'x')] });
    const broken: ConversationStore = { ...memoryConversationStore(), append: () => { throw new Error('disk full'); } };
    await expect(told(talk(mistral, { store: broken }).send('x'))).rejects.toThrow('disk full');
    expect(mistral.calls).toEqual([]);
  });

  it('of two writers has the entries of both, and the second one hears of it', async () => {
    const store = memoryConversationStore();
    const slow = new Subject<ReturnType<typeof event.done>>();
    const mistral = fakeMistral({ 'beta.conversations.startStream': [slow, says('s2', 'two')] });
    const first = lastValueFrom(talk(mistral, { store }).send('a')).catch((error: unknown) => error);
    await told(talk(mistral, { store }).send('b'));
    slow.next(event.started('s1'));
    expect(await first).toBeInstanceOf(ConversationConflictError);
    expect(entriesOf(store)).toEqual([asked('a'), done, asked('b'), bound('s2'), said('two'), done]);
  });
});

describe('a conversation that the server has forgotten', () => {
  const stored = [asked('a'), bound('s1'), called('1'), saw('1'), said('A'), done];

  it('is begun anew from the store, and goes on', async () => {
    const store = seeded(...stored);
    const mistral = fakeMistral({ 'beta.conversations.appendStream': [{ status: 404 }], 'beta.conversations.startStream': [says('s2', 'B')] });
    const events = await lastValueFrom(talk(mistral, { store, tools: [look] }).send('b').pipe(toArray()));
    expect(events).toContainEqual({ type: 'conversation-rebuilt', requestId: 'request-1', previousConversationId: 's1', entries: 5 });
    expect(sent(mistral, 1)).toMatchObject({ inputs: [asked('a'), called('1'), saw('1'), said('A'), asked('b')], tools: [{ type: 'function' }] });
    expect(events.at(-1)).toMatchObject({ type: 'turn-complete', conversationId: 's2' });
    expect(entriesOf(store).slice(stored.length)).toEqual([asked('b'), bound('s2'), said('B'), done]);
  });

  it('in the middle of a turn is begun anew with its results', async () => {
    const mistral = fakeMistral({ 'beta.conversations.appendStream': [calls('s1', '2'), { status: 404 }], 'beta.conversations.startStream': [says('s2', 'B')] });
    await told(talk(mistral, { store: seeded(...stored), tools: [look] }).send('b'));
    expect(sent(mistral, 2)).toMatchObject({ inputs: [asked('a'), called('1'), saw('1'), said('A'), asked('b'), called('2'), saw('2')] });
  });

  it('is told no more than `maxHistory`', async () => {
    const mistral = fakeMistral({ 'beta.conversations.appendStream': [{ status: 404 }], 'beta.conversations.startStream': [says('s2', 'B')] });
    await told(talk(mistral, { store: seeded(...stored), maxHistory: { turns: 1 } }).send('b'));
    expect(sent(mistral, 1)).toMatchObject({ inputs: [asked('b')] });
  });

  it('that cannot be begun either fails', async () => {
    const mistral = fakeMistral({ 'beta.conversations.appendStream': [{ status: 404 }], 'beta.conversations.startStream': [{ status: 404 }] });
    await expect(told(talk(mistral, { store: seeded(...stored) }).send('b'))).rejects.toMatchObject({ status: 404 });
  });
});

describe('a turn that was broken off', () => {
  it('between a tool’s result and the model’s answer goes on from the store, and runs no tool again', async () => {
    const store = seeded(asked('a'), bound('s1'), called('1'), saw('1'));
    const ran: string[] = [];
    const mistral = fakeMistral({ 'beta.conversations.startStream': [says('s2', 'A')] });
    const tools = [tool({ name: 'look', parameters: {}, execute: (_args, { toolCallId }) => ran.push(toolCallId) })];
    expect(await told(talk(mistral, { store, tools }).resume())).toEqual(['step 1', 'conversation-rebuilt', 'A', 'step 1 done', 'answered']);
    expect(sent(mistral, 0)).toMatchObject({ inputs: [asked('a'), called('1'), saw('1')] });
    expect(ran).toEqual([]);
    expect(entriesOf(store).slice(-3)).toEqual([bound('s2'), said('A'), done]);
  });

  it('while tools ran runs those without a result', async () => {
    const store = seeded(asked('a'), bound('s1'), said('wait'), called('1'), called('2'), saw('2'));
    const mistral = fakeMistral({ 'beta.conversations.startStream': [says('s2', 'A')] });
    expect(await told(talk(mistral, { store, tools: [look] }).resume())).toEqual(['runs look', 'look: saw 1', 'step 1 done', 'step 2', 'conversation-rebuilt', 'A', 'step 2 done', 'answered']);
    expect(sent(mistral, 0)).toMatchObject({ inputs: [asked('a'), said('wait'), called('1'), called('2'), saw('1'), saw('2')] });
  });

  it('in its second round goes on with the calls of that one', async () => {
    const store = seeded(asked('a'), bound('s1'), called('1'), saw('1'), called('2'), called('3'), saw('3'));
    const mistral = fakeMistral({ 'beta.conversations.startStream': [says('s2', 'A')] });
    const events = await lastValueFrom(talk(mistral, { store, tools: [look] }).resume().pipe(toArray()));
    expect(events.find(({ type }) => type === 'step-complete')).toMatchObject({
      messages: [{ role: 'assistant', toolCalls: [{ id: '2' }, { id: '3' }] }, { role: 'tool', toolCallId: '2' }, { role: 'tool', toolCallId: '3' }],
    });
    expect(sent(mistral, 0)).toMatchObject({ inputs: [asked('a'), called('1'), saw('1'), called('2'), called('3'), saw('2'), saw('3')] });
  });

  it('while it was being written is read by the next one when that is done', async () => {
    const kept = memoryConversationStore();
    // Only the first addition takes its time.
    const written = new Subject<void>();
    let isFirst = true;
    const store: ConversationStore = {
      ...kept,
      append: async (...given) => {
        if (isFirst) {
          isFirst = false;
          await firstValueFrom(written);
        }
        return kept.append(...given);
      },
    };
    const talking = talk(fakeMistral({ 'beta.conversations.startStream': [says('s1', 'B')] }), { store });
    talking.send('a').subscribe({ error: unexpected }).unsubscribe();
    const second = told(talking.send('b'));
    written.next();
    expect((await second).at(-1)).toBe('answered');
    expect(entriesOf(kept)).toEqual([asked('a'), done, asked('b'), bound('s1'), said('B'), done]);
  });

  it('before the model’s answer asks it anew', async () => {
    const mistral = fakeMistral({ 'beta.conversations.startStream': [says('s2', 'A')] });
    await told(talk(mistral, { store: seeded(asked('a')) }).resume());
    expect(sent(mistral, 0)).toMatchObject({ inputs: [asked('a')] });
  });

  it('behind the answer needs nothing but its end, and none at all needs nothing', async () => {
    const store = seeded(asked('a'), bound('s1'), said('A'));
    const mistral = fakeMistral({});
    for (let round = 0; round < 2; round++) expect(await told(talk(mistral, { store }).resume())).toEqual([]);
    expect(entriesOf(store)).toEqual([asked('a'), bound('s1'), said('A'), done]);
  });

  it('is left as it is by the next one, which does not rely on what the server has of it', async () => {
    const store = memoryConversationStore();
    const mistral = fakeMistral({ 'beta.conversations.startStream': [concat(of(event.started('s1'), event.text('Hel')), new Subject<never>()), says('s2', 'B')] });
    const talking = talk(mistral, { store });
    talking.send('a').subscribe({ error: unexpected }).unsubscribe();
    expect(await told(talking.send('b'))).toEqual(['step 1', 'conversation-rebuilt', 'B', 'step 1 done', 'answered']);
    expect(sent(mistral, 1)).toMatchObject({ inputs: [asked('a'), asked('b')] });
    expect(entriesOf(store)).toEqual([asked('a'), bound('s1'), done, asked('b'), bound('s2'), said('B'), done]);
  });

  it('because a call waits goes on with the decision, in another process', async () => {
    const store = memoryConversationStore();
    const guarded = tool({ name: 'look', parameters: {}, needsApproval: true, execute: () => 'seen' });
    const first = talk(fakeMistral({ 'beta.conversations.startStream': [calls('s1', '1', '2')] }), { store, tools: [guarded] });
    expect(await told(first.send('a'))).toEqual(['step 1', 'may look?', 'may look?', 'deferred']);
    const mistral = fakeMistral({ 'beta.conversations.startStream': [says('s2', 'done')] });
    const second = talk(mistral, { store, tools: [guarded] });
    expect(await told(second.resume({ 1: 'allow' }))).toEqual(['runs look', 'look: seen', 'may look?', 'deferred']);
    expect((await told(second.resume({ 2: { decision: 'deny', reason: 'no' } }))).slice(-4)).toEqual(['conversation-rebuilt', 'done', 'step 2 done', 'answered']);
    expect(sent(mistral, 0)).toMatchObject({ inputs: [asked('a'), called('1'), called('2'), { result: 'seen' }, { result: 'The user did not allow this call: no' }] });
  });

  it('at `maxSteps` is over; the next one tells the server what it has not heard', async () => {
    const store = memoryConversationStore();
    const mistral = fakeMistral({ 'beta.conversations.startStream': [calls('s1', '1'), says('s2', 'B')] });
    const talking = talk(mistral, { store, tools: [look], maxSteps: 1 });
    expect((await told(talking.send('a'))).at(-1)).toBe('max-steps');
    await told(talking.send('b'));
    expect(sent(mistral, 1)).toMatchObject({ inputs: [asked('a'), called('1'), saw('1'), asked('b')] });
    expect(names(mistral)).toEqual(['startStream', 'startStream']);
  });
});

describe('bad input', () => {
  it.each<[string, Partial<ConversationConfig>]>([
    ['model', { model: '' }],
    ['agentId', { agentId: '' }],
    ['store', { store: {} as ConversationStore }],
    ['maxHistory.turns', { maxHistory: { turns: 0 } }],
    ['maxHistory.tokens', { maxHistory: { tokens: 0 } }],
    ['maxWaiting', { maxWaiting: -1 }],
    ['maxSteps', { maxSteps: 0 }],
    ['id', { id: '' }],
  ])('is a TypeError that names `%s`', (name, config) => {
    const act = () => talk(fakeMistral({}), config);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(`\`${name}\``);
  });

  it('of what is said, and decided, too', () => {
    const talking = talk(fakeMistral({}));
    expect(() => talking.send('')).toThrow('Expected `inputs`');
    expect(() => talking.send([null as unknown as { role: 'user'; content: string }])).toThrow('Expected `inputs[0]`');
    expect(() => talking.resume({ 1: 'yes' as 'allow' })).toThrow('Expected `decisions.1`');
  });

  it('has an id of its own, where none is given', async () => {
    const mistral = fakeMistral({ 'beta.conversations.startStream': () => says('s1', 'x') });
    const made = conversation(mistral, { model: 'm' });
    expect(made.id).toMatch(/^[\da-f-]{36}$/);
    expect((await firstValueFrom(made.state$)).status).toBe('idle');
  });
});

function unexpected(error: unknown): never {
  throw error;
}
