import type { ModelConversation } from '@mistralai/mistralai/models/components/modelconversation.js';
import type { ConversationHistory } from '@mistralai/mistralai/models/components/conversationhistory.js';
import { concat, lastValueFrom, NEVER, type Observable, of, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  type AgentEvent,
  constantBackoff,
  conversationTurn,
  type ConversationTurnRequest,
  resumeTurn,
  RxMistralError,
  type Tool,
  tool,
  type TurnCompleteEvent,
  type TurnOptions,
} from '../../src/index.js';
import { conversationEvent as event, type FakeMistral, fakeMistral, marbles } from '../../src/testing/index.js';
import { story } from './agents/turnLabels.js';

const usage = { promptTokens: 10, completionTokens: 5, connectorTokens: 3 };
const id = 'conversation-1';
const says = (...texts: string[]) => of(event.started(id), ...texts.map((text) => event.text(text)), event.done(usage));
const calls = (...ids: string[]) => of(event.started(id), ...ids.map((toolCallId, outputIndex) => event.functionCall({ toolCallId, name: 'look', outputIndex })), event.done(usage));
const look: Tool = tool({ name: 'look', parameters: { type: 'object' }, execute: (_args, { toolCallId }) => `saw ${toolCallId}` });

async function run(mistral: FakeMistral, request: ConversationTurnRequest, options: TurnOptions = {}) {
  const turn: Observable<AgentEvent> = conversationTurn(mistral, request, options);
  const events = await lastValueFrom(turn.pipe(toArray()));
  const said = await lastValueFrom(of(...events).pipe(story(), toArray()));
  return { events, said, end: events.at(-1) as TurnCompleteEvent };
}

const sent = (mistral: FakeMistral, index: number): unknown => mistral.calls[index]?.request;
const names = (mistral: FakeMistral): readonly string[] => mistral.calls.map(({ operation }) => operation);
const cut = new RxMistralError({ kind: 'connection', message: 'cut', retryable: true });
const entry = (fields: object) => ({ object: 'entry', createdAt: new Date(0), ...fields });
const history = (...entries: object[]) => of({ object: 'conversation.history', conversationId: id, entries: entries.map(entry) } as unknown as ConversationHistory);
const repeating: TurnOptions = { onDisconnect: 'restart', retry: { backoff: constantBackoff(1) } };

describe('a turn of a conversation', () => {
  it('begins it, tells the results of its tools, and ends with its id', async () => {
    const mistral = fakeMistral({ 'beta.conversations.startStream': [calls('1', '2')], 'beta.conversations.appendStream': [says('all ', 'seen')] });
    const { said, end } = await run(mistral, { model: 'mistral-small-latest', inputs: 'Look twice.', tools: [{ type: 'web_search' }] }, { tools: [look] });
    expect(said).toEqual(['step 1', 'runs look', 'look: saw 1', 'runs look', 'look: saw 2', 'step 1 done', 'step 2', 'all ', 'seen', 'step 2 done', 'answered']);
    expect(end).toMatchObject({ conversationId: id, steps: 2, message: { content: 'all seen' }, usage: { totalTokens: 30, connectorTokens: 6 } });
    expect(end.messages.map(({ role }) => role)).toEqual(['assistant', 'tool', 'tool', 'assistant']);
    expect(sent(mistral, 0)).toMatchObject({ model: 'mistral-small-latest', inputs: 'Look twice.', tools: [{ type: 'web_search' }, { type: 'function', function: { name: 'look' } }] });
    expect(sent(mistral, 1)).toEqual({
      conversationId: id,
      conversationAppendStreamRequest: {
        inputs: [{ type: 'function.result', toolCallId: '1', result: 'saw 1' }, { type: 'function.result', toolCallId: '2', result: 'saw 2' }],
      },
    });
  });

  it('begins one with an agent without its tools, which the agent has by its definition', async () => {
    const mistral = fakeMistral({ 'beta.conversations.startStream': [calls('1')], 'beta.conversations.appendStream': [says('seen')] });
    const { said } = await run(mistral, { agentId: 'ag_1', inputs: 'Look.' }, { tools: [look] });
    expect(said).toContain('look: saw 1');
    expect(sent(mistral, 0)).toEqual({ agentId: 'ag_1', inputs: 'Look.' });
  });

  it('goes on with one, without its tools, which the server has', async () => {
    const mistral = fakeMistral({ 'beta.conversations.appendStream': [says('yes')] });
    const { end } = await run(mistral, { conversationId: id, inputs: 'And?', completionArgs: { temperature: 0 } }, { tools: [look] });
    expect(sent(mistral, 0)).toEqual({ conversationId: id, conversationAppendStreamRequest: { completionArgs: { temperature: 0 }, inputs: 'And?' } });
    expect(end.messages).toEqual([{ role: 'assistant', content: 'yes' }]);
  });

  it('forces a call in its first step only', async () => {
    const mistral = fakeMistral({ 'beta.conversations.startStream': [calls('1')], 'beta.conversations.appendStream': [calls('2'), says('done')] });
    await run(mistral, { model: 'm', inputs: 'x', completionArgs: { toolChoice: 'any', temperature: 0 } }, { tools: [look] });
    expect(sent(mistral, 0)).toMatchObject({ completionArgs: { toolChoice: 'any' } });
    for (const index of [1, 2]) expect(sent(mistral, index)).toMatchObject({ conversationAppendStreamRequest: { completionArgs: { toolChoice: 'auto', temperature: 0 } } });
  });

  it('begins a branch of one, and goes on in the branch', async () => {
    const branch = of(event.started('branch-1'), event.functionCall({ toolCallId: '1', name: 'look' }), event.done());
    const mistral = fakeMistral({ 'beta.conversations.restartStream': [branch], 'beta.conversations.appendStream': [says('yes')] });
    await run(mistral, { conversationId: id, fromEntryId: 'entry-3', inputs: 'Otherwise?' }, { tools: [look] });
    expect(sent(mistral, 0)).toEqual({ conversationId: id, conversationRestartStreamRequest: { fromEntryId: 'entry-3', inputs: 'Otherwise?' } });
    expect(sent(mistral, 1)).toMatchObject({ conversationId: 'branch-1' });
  });

  it('shows handoffs and the tools of the server', async () => {
    const answer = of(
      event.started(id), event.handoffStarted('ag_1', 'front'), event.handoffDone('ag_2', 'expert'),
      event.toolStarted('web_search', '{"query":"x"}'), event.toolDone('web_search', { results: 3 }), event.text('found'), event.done(),
    );
    const { said } = await run(fakeMistral({ 'beta.conversations.startStream': [answer] }), { agentId: 'ag_1', inputs: 'Search.' });
    expect(said.slice(1, -2)).toEqual(['handoff started front', 'handoff done expert', 'web_search started', 'web_search done', 'found']);
  });

  it('puts a call of the server’s own to a person, and sends the decision', async () => {
    const pending = (toolCallId: string, outputIndex: number) => event.functionCall({ toolCallId, name: 'connector', confirmationStatus: 'pending', outputIndex });
    const asks = of(event.started(id), pending('1', 0), pending('2', 1), event.functionCall({ toolCallId: '3', name: 'look', outputIndex: 2 }), event.done());
    const mistral = fakeMistral({ 'beta.conversations.startStream': [asks], 'beta.conversations.appendStream': [says('done')] });
    const { said } = await run(mistral, { agentId: 'ag_1', inputs: 'Go.' }, { tools: [look], approve: ({ id: call }) => (call === '1' ? 'allow' : 'deny') });
    expect(said.slice(1, 6)).toEqual(['may connector?', 'may connector?', 'runs look', 'look: saw 3', 'step 1 done']);
    expect(sent(mistral, 1)).toEqual({
      conversationId: id,
      conversationAppendStreamRequest: {
        inputs: [{ type: 'function.result', toolCallId: '3', result: 'saw 3' }],
        toolConfirmations: [{ toolCallId: '1', confirmation: 'allow' }, { toolCallId: '2', confirmation: 'deny' }],
      },
    });
  });

  it('that is deferred goes on with its decisions, in another process', async () => {
    const asks = of(event.started(id), event.functionCall({ toolCallId: '1', name: 'connector', confirmationStatus: 'pending' }), event.functionCall({ toolCallId: '2', name: 'look', outputIndex: 1 }), event.done(usage));
    const { end } = await run(fakeMistral({ 'beta.conversations.startStream': [asks] }), { agentId: 'ag_1', inputs: 'Go.', completionArgs: { temperature: 0 } }, { tools: [look] });
    expect(end).toMatchObject({ ending: 'deferred', pending: { kind: 'conversation', conversationId: id, waiting: ['1'], confirming: ['1'], answered: [{ toolCallId: '2' }] } });
    const state = JSON.parse(JSON.stringify(end.pending)) as NonNullable<typeof end.pending>;
    const mistral = fakeMistral({ 'beta.conversations.appendStream': [says('done')] });
    const last = await lastValueFrom(resumeTurn(mistral, state, { 1: 'allow' }, { tools: [look] }));
    expect(last).toMatchObject({ type: 'turn-complete', ending: 'answered', conversationId: id, usage: { totalTokens: 30 } });
    expect(sent(mistral, 0)).toEqual({
      conversationId: id,
      conversationAppendStreamRequest: {
        completionArgs: { temperature: 0 },
        inputs: [{ type: 'function.result', toolCallId: '2', result: 'saw 2' }],
        toolConfirmations: [{ toolCallId: '1', confirmation: 'allow' }],
      },
    });
  });

  it('fails with the conversation’s own error, and where it ends without its last event, with what had come', async () => {
    const failing = fakeMistral({ 'beta.conversations.startStream': [of(event.started(id), event.text('Hel'), event.error('overloaded', 503))] });
    await expect(run(failing, { model: 'm', inputs: 'x' })).rejects.toMatchObject({ kind: 'stream', message: 'overloaded', code: '503', partial: { content: 'Hel' } });
    const truncated = fakeMistral({ 'beta.conversations.startStream': [of(event.started(id), event.text('Hel'))] });
    await expect(run(truncated, { model: 'm', inputs: 'x' })).rejects.toMatchObject({ kind: 'truncated', partial: { content: 'Hel' } });
    const forgotten = fakeMistral({ 'beta.conversations.getHistory': [{ status: 404 }], 'beta.conversations.appendStream': [{ status: 404 }] });
    await expect(run(forgotten, { conversationId: id, inputs: 'x' }, repeating)).rejects.toMatchObject({ status: 404 });
  });

  it('is over with its last event, however long the stream stays open', () => {
    marbles((m) => {
      const answer = m.cold('s-t-d----------', { s: event.started(id), t: event.text('yes'), d: event.done() });
      const subs = '         ^---!';
      const turn = conversationTurn(m.mistral({ 'beta.conversations.startStream': answer }), { model: 'm', inputs: 'x' });
      m.expectObservable(turn.pipe(story())).toBe('s-t-(de|)', { s: 'step 1', t: 'yes', d: 'step 1 done', e: 'answered' });
      m.expectSubscriptions(answer.subscriptions).toBe(subs);
    });
  });

  it('ends, down to its call, when it is unsubscribed from', () => {
    marbles((m) => {
      const answer = m.cold('s-t------------', { s: event.started(id), t: event.text('yes') });
      const subs = '         ^----!';
      const turn = conversationTurn(m.mistral({ 'beta.conversations.startStream': answer }), { model: 'm', inputs: 'x' });
      m.expectObservable(turn.pipe(story()), '^----!').toBe('s-t', { s: 'step 1', t: 'yes' });
      m.expectSubscriptions(answer.subscriptions).toBe(subs);
    });
  });
});

describe('a step whose answer was lost', () => {
  const lost = () => concat(of(event.started(id), event.text('Hel')), throwError(() => cut));
  const asked = { id: 'e1', type: 'message.input', role: 'user', content: 'Hi' };
  const older = { id: 'e0', type: 'message.output', content: 'before' };

  it('is taken from the history, where the server has it', async () => {
    const mistral = fakeMistral({
      'beta.conversations.startStream': [lost()],
      'beta.conversations.getHistory': [history(asked, { id: 'e2', type: 'message.output', content: 'Hello' })],
    });
    const { said, end } = await run(mistral, { model: 'm', inputs: 'Hi' }, repeating);
    expect(said).toEqual(['step 1', 'Hel', 'retry', 'Hello', 'step 1 done', 'answered']);
    expect(end).toMatchObject({ message: { content: 'Hello' }, usage: undefined, conversationId: id });
    expect(names(mistral)).toEqual(['beta.conversations.startStream', 'beta.conversations.getHistory']);
  });

  it('is taken with its calls, its server’s tools and its handoffs', async () => {
    const mistral = fakeMistral({
      'beta.conversations.startStream': [lost()],
      'beta.conversations.getHistory': [
        history(
          asked,
          { id: 'e2', type: 'agent.handoff', previousAgentId: 'a', previousAgentName: 'front', nextAgentId: 'b', nextAgentName: 'expert' },
          { id: 'e3', type: 'tool.execution', name: 'web_search', arguments: '{}', info: { n: 1 } },
          { id: 'e4', type: 'message.output', content: [{ type: 'text', text: 'wait' }] },
          { id: 'e5', type: 'function.call', toolCallId: '9', name: 'look', arguments: {} },
        ),
      ],
      'beta.conversations.appendStream': [says('done')],
    });
    const { said } = await run(mistral, { model: 'm', inputs: 'Hi' }, { ...repeating, tools: [look] });
    expect(said.slice(2)).toEqual([
      'retry', 'handoff started front', 'handoff done expert', 'web_search started', 'web_search done', 'wait', 'runs look', 'look: saw 9', 'step 1 done', 'step 2', 'done', 'step 2 done', 'answered',
    ]);
  });

  it('is asked for behind its inputs, as a branch, where the server has those alone', async () => {
    const mistral = fakeMistral({
      'beta.conversations.startStream': [lost()],
      'beta.conversations.getHistory': [history(asked)],
      'beta.conversations.restartStream': [of(event.started('branch-1'), event.text('Hello'), event.done())],
    });
    const { end } = await run(mistral, { model: 'm', inputs: 'Hi' }, repeating);
    expect(sent(mistral, 2)).toEqual({ conversationId: id, conversationRestartStreamRequest: { fromEntryId: 'e1' } });
    expect(end).toMatchObject({ message: { content: 'Hello' }, conversationId: 'branch-1' });
  });

  it('is sent again where the server has nothing of it, however much was said before', async () => {
    const mistral = fakeMistral({
      'beta.conversations.getHistory': [history(asked, older), history(asked, older)],
      'beta.conversations.appendStream': [throwError(() => cut), says('Hello')],
    });
    const { said } = await run(mistral, { conversationId: id, inputs: 'Hi' }, repeating);
    expect(said).toEqual(['step 1', 'retry', 'Hello', 'step 1 done', 'answered']);
    expect(names(mistral)).toEqual([
      'beta.conversations.getHistory', 'beta.conversations.appendStream', 'beta.conversations.getHistory', 'beta.conversations.appendStream',
    ]);
  });

  it('is not mistaken for the turn before it, which said the same', async () => {
    const again = { id: 'e2', type: 'message.input', role: 'user', content: 'Hi' };
    const mistral = fakeMistral({
      'beta.conversations.getHistory': [history(asked, older), history(asked, older, again, { id: 'e3', type: 'message.output', content: 'again' })],
      'beta.conversations.appendStream': [throwError(() => cut)],
    });
    const { end } = await run(mistral, { conversationId: id, inputs: 'Hi' }, repeating);
    expect(end.message.content).toBe('again');
  });

  it('is sent again without a look where the server refused it', async () => {
    const refused = fakeMistral({ 'beta.conversations.getHistory': [history(older)], 'beta.conversations.appendStream': [{ status: 429 }, says('Hello')] });
    await run(refused, { conversationId: id, inputs: 'Hi' }, repeating);
    expect(names(refused)).toEqual(['beta.conversations.getHistory', 'beta.conversations.appendStream', 'beta.conversations.appendStream']);
  });

  it('is looked for by its key where no id had come', async () => {
    const known = (key: unknown) => ({ id, metadata: { rxmistral_turn: key } }) as unknown as ModelConversation;
    const answer = history(asked, { id: 'e2', type: 'message.output', content: 'Hello' });
    const found = fakeMistral({
      'beta.conversations.startStream': [throwError(() => cut)],
      'beta.conversations.list': () => of([known('other'), known('request-2')]),
      'beta.conversations.getHistory': [answer],
    });
    const { end } = await run(found, { model: 'm', inputs: 'Hi' }, repeating);
    expect(sent(found, 0)).toMatchObject({ metadata: { rxmistral_turn: 'request-2' } });
    expect(end).toMatchObject({ conversationId: id, message: { content: 'Hello' } });
    const absent = fakeMistral({ 'beta.conversations.startStream': [throwError(() => cut), says('Hello')], 'beta.conversations.list': () => of([known('other')]) });
    await run(absent, { model: 'm', inputs: 'Hi' }, repeating);
    expect(names(absent)).toEqual(['beta.conversations.startStream', 'beta.conversations.list', 'beta.conversations.startStream']);
  });

  it('begins anew where what it began went with it', async () => {
    const gone = { status: 404 };
    const begun = fakeMistral({ 'beta.conversations.startStream': [lost(), says('Hello')], 'beta.conversations.getHistory': [gone] });
    expect((await run(begun, { model: 'm', inputs: 'Hi' }, repeating)).end).toMatchObject({ message: { content: 'Hello' }, conversationId: id });
    expect(names(begun)).toEqual(['beta.conversations.startStream', 'beta.conversations.getHistory', 'beta.conversations.startStream']);

    const branch = (text: string) => of(event.started('branch-1'), event.text(text), event.done());
    const branched = fakeMistral({
      'beta.conversations.restartStream': [concat(of(event.started('branch-0'), event.text('Hel')), throwError(() => cut)), branch('Hello')],
      'beta.conversations.getHistory': [gone],
    });
    expect((await run(branched, { conversationId: id, fromEntryId: 'e0', inputs: 'Hi' }, repeating)).end.conversationId).toBe('branch-1');
    expect(sent(branched, 1)).toEqual({ conversationId: 'branch-0' });
    expect(sent(branched, 2)).toEqual({ conversationId: id, conversationRestartStreamRequest: { fromEntryId: 'e0', inputs: 'Hi' } });
  });

  it('stays failed where the history does not have what was there before it', async () => {
    const mistral = fakeMistral({
      'beta.conversations.getHistory': [history(asked, older), history({ ...asked, id: 'e8' }, { id: 'e9', type: 'message.output', content: 'before' })],
      'beta.conversations.appendStream': [throwError(() => cut)],
    });
    await expect(run(mistral, { conversationId: id, inputs: 'Hi' }, repeating)).rejects.toMatchObject({ kind: 'connection' });
  });

  it('fails where the conversation that it went on with is gone', async () => {
    const mistral = fakeMistral({
      'beta.conversations.getHistory': [history(older), { status: 404 }],
      'beta.conversations.appendStream': [throwError(() => cut)],
    });
    await expect(run(mistral, { conversationId: id, inputs: 'Hi' }, repeating)).rejects.toMatchObject({ status: 404 });
  });

  it('is repeated after a token only where the user says so', async () => {
    const mistral = fakeMistral({ 'beta.conversations.startStream': [lost()] });
    await expect(run(mistral, { model: 'm', inputs: 'Hi' }, { retry: { backoff: constantBackoff(1) } })).rejects.toMatchObject({ kind: 'connection', partial: { content: 'Hel' } });
  });
});

describe('bad input', () => {
  const mistral = fakeMistral({ 'beta.conversations.startStream': NEVER });

  it.each<[string, object]>([
    ['inputs', { model: 'm' }],
    ['inputs', { model: 'm', inputs: '' }],
    ['inputs', { model: 'm', inputs: [] }],
    ['model', { inputs: 'x' }],
    ['agentId', { agentId: '', inputs: 'x' }],
    ['conversationId', { conversationId: '..', inputs: 'x' }],
    ['fromEntryId', { conversationId: id, fromEntryId: '', inputs: 'x' }],
    ['tools', { conversationId: id, inputs: 'x', tools: [{ type: 'web_search' }] }],
    ['stream', { model: 'm', inputs: 'x', stream: false }],
  ])('is a TypeError that names `%s`', (name, request) => {
    const act = () => conversationTurn(mistral, request as ConversationTurnRequest);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(`Expected \`${name}\``);
  });
});
