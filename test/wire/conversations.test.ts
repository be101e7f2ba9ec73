import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import type { FunctionCallEntry } from '@mistralai/mistralai/models/components/functioncallentry.js';
import { lastValueFrom, type Observable, tap, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeMistral } from '../../src/testing/index.js';
import { type MistralTransport, RxMistralError, sdkTransport } from '../../src/index.js';
import { ConversationAssembler, type ConversationStepEvent } from '../../src/events/ConversationAssembler.js';
import { type Fault, startSimulator, type Simulator, type ToolCallStyle } from '../../src/simulator/index.js';
import {
  betaAgentsCreateOperation,
  betaAgentsDeleteOperation,
  betaAgentsGetOperation,
  betaAgentsListOperation,
  betaAgentsListPagesOperation,
  betaAgentsUpdateOperation,
  betaConversationsAppendOperation,
  betaConversationsAppendStreamOperation,
  betaConversationsDeleteOperation,
  betaConversationsGetHistoryOperation,
  betaConversationsGetMessagesOperation,
  betaConversationsGetOperation,
  betaConversationsListOperation,
  betaConversationsRestartOperation,
  betaConversationsRestartStreamOperation,
  betaConversationsStartOperation,
  betaConversationsStartStreamOperation,
} from '../../src/transport/operations/index.js';
import { clientOf, collectGarbage } from './fixtures/cancellationFixtures.js';
import { failureOf } from './fixtures/outcomeOf.js';

// SDK-FAULTS.md, rows 1, 9 and 14.

const model = 'mistral-small-latest';
const hello = { model, inputs: 'Hello!' };

let simulator: Simulator;
let transport: MistralTransport;

beforeEach(async () => {
  simulator = await startSimulator({ answerTokens: 12 });
  transport = sdkTransport(clientOf(simulator));
});

afterEach(async () => {
  await simulator.close();
});

async function start(inputs = 'Hello!'): Promise<string> {
  return (await lastValueFrom(transport.call(betaConversationsStartOperation, { model, inputs }))).conversationId;
}

function textOf(events: readonly ConversationEvents[]): string {
  return events.map(({ data }) => (data.type === 'message.output.delta' && typeof data.content === 'string' ? data.content : '')).join('');
}

function all<T>(source: Observable<T>): Promise<T[]> {
  return lastValueFrom(source.pipe(toArray()));
}

describe('every operation of agents and conversations reaches its endpoint', () => {
  it('creates, finds, changes and deletes an agent', async () => {
    const made = await lastValueFrom(transport.call(betaAgentsCreateOperation, { model, name: 'Reviewer' }));
    const updated = await lastValueFrom(transport.call(betaAgentsUpdateOperation, { agentId: made.id, updateAgentRequest: { instructions: 'Be brief.' } }));
    expect(updated).toMatchObject({ id: made.id, version: 1, instructions: 'Be brief.' });
    expect(await lastValueFrom(transport.call(betaAgentsGetOperation, { agentId: made.id }))).toEqual(updated);
    expect(await lastValueFrom(transport.call(betaAgentsListOperation, { name: 'Reviewer' }))).toEqual([updated]);
    expect(await lastValueFrom(transport.call(betaAgentsListOperation, undefined))).toEqual([updated]);
    expect(await lastValueFrom(transport.call(betaAgentsListPagesOperation, { pageSize: 1 }))).toMatchObject({ result: { data: [updated], nextPageToken: null } });
    expect(await all(transport.call(betaAgentsDeleteOperation, { agentId: made.id }))).toEqual([undefined]);
    expect(simulator.requests.map(({ method, status }) => `${method} ${status}`)).toEqual(['POST 200', 'PATCH 200', 'GET 200', 'GET 200', 'GET 200', 'GET 200', 'DELETE 204']);
  });

  it('begins a conversation, goes on, begins anew, reads and deletes it', async () => {
    const first = await lastValueFrom(transport.call(betaConversationsStartOperation, { ...hello, metadata: { team: 'a' } }));
    const { conversationId } = first;
    const second = await lastValueFrom(transport.call(betaConversationsAppendOperation, { conversationId, conversationAppendRequest: { inputs: 'And then?' } }));
    const history = await lastValueFrom(transport.call(betaConversationsGetHistoryOperation, { conversationId }));
    expect(history.entries.map(({ type }) => type)).toEqual(['message.input', 'message.output', 'message.input', 'message.output']);
    expect(history.entries[3]).toEqual(second.outputs[0]);
    const read = await lastValueFrom(transport.call(betaConversationsGetMessagesOperation, { conversationId }));
    expect(read.messages).toEqual(history.entries);
    const restart = { fromEntryId: history.entries[1]!.id!, inputs: 'And then?' };
    const anew = await lastValueFrom(transport.call(betaConversationsRestartOperation, { conversationId, conversationRestartRequest: restart }));
    // The same beginning and the same question: the same answer.
    expect(anew.outputs).toMatchObject([{ content: (second.outputs[0] as { readonly content: string }).content }]);
    expect(await lastValueFrom(transport.call(betaConversationsGetOperation, { conversationId }))).toMatchObject({ id: conversationId, model, metadata: { team: 'a' } });
    expect((await lastValueFrom(transport.call(betaConversationsListOperation, undefined))).map(({ id }) => id)).toEqual([conversationId, anew.conversationId]);
    expect(await all(transport.call(betaConversationsDeleteOperation, { conversationId }))).toEqual([undefined]);
    expect(await failureOf(transport.call(betaConversationsGetHistoryOperation, { conversationId }))).toMatchObject({ kind: 'http', status: 404, retryable: false });
  });

  it('streams the same as it says whole', async () => {
    const whole = await lastValueFrom(transport.call(betaConversationsStartOperation, hello));
    const started = await all(transport.stream(betaConversationsStartStreamOperation, hello));
    expect(textOf(started)).toBe((whole.outputs[0] as { readonly content: string }).content);
    expect(started.at(-1)).toMatchObject({ event: 'conversation.response.done', data: { usage: whole.usage } });

    const { conversationId } = whole;
    const appended = await all(transport.stream(betaConversationsAppendStreamOperation, { conversationId, conversationAppendStreamRequest: { inputs: 'And then?' } }));
    const { entries } = await lastValueFrom(transport.call(betaConversationsGetHistoryOperation, { conversationId }));
    expect(entries.at(-1)).toMatchObject({ content: textOf(appended) });
    const restart = { fromEntryId: entries[1]!.id!, inputs: 'And then?' };
    const restarted = await all(transport.stream(betaConversationsRestartStreamOperation, { conversationId, conversationRestartStreamRequest: restart }));
    expect(textOf(restarted)).toBe(textOf(appended));
  });
});

describe('a stream of a conversation', () => {
  it('loses nothing to an odd field', async () => {
    const intact = textOf(await all(transport.stream(betaConversationsStartStreamOperation, hello)));
    simulator.setFaults({ kind: 'extra', what: 'odd-field' });
    expect(textOf(await all(transport.stream(betaConversationsStartStreamOperation, hello)))).toBe(intact);
  });

  it('keeps the error that the server sent with an odd field', async () => {
    simulator.setFaults({ fault: [{ kind: 'finish-error' }, { kind: 'extra', what: 'odd-field' }] });
    const events = await all(transport.stream(betaConversationsStartStreamOperation, hello));
    expect(events.at(-1)).toMatchObject({ data: { type: 'conversation.response.error', message: 'Internal server error', code: 500 } });
  });

  it.each(['hologram', '__proto__'])('passes on an event of the unknown type %s, and all others', async (type) => {
    const intact = await all(transport.stream(betaConversationsStartStreamOperation, hello));
    simulator.setFaults({ kind: 'extra', what: type === 'hologram' ? 'content-type' : 'proto-type' });
    const events = await all(transport.stream(betaConversationsStartStreamOperation, hello));
    expect(events).toHaveLength(intact.length + 1);
    expect(events[1]).toMatchObject({ event: type, data: { type: 'UNKNOWN', raw: { type } } });
    expect(textOf(events)).toBe(textOf(intact));
  });

  it.each<Fault>([{ kind: 'split' }, { kind: 'line-ends', ends: 'mixed' }, { kind: 'coalesce' }, { kind: 'comments' }])('is the same however its bytes come: %j', async (fault) => {
    const request = { ...hello, store: false };
    const intact = await all(transport.stream(betaConversationsStartStreamOperation, request));
    simulator.setFaults(fault);
    expect(await all(transport.stream(betaConversationsStartStreamOperation, request))).toEqual(intact);
  });

  it('delivers all that came before a reset', async () => {
    simulator.setFaults({ kind: 'reset', at: { events: 4 } });
    const received: unknown[] = [];
    const stream = transport.stream(betaConversationsStartStreamOperation, hello);
    const error = await new Promise((resolve) => stream.subscribe({ next: (event) => received.push(event), error: resolve, complete: () => { resolve(undefined); } }));
    expect(error).toMatchObject({ kind: 'connection' });
    expect(received).toHaveLength(4);
  });

  it('closes its connection when it is left while the server is silent, whatever the collector took', async () => {
    simulator.setFaults({ kind: 'stall', at: { events: 2 } });
    const subscription = transport.stream(betaConversationsStartStreamOperation, hello).subscribe();
    await simulator.until(({ requests }) => requests[0]?.eventsWritten === 2);
    await collectGarbage();
    subscription.unsubscribe();
    await simulator.until(({ openRequests }) => openRequests === 0);
    expect(simulator.requests[0]?.outcome).toBe('client-closed');
  });
});

describe('an answer that the SDK refuses is read all the same', () => {
  it('with an entry of an unknown type', async () => {
    const conversationId = await start();
    const thought = { object: 'entry', type: 'message.thought', id: 'x', created_at: '2025-11-28T12:00:00Z', content: 'Hm' };
    simulator.setFaults({ kind: 'status', status: 200, body: { json: { object: 'conversation.history', conversation_id: conversationId, entries: [thought] } } });
    expect(await lastValueFrom(transport.call(betaConversationsGetHistoryOperation, { conversationId }))).toMatchObject({ conversationId, entries: [{ type: 'message.thought', content: 'Hm' }] });
  });

  it('in a list', async () => {
    const agent = { object: 'agent', id: 'ag_1', name: 'n', model: 'm', version: '1', deployment_chat: false };
    simulator.setFaults({ kind: 'status', status: 200, body: { json: [agent] } });
    expect(await lastValueFrom(transport.call(betaAgentsListOperation, {}))).toMatchObject([{ id: 'ag_1', version: '1', deploymentChat: false }]);
  });

  it('but not where it makes no sense', async () => {
    simulator.setFaults({ kind: 'status', status: 200, body: { json: { surprise: true } } });
    expect(await failureOf(transport.call(betaConversationsListOperation, {}))).toMatchObject({ kind: 'protocol' });
  });
});

describe('an id that would lead elsewhere is refused before anything is sent', () => {
  const calls: readonly (readonly [string, (id: string) => Observable<unknown>])[] = [
    ['agents.get', (agentId) => transport.call(betaAgentsGetOperation, { agentId })],
    ['agents.update', (agentId) => transport.call(betaAgentsUpdateOperation, { agentId, updateAgentRequest: {} })],
    ['agents.delete', (agentId) => transport.call(betaAgentsDeleteOperation, { agentId })],
    ['conversations.append', (conversationId) => transport.call(betaConversationsAppendOperation, { conversationId, conversationAppendRequest: {} })],
    ['conversations.appendStream', (conversationId) => transport.stream(betaConversationsAppendStreamOperation, { conversationId, conversationAppendStreamRequest: {} })],
    ['conversations.restart', (conversationId) => transport.call(betaConversationsRestartOperation, { conversationId, conversationRestartRequest: { fromEntryId: 'a' } })],
    ['conversations.restartStream', (conversationId) => transport.stream(betaConversationsRestartStreamOperation, { conversationId, conversationRestartStreamRequest: { fromEntryId: 'a' } })],
    ['conversations.get', (conversationId) => transport.call(betaConversationsGetOperation, { conversationId })],
    ['conversations.getHistory', (conversationId) => transport.call(betaConversationsGetHistoryOperation, { conversationId })],
    ['conversations.getMessages', (conversationId) => transport.call(betaConversationsGetMessagesOperation, { conversationId })],
    ['conversations.delete', (conversationId) => transport.call(betaConversationsDeleteOperation, { conversationId })],
  ];

  it.each(calls)('%s', async (_name, call) => {
    for (const id of ['', '.', '..']) {
      const error = await failureOf(call(id));
      expect(error).toBeInstanceOf(RxMistralError);
      expect(error).toMatchObject({ kind: 'validation' });
    }
    expect(simulator.requestCount).toBe(0);
  });
});

it('a fake answers what has no answer with a 204, and a list with a list of its own', async () => {
  const fake = fakeMistral({ 'beta.conversations.delete': { status: 204 }, 'beta.agents.list': () => [] });
  expect(await all(fake.call(betaConversationsDeleteOperation, { conversationId: 'a' }))).toEqual([undefined]);
  expect(await all(fake.call(betaAgentsListOperation, undefined))).toEqual([[]]);
});

describe('an error in a conversation', () => {
  it('quotes no key, whatever the server says', async () => {
    const key = 'sk-0123456789abcdef';
    simulator.setReply({ events: [{ type: 'conversation.response.error', message: `The key ${key} is odd`, code: 401 }] });
    const [event] = await all(sdkTransport(clientOf(simulator, { apiKey: key })).stream(betaConversationsStartStreamOperation, hello));
    expect(event).toMatchObject({ event: 'conversation.response.error', data: { type: 'conversation.response.error', code: 401 } });
    expect(JSON.stringify(event)).not.toContain(key);
  });
});

describe('an answer, assembled', () => {
  const search = { type: 'function' as const, function: { name: 'search', parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] } } };
  const asking = { ...hello, tools: [{ type: 'web_search' as const }, search] };

  /** What comes of a stream, cut or not: the text, the calls, and the error that it ended in. */
  async function assembled(request: typeof asking | typeof hello): Promise<{ events: ConversationStepEvent[]; error: unknown }> {
    const events: ConversationStepEvent[] = [];
    const assembler = new ConversationAssembler('request-1', 1, (event) => events.push(event));
    const source = transport.stream(betaConversationsStartStreamOperation, request).pipe(tap((event) => { assembler.push(event); }));
    const error = await lastValueFrom(source.pipe(toArray())).then(
      () => { assembler.end(); },
      (reason: unknown) => reason,
    ).catch((reason: unknown) => reason);
    return { events, error };
  }

  it.each<ToolCallStyle>([
    { shape: 'whole', parallel: 3 },
    { shape: 'whole', parallel: 1, argumentsAs: 'object' },
    { shape: 'fragments', parallel: 3 },
    { shape: 'fragments', parallel: 3, interleaved: false },
    { shape: 'fragments', parallel: 3, laterId: 'missing' },
    { shape: 'fragments', parallel: 3, laterId: 'null' },
    { shape: 'fragments', parallel: 3, laterId: 'null-string' },
  ])('has the calls that the history has, in the style %j', async (toolCallStyle) => {
    await simulator.close();
    simulator = await startSimulator({ toolCallStyle });
    transport = sdkTransport(clientOf(simulator));
    const { events, error } = await assembled(asking);
    expect(error).toBeUndefined();
    const complete = events.at(-1);
    const conversationId = complete?.type === 'complete' ? complete.id : '';
    const { entries } = await lastValueFrom(transport.call(betaConversationsGetHistoryOperation, { conversationId }));
    const calls = events.filter((event) => event.type === 'tool-call').map(({ toolCall }) => toolCall);
    expect(calls.length).toBe(toolCallStyle.parallel);
    expect(calls.map(({ id, arguments: text }) => [id, JSON.parse(text) as unknown])).toEqual(
      entries.flatMap((entry) => (entry.type === 'function.call' ? [[(entry).toolCallId, argumentsOf(entry)]] : [])),
    );
  });

  it('is whole or a truncation, wherever it is cut: never whole before its end', async () => {
    const intact = await assembled(hello);
    const text = textDeltas(intact.events);
    const { eventsWritten } = simulator.requests[0]!;
    for (let events = 0; events < eventsWritten; events++) {
      simulator.setFaults({ kind: 'truncate', at: { events } });
      const cut = await assembled(hello);
      expect(cut.error).toMatchObject({ kind: 'truncated', partial: { content: textDeltas(cut.events) } });
      expect(text.startsWith(textDeltas(cut.events))).toBe(true);
      expect(cut.events.some(({ type }) => type === 'complete')).toBe(false);
    }
  });

  function textDeltas(events: readonly ConversationStepEvent[]): string {
    return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
  }

  function argumentsOf({ arguments: given }: FunctionCallEntry): unknown {
    return typeof given === 'string' ? JSON.parse(given) : given;
  }
});
