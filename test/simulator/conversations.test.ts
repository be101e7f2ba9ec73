import { Mistral } from '@mistralai/mistralai';
import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import type { ConversationResponse } from '@mistralai/mistralai/models/components/conversationresponse.js';
import type { FunctionCallEntry } from '@mistralai/mistralai/models/components/functioncallentry.js';
import type { InputEntries } from '@mistralai/mistralai/models/components/inputentries.js';
import { describe, expect, test } from 'vitest';

import type { AnswerReply, CompletionBody, Simulator, SimulatorOptions, ToolCallStyle } from '../../src/simulator/index.js';
import { eventData, withSimulator } from './rawClient.js';
import { request } from './standaloneSdk.js';

const model = 'mistral-medium-latest';

function functionTool(name: string): { type: 'function'; function: { name: string; parameters: Record<string, unknown> } } {
  return { type: 'function', function: { name, parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'], additionalProperties: false } } };
}

const search = functionTool('search_codebase');
const webSearch = { type: 'web_search' as const };
const confirmedSearch = { ...webSearch, toolConfiguration: { requiresConfirmation: ['web_search'] } };

type Conversations = Mistral['beta']['conversations'];

function sdk(simulator: Simulator): Mistral {
  return new Mistral({ serverURL: simulator.url, apiKey: 'any' });
}

function withConversations<Result>(
  options: SimulatorOptions,
  run: (conversations: Conversations, simulator: Simulator, client: Mistral) => Promise<Result>,
): Promise<Result> {
  return withSimulator(options, (simulator) => {
    const client = sdk(simulator);
    return run(client.beta.conversations, simulator, client);
  });
}

/** All events, each known to the SDK by its type and its name. */
async function eventsOf(stream: PromiseLike<AsyncIterable<ConversationEvents>>): Promise<readonly ConversationEvents['data'][]> {
  const events: ConversationEvents['data'][] = [];
  for await (const { event, data } of await stream) {
    expect(data.type).toBe(event);
    events.push(data);
  }
  return events;
}

function typesOf(events: readonly { readonly type?: string }[]): readonly (string | undefined)[] {
  return events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
}

type OfType<Type extends string> = Extract<ConversationEvents['data'], { type: Type }>;

function ofType<Type extends string>(events: readonly ConversationEvents['data'][], type: Type): readonly OfType<Type>[] {
  return events.filter((event): event is OfType<Type> => event.type === type);
}

function streamedText(events: readonly ConversationEvents['data'][]): string {
  return ofType(events, 'message.output.delta').map(({ content }) => (typeof content === 'string' ? content : '')).join('');
}

function callsIn({ outputs }: ConversationResponse): readonly FunctionCallEntry[] {
  return outputs.filter((output): output is FunctionCallEntry => output.type === 'function.call');
}

/** What a program answers to each call of a response. */
function resultsFor(response: ConversationResponse): InputEntries[] {
  return callsIn(response).map(({ toolCallId }) => ({ type: 'function.result', toolCallId, result: 'found' }));
}

const statusOf = async (call: PromiseLike<unknown>): Promise<unknown> => {
  try {
    await call;
    return undefined;
  } catch (error) {
    return (error as { readonly statusCode?: unknown }).statusCode;
  }
};

describe('a conversation', () => {
  test('is begun, gone on with and read again: what was said stays', async () => {
    await withConversations({}, async (conversations) => {
      const first = await conversations.start({ model, inputs: 'Hello!' });
      expect(first).toMatchObject({ object: 'conversation.response', outputs: [{ type: 'message.output', role: 'assistant', model }] });
      const second = await conversations.append({ conversationId: first.conversationId, conversationAppendRequest: { inputs: 'And then?' } });
      expect(second.conversationId).toBe(first.conversationId);
      expect(second.usage.promptTokens).toBeGreaterThan(first.usage.promptTokens + first.usage.completionTokens);

      const { entries } = await conversations.getHistory({ conversationId: first.conversationId });
      expect(entries).toMatchObject([
        { type: 'message.input', role: 'user', content: 'Hello!' },
        first.outputs[0]!,
        { type: 'message.input', role: 'user', content: 'And then?' },
        second.outputs[0]!,
      ]);
      expect(new Set(entries.map(({ id }) => id)).size).toBe(4);
      const { messages } = await conversations.getMessages({ conversationId: first.conversationId });
      expect(messages).toEqual(entries);
    });
  });

  test('says the same streamed and whole, from the seed alone', async () => {
    const run = (seed: number): Promise<readonly string[]> =>
      withConversations({ seed }, async (conversations) => {
        const whole = await conversations.start({ model, inputs: 'Hello!' });
        const events = await eventsOf(conversations.startStream({ model, inputs: 'Hello!' }));
        expect(typesOf(events)).toEqual(['conversation.response.started', 'message.output.delta', 'conversation.response.done']);
        const [output] = whole.outputs;
        expect(output?.type === 'message.output' && output.content).toBe(streamedText(events));
        expect(ofType(events, 'conversation.response.done')[0]?.usage).toEqual(whole.usage);
        const [started] = ofType(events, 'conversation.response.started');
        expect(started?.conversationId).not.toBe(whole.conversationId);
        const history = await conversations.getHistory({ conversationId: started!.conversationId });
        expect(history.entries.at(-1)).toMatchObject({ type: 'message.output', content: streamedText(events) });
        return [whole.conversationId, started!.conversationId, streamedText(events)];
      });
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
  });

  test('names each event in its event line, and ends without [DONE]', async () => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/conversations', { model, inputs: 'Hello!', stream: true });
      const text = await response.text();
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      expect(text).toMatch(/^event: conversation\.response\.started\ndata: \{"type":"conversation\.response\.started",/);
      expect(text).not.toContain('[DONE]');
      expect(JSON.parse(eventData(text).at(-1)!)).toMatchObject({ type: 'conversation.response.done', usage: { total_tokens: expect.any(Number) as number } });
      expect(JSON.parse(eventData(text)[1]!)).toMatchObject({ type: 'message.output.delta', output_index: 0, content_index: 0, role: 'assistant', model, agent_id: null });
    });
  });

  test('is found by its id, in the list and by its metadata, until it is deleted', async () => {
    await withConversations({}, async (conversations, simulator) => {
      const definition = { name: 'Review', description: 'Of code', metadata: { team: 'a' }, instructions: 'Be brief.', tools: [search], completionArgs: { temperature: 0.2, toolChoice: 'none' as const } };
      const { conversationId } = await conversations.start({ model, inputs: 'Hello!', ...definition });
      const { conversationId: other } = await conversations.start({ agentId: 'ag_1', agentVersion: 2, inputs: 'Hello!' });
      expect(await conversations.get({ conversationId })).toMatchObject({ object: 'conversation', id: conversationId, model, ...definition });
      expect(await conversations.get({ conversationId: other })).toMatchObject({ id: other, agentId: 'ag_1', agentVersion: 2, name: null });
      expect((await conversations.list()).map(({ id }) => id)).toEqual([conversationId, other]);
      expect((await conversations.list({ page: 1, pageSize: 1 })).map(({ id }) => id)).toEqual([other]);
      expect((await conversations.list({ metadata: { team: 'a' } })).map(({ id }) => id)).toEqual([conversationId]);

      await conversations.delete({ conversationId });
      expect(simulator.requests.at(-1)).toMatchObject({ method: 'DELETE', status: 204 });
      expect((await conversations.list()).map(({ id }) => id)).toEqual([other]);
      expect(await statusOf(conversations.getHistory({ conversationId }))).toBe(404);
    });
  });

  test('is begun anew from any entry, whole and streamed, and the old one stays', async () => {
    await withConversations({}, async (conversations) => {
      const { conversationId } = await conversations.start({ model, inputs: 'Hello!', metadata: { team: 'a' } });
      await conversations.append({ conversationId, conversationAppendRequest: { inputs: 'And then?' } });
      const { entries } = await conversations.getHistory({ conversationId });

      const restarted = await conversations.restart({ conversationId, conversationRestartRequest: { fromEntryId: entries[1]!.id!, inputs: 'And now?' } });
      expect(restarted.conversationId).not.toBe(conversationId);
      const anew = await conversations.getHistory({ conversationId: restarted.conversationId });
      expect(anew.entries).toMatchObject([...entries.slice(0, 2), { content: 'And now?' }, ...restarted.outputs]);
      expect(await conversations.get({ conversationId: restarted.conversationId })).toMatchObject({ model, metadata: { team: 'a' } });

      const again = await eventsOf(conversations.restartStream({ conversationId, conversationRestartStreamRequest: { fromEntryId: entries[0]!.id! } }));
      // The same question gets the same answer.
      expect(streamedText(again)).toBe((entries[1] as { readonly content: string }).content);
      expect((await conversations.getHistory({ conversationId })).entries).toEqual(entries);
      expect(await statusOf(conversations.restart({ conversationId, conversationRestartRequest: { fromEntryId: 'msg_none', inputs: 'x' } }))).toBe(404);
    });
  });

  test('that is not to be stored is answered, and not known', async () => {
    await withConversations({}, async (conversations) => {
      const { conversationId } = await conversations.start({ model, inputs: 'Hello!', store: false });
      expect(await statusOf(conversations.get({ conversationId }))).toBe(404);
      const kept = await conversations.start({ model, inputs: 'Hello!' });
      await conversations.append({ conversationId: kept.conversationId, conversationAppendRequest: { inputs: 'Aside', store: false } });
      expect((await conversations.getHistory({ conversationId: kept.conversationId })).entries).toHaveLength(2);
    });
  });

  test('continues a beginning, thinks with a thinking model and obeys completion_args', async () => {
    await withConversations({}, async (conversations) => {
      const prefixed = await conversations.start({
        model,
        inputs: [{ role: 'user', content: 'Hello!' }, { role: 'assistant', content: 'Once upon ', prefix: true }],
      });
      expect(prefixed.outputs).toMatchObject([{ content: expect.stringMatching(/^Once upon \S/) as string }]);
      const thought = await eventsOf(conversations.startStream({ model: 'magistral-medium-latest', inputs: 'Hello!' }));
      const contents = ofType(thought, 'message.output.delta');
      expect(contents[0]?.content).toMatchObject({ type: 'thinking', thinking: [{ type: 'text' }] });
      expect(new Set(contents.map(({ contentIndex }) => contentIndex))).toEqual(new Set([0, 1]));
      const cut = await conversations.start({ model, inputs: 'Hello!', completionArgs: { maxTokens: 3 } });
      expect(cut.usage.completionTokens).toBe(3);
    });
  });
});

describe('a conversation that the server has forgotten is a 404', () => {
  test('when it has expired, counted from its last turn', async () => {
    await withConversations({}, async (conversations, simulator) => {
      const { conversationId } = await conversations.start({ model, inputs: 'Hello!' });
      expect(await statusOf(conversations.get({ conversationId }))).toBeUndefined();
      simulator.setConversations({ expireAfter: 0 });
      const response = await request(simulator, `/v1/conversations/${conversationId}`, { inputs: 'And then?' });
      expect([response.status, await response.json()]).toMatchObject([404, { object: 'error', type: 'not_found' }]);
      simulator.setConversations();
      expect(await statusOf(conversations.get({ conversationId }))).toBe(404);
      expect(await conversations.list()).toEqual([]);
    });
  });

  test('when it is told to forget it, or all of them', async () => {
    await withConversations({ conversations: { expireAfter: 600_000 } }, async (conversations, simulator) => {
      const ids: string[] = [];
      for (const inputs of ['one', 'two', 'three']) ids.push((await conversations.start({ model, inputs })).conversationId);
      simulator.forgetConversations(ids[1]!);
      expect((await conversations.list()).map(({ id }) => id)).toEqual([ids[0], ids[2]]);
      simulator.forgetConversations();
      expect(await conversations.list()).toEqual([]);
    });
  });

  test.each([{ expireAfter: -1 }, { cutTurn: 'half' as 'whole' }])('and options that cannot be meant are a TypeError: %j', async (conversations) => {
    await expect(withSimulator({ conversations }, () => Promise.resolve())).rejects.toThrow(TypeError);
  });
});

describe('functions', () => {
  test.each<ToolCallStyle>([
    { shape: 'whole', parallel: 2 },
    { shape: 'fragments', parallel: 2 },
    { shape: 'fragments', parallel: 2, interleaved: false },
  ])('are called, several at once, in the style %j, and answered in text once their results are there', async (toolCallStyle) => {
    await withConversations({ toolCallStyle }, async (conversations) => {
      const whole = await conversations.start({ model, inputs: 'Review f', tools: [search] });
      const calls = callsIn(whole);
      expect(calls.map(({ name }) => name)).toEqual(['search_codebase', 'search_codebase']);

      const events = await eventsOf(conversations.startStream({ model, inputs: 'Review f', tools: [search] }));
      const deltas = ofType(events, 'function.call.delta');
      expect(events).toHaveLength(deltas.length + 2);
      const joined = new Map<string, string>();
      for (const { toolCallId, arguments: text } of deltas) joined.set(toolCallId, (joined.get(toolCallId) ?? '') + text);
      expect([...joined]).toEqual(calls.map(({ toolCallId, arguments: text }) => [toolCallId, text]));
      for (const text of joined.values()) expect(JSON.parse(text)).toEqual({ query: expect.any(String) as string });
      expect(new Set(deltas.map(({ toolCallId, outputIndex, id }) => `${toolCallId} ${outputIndex} ${id}`)).size).toBe(2);
      const isWhole = toolCallStyle.shape === 'whole';
      expect(deltas.length === 2).toBe(isWhole);
      if (!isWhole) expect(deltas.slice(0, 4).map(({ outputIndex }) => outputIndex)).toEqual(toolCallStyle.interleaved === false ? [0, 0, 0, 0] : [0, 1, 0, 1]);

      const answered = await conversations.append({ conversationId: whole.conversationId, conversationAppendRequest: { inputs: resultsFor(whole) } });
      expect(answered.outputs.map(({ type }) => type)).toEqual(['message.output']);
      const { entries } = await conversations.getHistory({ conversationId: whole.conversationId });
      expect(entries.map(({ type }) => type)).toEqual(['message.input', 'function.call', 'function.call', 'function.result', 'function.result', 'message.output']);
      // At the next question it calls again.
      const next = await conversations.append({ conversationId: whole.conversationId, conversationAppendRequest: { inputs: 'And g?' } });
      expect(callsIn(next)).toHaveLength(2);
    });
  });

  test.each([
    ['missing', undefined],
    ['null', null],
    ['null-string', 'null'],
  ] as const)('come in fragments whose later ids are %s', async (laterId, id) => {
    await withSimulator({ toolCallStyle: { shape: 'fragments', laterId, parallel: 1 } }, async (simulator) => {
      const response = await request(simulator, '/v1/conversations', { model, inputs: 'Hi', tools: [search], stream: true });
      const [first, ...later] = eventData(await response.text()).slice(1, -1).map((data) => JSON.parse(data) as Readonly<Record<string, unknown>>);
      expect(first).toMatchObject({ name: 'search_codebase', arguments: '', tool_call_id: expect.any(String) as string });
      for (const fragment of later) {
        expect(fragment).toMatchObject({ name: '', output_index: 0 });
        expect(fragment['tool_call_id']).toBe(id);
      }
    });
  });

  test('are not called where tool_choice is none, and take arguments as an object where that is the style', async () => {
    await withConversations({ toolCallStyle: { shape: 'whole', argumentsAs: 'object' } }, async (conversations) => {
      const none = await conversations.start({ model, inputs: 'Hi', tools: [search], completionArgs: { toolChoice: 'none' } });
      expect(callsIn(none)).toEqual([]);
      const [call] = callsIn(await conversations.start({ model, inputs: 'Hi', tools: [search] }));
      expect(call?.arguments).toBeTypeOf('object');
    });
  });

  test('must be answered all, and once: anything else is a 400', async () => {
    await withConversations({ toolCallStyle: { parallel: 2 } }, async (conversations) => {
      const asked = await conversations.start({ model, inputs: 'Hi', tools: [search] });
      const append = (inputs: string | InputEntries[]): Promise<unknown> =>
        statusOf(conversations.append({ conversationId: asked.conversationId, conversationAppendRequest: { inputs } }));
      const [first, second] = resultsFor(asked);
      expect(await append('Never mind')).toBe(400);
      expect(await append([first!])).toBe(400);
      expect(await append([first!, second!, second!])).toBe(400);
      expect(await append([{ type: 'function.result', toolCallId: 'other', result: '' }])).toBe(400);
      expect(await append([first!, second!])).toBeUndefined();
      expect(await append([first!])).toBe(400);
      expect((await conversations.getHistory({ conversationId: asked.conversationId })).entries).toHaveLength(6);
    });
  });

  test('of a history that the client sends are taken as they are', async () => {
    await withConversations({}, async (conversations) => {
      const rebuilt = await conversations.start({
        model,
        tools: [search],
        inputs: [
          { role: 'user', content: 'Review f' },
          { type: 'function.call', toolCallId: 'call12345', name: 'search_codebase', arguments: '{"query":"f"}' },
          { type: 'function.result', toolCallId: 'call12345', result: 'f()' },
          { type: 'message.output', content: 'Fine.' },
          { role: 'user', content: 'Sure?' },
        ],
        completionArgs: { toolChoice: 'none' },
      });
      const { entries } = await conversations.getHistory({ conversationId: rebuilt.conversationId });
      expect(entries.map(({ type }) => type)).toEqual(['message.input', 'function.call', 'function.result', 'message.output', 'message.input', 'message.output']);
    });
  });
});

describe('tools of the server', () => {
  test.each(['whole', 'fragments'] as const)('run before the text, and are counted (%s)', async (shape) => {
    await withConversations({ toolCallStyle: { shape } }, async (conversations) => {
      const events = await eventsOf(conversations.startStream({ model, inputs: 'News?', tools: [webSearch] }));
      const isWhole = shape === 'whole';
      const running = isWhole ? ['tool.execution.started', 'tool.execution.done'] : ['tool.execution.started', 'tool.execution.delta', 'tool.execution.done'];
      expect(typesOf(events)).toEqual(['conversation.response.started', ...running, 'message.output.delta', 'conversation.response.done']);
      const [started] = ofType(events, 'tool.execution.started');
      const pieces = ofType(events, 'tool.execution.delta').map((event) => event.arguments);
      expect(started).toMatchObject({ name: 'web_search', outputIndex: 0 });
      expect(JSON.parse(isWhole ? started!.arguments : pieces.join(''))).toEqual({ query: expect.any(String) as string });
      expect(ofType(events, 'message.output.delta').at(-1)).toMatchObject({ outputIndex: 1, contentIndex: 1, content: { type: 'tool_reference', tool: 'web_search' } });
      expect(ofType(events, 'conversation.response.done')[0]?.usage).toMatchObject({ connectorTokens: 240, connectors: { web_search: 1 } });
    });
  });

  test('run together with functions in one turn', async () => {
    await withConversations({ toolCallStyle: { parallel: 1 } }, async (conversations) => {
      const asked = await conversations.start({ model, inputs: 'News?', tools: [search, webSearch] });
      expect(asked.outputs.map(({ type }) => type)).toEqual(['tool.execution', 'function.call']);
      const answered = await conversations.append({ conversationId: asked.conversationId, conversationAppendRequest: { inputs: resultsFor(asked) } });
      expect(answered.outputs.map(({ type }) => type)).toEqual(['message.output']);
    });
  });

  test.each([
    ['allow', 'allowed', ['tool.execution', 'message.output']],
    ['deny', 'denied', ['message.output']],
  ] as const)('wait for a person where they are told to: %s', async (confirmation, status, types) => {
    await withConversations({ toolCallStyle: { shape: 'whole' } }, async (conversations) => {
      const events = await eventsOf(conversations.startStream({ model, inputs: 'News?', tools: [confirmedSearch] }));
      expect(typesOf(events)).toEqual(['conversation.response.started', 'function.call.delta', 'conversation.response.done']);
      const [call] = ofType(events, 'function.call.delta');
      expect(call).toMatchObject({ name: 'web_search', confirmationStatus: 'pending' });
      const [started] = ofType(events, 'conversation.response.started');
      const conversationId = started!.conversationId;

      const confirm = (toolCallId: string): Promise<ConversationResponse> =>
        conversations.append({ conversationId, conversationAppendRequest: { toolConfirmations: [{ toolCallId, confirmation }] } });
      expect(await statusOf(confirm('other'))).toBe(400);
      expect(await statusOf(conversations.append({ conversationId, conversationAppendRequest: { inputs: 'Well?' } }))).toBe(400);
      const decided = await confirm(call!.toolCallId);
      expect(decided.outputs.map(({ type }) => type)).toEqual(types);
      const { entries } = await conversations.getHistory({ conversationId });
      expect(entries[1]).toMatchObject({ type: 'function.call', toolCallId: call!.toolCallId, confirmationStatus: status });
      expect(await statusOf(confirm(call!.toolCallId))).toBe(400);
      expect(await statusOf(conversations.append({ conversationId, conversationAppendRequest: { inputs: 'Well?' } }))).toBeUndefined();
    });
  });
});

describe('agents', () => {
  test('answer with their model, instructions, tools and parameters', async () => {
    const bodies: CompletionBody[] = [];
    const reply = (body: CompletionBody): undefined => {
      bodies.push(body);
    };
    await withConversations({ reply }, async (conversations, _simulator, client) => {
      const { id: agentId } = await client.beta.agents.create({ model: 'mistral-large-latest', name: 'Reviewer', instructions: 'Be brief.', tools: [search], completionArgs: { maxTokens: 9 } });
      const asked = await conversations.start({ agentId, inputs: 'Review f' });
      expect(callsIn(asked)[0]).toMatchObject({ name: 'search_codebase', agentId, model: 'mistral-large-latest' });
      expect(bodies[0]).toMatchObject({ agent_id: agentId, model: 'mistral-large-latest', max_tokens: 9, tools: [search], conversation_id: asked.conversationId });
      expect(bodies[0]?.messages).toEqual([{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Review f' }]);

      await conversations.append({ conversationId: asked.conversationId, conversationAppendRequest: { inputs: resultsFor(asked) } });
      expect(bodies[1]?.messages?.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', ...resultsFor(asked).map(() => 'tool')]);
    });
  });

  test('hand over to one another, on the server or by the client', async () => {
    await withConversations({}, async (conversations, _simulator, client) => {
      const expert = await client.beta.agents.create({ model: 'mistral-large-latest', name: 'Expert' });
      const desk = await client.beta.agents.create({ model, name: 'Desk', handoffs: ['ag_nobody', expert.id] });
      const events = await eventsOf(conversations.startStream({ agentId: desk.id, inputs: 'Help!' }));
      expect(typesOf(events)).toEqual(['conversation.response.started', 'agent.handoff.started', 'agent.handoff.done', 'message.output.delta', 'conversation.response.done']);
      expect(events[1]).toMatchObject({ previousAgentId: desk.id, previousAgentName: 'Desk' });
      expect(events[2]).toMatchObject({ nextAgentId: expert.id, nextAgentName: 'Expert' });
      expect(events[3]).toMatchObject({ agentId: expert.id, model: 'mistral-large-latest', outputIndex: 1 });
      const [started] = ofType(events, 'conversation.response.started');
      // Who was handed over to goes on.
      const next = await conversations.append({ conversationId: started!.conversationId, conversationAppendRequest: { inputs: 'Thanks' } });
      expect(next.outputs).toMatchObject([{ type: 'message.output', agentId: expert.id }]);

      const byClient = await conversations.start({ agentId: desk.id, inputs: 'Help!', handoffExecution: 'client' });
      expect(byClient.outputs).toMatchObject([{ type: 'agent.handoff', nextAgentId: expert.id }]);
    });
  });

  test('that nobody has created answer too, and deleted ones are a 404', async () => {
    await withConversations({}, async (conversations, _simulator, client) => {
      expect((await conversations.start({ agentId: 'ag_any', inputs: 'Hi' })).outputs).toMatchObject([{ agentId: 'ag_any' }]);
      const { id } = await client.beta.agents.create({ model, name: 'Gone' });
      await client.beta.agents.delete({ agentId: id });
      expect(await statusOf(conversations.start({ agentId: id, inputs: 'Hi' }))).toBe(404);
    });
  });
});

describe('a scripted conversation', () => {
  const answerTo = async (reply: AnswerReply): Promise<readonly ConversationEvents['data'][]> =>
    withConversations({ reply, toolCallStyle: { shape: 'whole' } }, (conversations) => eventsOf(conversations.startStream({ model, inputs: 'Hi' })));

  test('hands over, lets tools run, speaks, and calls', async () => {
    const events = await answerTo({
      handoffs: ['ag_2'],
      serverTools: [{ name: 'code_interpreter', arguments: { code: '1+1' }, info: { code_output: '2' } }],
      thinking: ['Hm'],
      text: ['Let ', 'me ', 'see.'],
      toolCalls: [{ id: 'call12345', name: 'search_codebase', arguments: { query: 'f' } }, { id: 'call67890', name: 'deploy', arguments: '{}', needsConfirmation: true }],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });
    expect(events).toMatchObject([
      { type: 'conversation.response.started' },
      { type: 'agent.handoff.started', previousAgentId: '' },
      { type: 'agent.handoff.done', nextAgentId: 'ag_2' },
      { type: 'tool.execution.started', name: 'code_interpreter', arguments: '{"code":"1+1"}' },
      { type: 'tool.execution.done', info: { code_output: '2' } },
      { type: 'message.output.delta', contentIndex: 0, content: { type: 'thinking' } },
      { type: 'message.output.delta', contentIndex: 1, content: { type: 'text', text: 'Let ' } },
      { type: 'message.output.delta', contentIndex: 1, content: 'me ' },
      { type: 'message.output.delta', contentIndex: 1, content: 'see.' },
      { type: 'function.call.delta', toolCallId: 'call12345', name: 'search_codebase', arguments: '{"query":"f"}' },
      { type: 'function.call.delta', toolCallId: 'call67890', name: 'deploy', confirmationStatus: 'pending' },
      { type: 'conversation.response.done', usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 } },
    ]);
  });

  test('ends in an error, and keeps the question alone', async () => {
    await withConversations({ reply: { text: ['Hm'], error: { message: 'Overloaded', code: 503 } } }, async (conversations, simulator) => {
      const events = await eventsOf(conversations.startStream({ model, inputs: 'Hi' }));
      expect(events).toMatchObject([{ type: 'conversation.response.started' }, { content: 'Hm' }, { type: 'conversation.response.error', message: 'Overloaded', code: 503 }]);
      const [started] = ofType(events, 'conversation.response.started');
      expect((await conversations.getHistory({ conversationId: started!.conversationId })).entries).toMatchObject([{ type: 'message.input' }]);
      expect(await statusOf(conversations.start({ model, inputs: 'Hi' }))).toBe(500);
      simulator.setReply({ text: 'Hm', finishReason: 'error' });
      expect((await eventsOf(conversations.startStream({ model, inputs: 'Hi' }))).at(-1)).toMatchObject({ type: 'conversation.response.error', code: 500 });
    });
  });

  test('ends without its end', async () => {
    expect((await answerTo({ text: ['Hm'], finishReason: null })).at(-1)).toMatchObject({ type: 'message.output.delta' });
  });

  test('is spelled out event by event', async () => {
    const events = [{ type: 'conversation.response.started', conversation_id: 'conv_1' }, { type: 'conversation.response.done', usage: {} }];
    await withConversations({ reply: { events } }, async (conversations) => {
      expect(await eventsOf(conversations.startStream({ model, inputs: 'Hi' }))).toMatchObject([{ conversationId: 'conv_1' }, { usage: { totalTokens: 0 } }]);
    });
  });
});

describe('a turn that broke', () => {
  const types = async (simulator: Simulator, id: string): Promise<readonly unknown[]> => {
    simulator.setFaults();
    const response = await request(simulator, `/v1/conversations/${id}/history`);
    const { entries } = (await response.json()) as { readonly entries: readonly { readonly type: string }[] };
    return entries.map(({ type }) => type);
  };
  const before = ['message.input', 'message.output'];

  test.each([
    ['whole', [...before, 'message.input', 'message.output']],
    ['inputs', [...before, 'message.input']],
    ['nothing', before],
  ] as const)('leaves in the history what the simulator is told: %s', async (cutTurn, expected) => {
    await withConversations({ conversations: { cutTurn } }, async (conversations, simulator) => {
      const { conversationId } = await conversations.start({ model, inputs: 'Hi' });
      const cut = async (): Promise<void> => {
        await request(simulator, `/v1/conversations/${conversationId}`, { inputs: 'And then?', stream: true }).then((response) => response.text());
      };
      simulator.setFaults({ kind: 'reset', at: { events: 2 } });
      await expect(cut()).rejects.toThrow();
      await simulator.until(({ openRequests }) => openRequests === 0);
      expect(await types(simulator, conversationId)).toEqual(expected);
    });
  });

  test.each([{ kind: 'truncate' }, { kind: 'truncate', at: { events: 1 } }, { kind: 'reset', at: 'before-headers' }] as const)('was cut by the server: %j', async (fault) => {
    await withConversations({ conversations: { cutTurn: 'nothing' } }, async (conversations, simulator) => {
      const { conversationId } = await conversations.start({ model, inputs: 'Hi' });
      simulator.setFaults(fault);
      await request(simulator, `/v1/conversations/${conversationId}`, { inputs: 'And then?', stream: true }).then((response) => response.text()).catch(() => undefined);
      await simulator.until(({ openRequests }) => openRequests === 0);
      expect(await types(simulator, conversationId)).toEqual(before);
    });
  });

  test('was left by its client', async () => {
    await withConversations({ conversations: { cutTurn: 'inputs' } }, async (conversations, simulator) => {
      const { conversationId } = await conversations.start({ model, inputs: 'Hi' });
      simulator.setFaults({ kind: 'stall', at: { events: 1 } });
      const leaving = new AbortController();
      const init = { method: 'POST', headers: { authorization: 'Bearer any' }, body: JSON.stringify({ inputs: 'And then?', stream: true }), signal: leaving.signal };
      const response = await fetch(`${simulator.url}/v1/conversations/${conversationId}`, init);
      expect(response.status).toBe(200);
      leaving.abort();
      await simulator.until(({ openRequests }) => openRequests === 0);
      expect(await types(simulator, conversationId)).toEqual([...before, 'message.input']);
    });
  });

  test('and began a conversation that is to leave nothing, leaves none', async () => {
    await withConversations({ conversations: { cutTurn: 'nothing' }, faults: { kind: 'truncate' } }, async (conversations, simulator) => {
      const events = await eventsOf(conversations.startStream({ model, inputs: 'Hi' }));
      expect(events.at(-1)?.type).toBe('message.output.delta');
      await simulator.until(({ openRequests }) => openRequests === 0);
      simulator.setFaults();
      expect(await conversations.list()).toEqual([]);
    });
  });

  test('changes nothing where it never came through', async () => {
    await withConversations({}, async (conversations, simulator) => {
      const { conversationId } = await conversations.start({ model, inputs: 'Hi' });
      simulator.setFaults({ kind: 'status', status: 503 });
      expect((await request(simulator, `/v1/conversations/${conversationId}`, { inputs: 'And then?' })).status).toBe(503);
      expect(await types(simulator, conversationId)).toEqual(before);
    });
  });

  test('puts a decision back, where nothing is to stay', async () => {
    await withConversations({ conversations: { cutTurn: 'nothing' } }, async (conversations, simulator) => {
      const asked = await conversations.start({ model, inputs: 'News?', tools: [confirmedSearch] });
      const [call] = callsIn(asked);
      simulator.setFaults({ kind: 'reset', at: 'before-headers', times: 1 });
      const confirm = (): Promise<unknown> =>
        statusOf(conversations.append({ conversationId: asked.conversationId, conversationAppendRequest: { toolConfirmations: [{ toolCallId: call!.toolCallId, confirmation: 'allow' }] } }));
      await confirm();
      await simulator.until(({ openRequests }) => openRequests === 0);
      expect((await conversations.getHistory({ conversationId: asked.conversationId })).entries.at(-1)).toMatchObject({ confirmationStatus: 'pending' });
      expect(await confirm()).toBeUndefined();
    });
  });
});

describe('faults of conversations', () => {
  test('finish-error ends in conversation.response.error, at its end or before', async () => {
    await withConversations({ faults: { kind: 'finish-error' } }, async (conversations, simulator) => {
      const late = await eventsOf(conversations.startStream({ model, inputs: 'Hi' }));
      expect(typesOf(late)).toEqual(['conversation.response.started', 'message.output.delta', 'conversation.response.error']);
      simulator.setFaults({ kind: 'finish-error', at: 2 });
      expect((await eventsOf(conversations.startStream({ model, inputs: 'Hi' }))).map(({ type }) => type)).toEqual(['conversation.response.started', 'message.output.delta', 'conversation.response.error']);
    });
  });

  test('an odd field makes the SDK\'s own reader lose every event', async () => {
    await withSimulator({ faults: { kind: 'extra', what: 'odd-field' } }, async (simulator) => {
      for await (const { data } of await sdk(simulator).beta.conversations.startStream({ model, inputs: 'Hi' })) expect(data).toMatchObject({ type: 'UNKNOWN' });
    });
  });
});

describe('what is refused', () => {
  test.each<[string, object, readonly unknown[]]>([
    ['neither agent nor model', { inputs: 'Hi' }, ['body', 'model']],
    ['both agent and model', { agent_id: 'ag', model, inputs: 'Hi' }, ['body', 'model']],
    ['no inputs', { model }, ['body', 'inputs']],
    ['an entry of an unknown type', { model, inputs: [{ type: 'message.thought' }] }, ['body', 'inputs', 0, 'type']],
    ['a message without content', { model, inputs: [{ role: 'user' }] }, ['body', 'inputs', 0, 'content']],
    ['a result that is no text', { model, inputs: [{ tool_call_id: 'a', result: {} }] }, ['body', 'inputs', 0, 'result']],
  ])('%s: 422', async (_what, body, loc) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/conversations', body);
      expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc }] }]);
    });
  });

  test('a confirmation that is neither yes nor no, and an entry to restart from that is missing: 422', async () => {
    await withConversations({}, async (conversations, simulator) => {
      const { conversationId } = await conversations.start({ model, inputs: 'Hi' });
      const confirming = await request(simulator, `/v1/conversations/${conversationId}`, { tool_confirmations: [{ tool_call_id: 'a', confirmation: 'maybe' }] });
      expect([confirming.status, await confirming.json()]).toMatchObject([422, { detail: [{ loc: ['body', 'tool_confirmations', 0, 'confirmation'] }] }]);
      const restarting = await request(simulator, `/v1/conversations/${conversationId}/restart`, { inputs: 'Hi' });
      expect([restarting.status, await restarting.json()]).toMatchObject([422, { detail: [{ loc: ['body', 'from_entry_id'] }] }]);
    });
  });

  test('a turn that asks for nothing: 400', async () => {
    await withConversations({}, async (conversations) => {
      const { conversationId } = await conversations.start({ model, inputs: 'Hi' });
      expect(await statusOf(conversations.append({ conversationId, conversationAppendRequest: {} }))).toBe(400);
      expect(await statusOf(conversations.start({ model, inputs: [] }))).toBe(400);
    });
  });

  test('a turn over the rate limit, which leaves nothing behind: 429', async () => {
    await withConversations({ rateLimit: { requests: { limit: 2, interval: 60_000 } } }, async (conversations, simulator) => {
      const { conversationId } = await conversations.start({ model, inputs: 'Hi' });
      expect((await conversations.getHistory({ conversationId })).entries).toHaveLength(2);
      expect((await request(simulator, `/v1/conversations/${conversationId}`, { inputs: 'And then?' })).status).toBe(429);
    });
  });
});

test('a thousand turns of many conversations at once stay apart', async () => {
  await withSimulator({ answerTokens: 5 }, async (simulator) => {
    const client = sdk(simulator);
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const { conversationId } = await client.beta.conversations.start({ model, inputs: `Question ${i}` });
        for (let turn = 0; turn < 9; turn += 1) await client.beta.conversations.append({ conversationId, conversationAppendRequest: { inputs: `Turn ${turn}` } });
        const { entries } = await client.beta.conversations.getHistory({ conversationId });
        expect(entries).toHaveLength(20);
        expect(entries[0]).toMatchObject({ content: `Question ${i}` });
        expect(new Set(entries.map(({ id }) => id)).size).toBe(20);
      }),
    );
  });
});
