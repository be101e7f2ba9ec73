import { accumulate, type AgentEvent, type ChatSnapshot, constantBackoff, conversationTurn, type MistralTransport, resumeTurn, sdkTransport, tool, type TurnCompleteEvent, type TurnOptions } from '../../src/index.js';
import { from, lastValueFrom, type Observable, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ConversationOptions, type Fault, startSimulator, type Simulator } from '../../src/simulator/index.js';
import { betaConversationsGetHistoryOperation, betaConversationsListOperation, betaConversationsStartOperation } from '../../src/transport/operations/index.js';
import { clientOf } from './fixtures/cancellationFixtures.js';

// A turn of two steps: the model calls a tool twice, is told the results, and answers. Each of its streams is cut at every event,
// and the server is asked afterwards what it has.

const model = 'mistral-small-latest';

let simulator: Simulator;
let client: MistralTransport;

beforeEach(async () => {
  simulator = await startSimulator({ answerTokens: 6, toolCallStyle: { parallel: 2, shape: 'fragments' } });
  client = sdkTransport(clientOf(simulator));
});

afterEach(async () => {
  await simulator.close();
});

interface Ran {
  readonly events: readonly AgentEvent[];
  readonly end: TurnCompleteEvent;
  /** The ids of the calls, in the order in which they ran. */
  readonly calls: readonly string[];
}

type Ask = (options: TurnOptions) => Observable<AgentEvent>;

async function run(ask: Ask, options: TurnOptions = {}): Promise<Ran> {
  const calls: string[] = [];
  const search = tool({
    name: 'search',
    parameters: z.object({ query: z.string() }),
    execute: ({ query }, { toolCallId }) => {
      calls.push(toolCallId);
      return query.length;
    },
  });
  const turn = ask({ tools: [search], retry: { backoff: constantBackoff(0) }, ...options });
  const events = await lastValueFrom(turn.pipe(toArray()));
  return { events, end: events.at(-1) as TurnCompleteEvent, calls };
}

const starting: Ask = (options) => conversationTurn(client, { model, inputs: 'Hello!' }, options);

async function historyOf(conversationId: string) {
  return (await lastValueFrom(client.call(betaConversationsGetHistoryOperation, { conversationId }))).entries;
}

const conversations = async (): Promise<string[]> => (await lastValueFrom(client.call(betaConversationsListOperation, {}))).map(({ id }) => id);

/** What a view shows last of each step: the text that is there after all restarts. */
async function shownTexts(events: readonly AgentEvent[]): Promise<string[]> {
  const snapshots = await lastValueFrom(from(events).pipe(accumulate(), toArray()));
  return snapshots.filter(({ done }) => done).map((snapshot: ChatSnapshot) => snapshot.text);
}

/** Nothing was asked twice, nothing lost, nothing said twice, no tool run twice. */
async function expectOneTurn({ events, end, calls }: Ran, earlier = 0): Promise<void> {
  const entries = (await historyOf(end.conversationId!)).slice(earlier);
  expect(entries.map(({ type }) => type)).toEqual(['message.input', 'function.call', 'function.call', 'function.result', 'function.result', 'message.output']);
  const called = entries.flatMap((entry) => (entry.type === 'function.call' ? [entry.toolCallId] : []));
  expect(entries.flatMap((entry) => (entry.type === 'function.result' ? [entry.toolCallId] : []))).toEqual(called);
  expect(calls).toEqual(called);
  const last = entries.at(-1) as { readonly content: string };
  expect(end).toMatchObject({ ending: 'answered', steps: 2, message: { content: last.content } });
  expect(await shownTexts(events)).toEqual(['', last.content]);
  expect(events.filter(({ type }) => type === 'tool-result')).toHaveLength(2);
  expect(events.filter(({ type }) => type === 'complete')).toHaveLength(2);
}

/** The inputs of all requests that were sent. */
const sentInputs = (): unknown[] => simulator.requests.filter(({ method }) => method === 'POST').map(({ body }) => (body as { readonly inputs?: unknown }).inputs);

describe('a turn of a conversation', () => {
  it('starts one, and answers its calls', async () => {
    const ran = await run(starting);
    await expectOneTurn(ran);
    const [first, second] = simulator.requests.map(({ body }) => body as Record<string, unknown>);
    expect(first).toMatchObject({ model, inputs: 'Hello!', stream: true, tools: [{ type: 'function', function: { name: 'search' } }] });
    expect(second).not.toHaveProperty('tools');
    expect(second?.['inputs']).toEqual(ran.calls.map((id): unknown => expect.objectContaining({ type: 'function.result', tool_call_id: id })));
    expect(simulator.requests.filter(({ method }) => method === 'POST')).toHaveLength(2);
  });

  it('goes on with one that is there', async () => {
    const first = await run(starting);
    const conversationId = first.end.conversationId!;
    await expectOneTurn(await run((options) => conversationTurn(client, { conversationId, inputs: 'Hello!' }, options)), 6);
  });

  it('begins as another one does, up to an entry', async () => {
    const first = await run(starting);
    const [input] = await historyOf(first.end.conversationId!);
    const again = await run((options) => conversationTurn(client, { conversationId: first.end.conversationId!, fromEntryId: input!.id!, inputs: 'Go on.' }, options));
    expect(again.end.conversationId).not.toBe(first.end.conversationId);
    await expectOneTurn(again, 1);
  });

  it('is told without retries as it is: an error with what had come', async () => {
    simulator.setFaults({ kind: 'truncate', at: { events: 3 }, on: 1 });
    await expect(run(starting, { retry: false })).rejects.toMatchObject({ kind: 'truncated', partial: { content: expect.any(String) as unknown } });
    simulator.setFaults({ kind: 'finish-error' });
    await expect(run(starting, { retry: false })).rejects.toMatchObject({ kind: 'stream', message: 'Internal server error', code: '500' });
  });

  it('is over at its last event, whenever the server closes', async () => {
    simulator.setFaults({ kind: 'late-end' });
    await run(starting, { retry: false });
    simulator.setFaults(undefined);
  });

  it('sends nothing more than it needs to where nothing can be repeated', async () => {
    const { end } = await run(starting, { retry: false });
    await run((options) => conversationTurn(client, { conversationId: end.conversationId!, inputs: 'Hello!' }, options), { retry: false });
    expect(simulator.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'POST']);
    expect((simulator.requests[0]?.body as { readonly metadata?: unknown }).metadata).toBe(undefined);
  });
});

describe.each<NonNullable<ConversationOptions['cutTurn']>>(['whole', 'inputs', 'nothing'])('of a turn that is cut the server keeps: %s', (cutTurn) => {
  const faults: readonly ((events: number) => Fault)[] = [(events) => ({ kind: 'truncate', at: { events } }), (events) => ({ kind: 'reset', at: { events } })];

  it.each([
    ['its start', 'resume', 0],
    ['its start', 'restart', 0],
    ['the answer to its calls', 'resume', 1],
    ['the answer to its calls', 'restart', 1],
  ] as const)('%s is cut at every event, with %s: one turn', async (_name, onDisconnect, request) => {
    const { events } = await run(starting);
    const { eventsWritten } = simulator.requests[request]!;
    expect(events.length).toBeGreaterThan(10);
    simulator.setConversations({ cutTurn });
    for (const fault of faults) {
      for (let at = 0; at < eventsWritten; at += 1) {
        const before = await conversations();
        simulator.setFaults({ ...fault(at), on: request });
        const ran = await run(starting, { onDisconnect });
        simulator.setFaults(undefined);
        expect(ran.events.some(({ type }) => type === 'retry')).toBe(true);
        await expectOneTurn(ran);
        const { length } = (await conversations()).filter((id) => !before.includes(id));
        // Of a turn without its answer a second conversation is begun at its last input; of any other there is one.
        expect(length).toBe(cutTurn === 'inputs' ? 2 : 1);
      }
    }
  }, 600_000);

  it.each(['resume', 'restart'] as const)('a turn that says what was said before is cut at every event, with %s: one turn more', async (onDisconnect) => {
    const whole = await run(starting);
    const { eventsWritten } = simulator.requests[0]!;
    simulator.setConversations({ cutTurn });
    for (let at = 0; at < eventsWritten; at += 1) {
      const { end } = await run(starting);
      const conversationId = end.conversationId!;
      // The first request reads where the turn will stand.
      simulator.setFaults({ kind: 'reset', at: { events: at }, on: 1 });
      const ran = await run((options) => conversationTurn(client, { conversationId, inputs: 'Hello!' }, options), { onDisconnect });
      simulator.setFaults(undefined);
      expect(ran.events.some(({ type }) => type === 'retry')).toBe(true);
      await expectOneTurn(ran, 6);
      expect(ran.calls).not.toEqual(whole.calls);
    }
  }, 600_000);
});

describe('a request of which nobody knows what became', () => {
  it.each<[string, Fault]>([
    ['no answer came', { kind: 'reset', at: 'before-headers' }],
    ['a gateway failed', { kind: 'status', status: 502, body: 'html' }],
    ['nothing came in time', { kind: 'stall', at: 'before-headers' }],
  ])('is looked for before it is sent again: %s', async (_name, fault) => {
    for (const request of [0, 1]) {
      const before = await conversations();
      simulator.setFaults({ ...fault, on: request });
      await expectOneTurn(await run(starting, { timeouts: { firstEvent: 1_000 } }));
      simulator.setFaults(undefined);
      expect((await conversations()).filter((id) => !before.includes(id))).toHaveLength(1);
    }
  });

  it('is looked for behind an error in the stream, whose answer is not kept', async () => {
    for (const request of [0, 1]) {
      simulator.setFaults({ kind: 'finish-error', on: request });
      const ran = await run((options) => conversationTurn(client, { model, inputs: `Hello ${request}!` }, options), { onDisconnect: 'resume' });
      simulator.setFaults(undefined);
      expect(ran.events.some(({ type }) => type === 'retry')).toBe(true);
      await expectOneTurn(ran);
    }
  });

  it('is sent again at once where the server has refused it', async () => {
    simulator.setFaults({ kind: 'status', status: 429, on: 0 });
    await expectOneTurn(await run(starting));
    expect(simulator.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'GET']);
  });

  it('is looked for again where the history cannot be read at first', async () => {
    simulator.setFaults([
      { kind: 'reset', at: { events: 2 }, on: 1 },
      { kind: 'status', status: 503, on: [2, 3] },
    ]);
    const ran = await run(starting, { onDisconnect: 'resume', retry: { maxRetries: 3, backoff: constantBackoff(0) } });
    await expectOneTurn(ran);
    expect(sentInputs().filter((inputs) => inputs === 'Hello!')).toHaveLength(1);
  });
});

describe('calls that the server runs once they are confirmed', () => {
  const connector = { type: 'connector' as const, connectorId: 'mail', toolConfiguration: { requiresConfirmation: ['send_mail'] } };

  async function ask(options: TurnOptions): Promise<TurnCompleteEvent> {
    simulator.setReply((_request, n) => (n === 0 ? { text: '', toolCalls: [{ id: 'serverone', name: 'send_mail', arguments: '{"to":"Ada"}', needsConfirmation: true }] } : { text: 'Sent.' }));
    const turn = conversationTurn(client, { model, inputs: 'Hello!', tools: [connector as never] }, options);
    return (await lastValueFrom(turn.pipe(toArray()))).at(-1) as TurnCompleteEvent;
  }

  it('are asked for, and the decision is sent', async () => {
    const asked: string[] = [];
    const end = await ask({ approve: ({ name }) => (asked.push(name), 'allow') });
    expect(asked).toEqual(['send_mail']);
    expect(end).toMatchObject({ ending: 'answered', message: { content: 'Sent.' } });
    expect(simulator.requests[1]?.body).toMatchObject({ tool_confirmations: [{ tool_call_id: 'serverone', confirmation: 'allow' }] });
    expect((await historyOf(end.conversationId!)).map(({ type }) => type)).toEqual(['message.input', 'function.call', 'tool.execution', 'message.output']);
  });

  it('are put aside where nobody is there, and go on from plain JSON', async () => {
    const { ending, pending } = await ask({});
    expect(ending).toBe('deferred');
    expect(pending).toMatchObject({ kind: 'conversation', waiting: ['serverone'], confirming: ['serverone'] });
    const state = JSON.parse(JSON.stringify(pending)) as NonNullable<typeof pending>;
    const end = (await lastValueFrom(resumeTurn(client, state, { serverone: 'deny' }))) as TurnCompleteEvent;
    expect(end).toMatchObject({ ending: 'answered', steps: 2 });
    expect(simulator.requests[1]?.body).toMatchObject({ tool_confirmations: [{ tool_call_id: 'serverone', confirmation: 'deny' }] });
  });

  it.each(['whole', 'inputs', 'nothing'] as const)('are confirmed once, wherever the answer is cut: the server keeps %s', async (cutTurn) => {
    simulator.setConversations({ cutTurn });
    for (let at = 0; at < 4; at += 1) {
      simulator.setFaults({ kind: 'reset', at: { events: at }, on: 1 });
      const end = await ask({ approve: () => 'allow', onDisconnect: 'resume', retry: { backoff: constantBackoff(0) } });
      simulator.setFaults(undefined);
      expect(end.ending).toBe('answered');
      const calls = (await historyOf(end.conversationId!)).filter(({ type }) => type === 'function.call');
      expect(calls).toMatchObject([{ confirmationStatus: 'allowed' }]);
    }
  });
});

it('an agent has its own tools: none are sent', async () => {
  await lastValueFrom(client.call(betaConversationsStartOperation, { model, inputs: 'Hello!' }));
  await run((options) => conversationTurn(client, { agentId: 'ag_1', inputs: 'Hello!' }, options));
  expect(simulator.requests[1]?.body).not.toHaveProperty('tools');
});
