import { lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type AgentEvent, agentTurn, type Decisions, type PendingTurn, resumeTurn, type Tool, tool, type TurnOptions } from '../../src/index.js';
import { chunk, fakeMistral, usage } from '../../src/testing/index.js';
import { story } from './agents/turnLabels.js';

const question = { role: 'user' as const, content: 'Refund both.' };
const request = { model: 'mistral-small-latest', messages: [question], temperature: 0.5 };
const used = usage({ promptTokens: 10, completionTokens: 5 });
const twoCalls = of(
  chunk.toolCall({ id: '1', name: 'refund', arguments: '{"order":1}' }),
  chunk.toolCall({ id: '2', name: 'look' }),
  chunk.toolCall({ id: '3', name: 'refund', arguments: '{"order":3}' }),
  chunk.finish('tool_calls', used),
);
const done = of(chunk.text('done'), chunk.finish('stop', used));

function tools(ran: unknown[]): TurnOptions {
  const all: readonly Tool[] = [
    tool({ name: 'refund', parameters: { type: 'object' }, needsApproval: true, execute: ({ order }, { toolCallId }) => { ran.push(toolCallId); return `refunded ${String(order)}`; } }),
    tool({ name: 'look', parameters: { type: 'object' }, execute: (_args, { toolCallId }) => { ran.push(toolCallId); return 'looked'; } }),
  ];
  return { tools: all };
}

async function put(ran: unknown[]): Promise<PendingTurn> {
  const events = await lastValueFrom(agentTurn(fakeMistral({ 'chat.stream': [twoCalls] }), request, tools(ran)).pipe(toArray()));
  return pendingOf(events);
}

function pendingOf(events: readonly AgentEvent[]): PendingTurn {
  const end = events.at(-1);
  if (end?.type !== 'turn-complete' || end.pending === undefined) throw new Error('nothing is pending');
  // Another process, another day.
  return JSON.parse(JSON.stringify(end.pending)) as PendingTurn;
}

describe('resumeTurn', () => {
  it('runs what was allowed, tells what was not, and goes on; what had run is not run again', async () => {
    const ran: unknown[] = [];
    const pending = await put(ran);
    expect(ran).toEqual(['2']);
    const mistral = fakeMistral({ 'chat.stream': [done] });
    const decisions: Decisions = { 1: 'allow', 3: { decision: 'deny', reason: 'twice' } };
    const events = await lastValueFrom(resumeTurn(mistral, pending, decisions, tools(ran)).pipe(toArray()));
    expect(ran).toEqual(['2', '1']);
    expect(await lastValueFrom(of(...events).pipe(story(), toArray()))).toEqual([
      'runs refund', 'refund: refunded 1', 'refund! The user did not allow this call: twice', 'step 1 done', 'step 2', 'done', 'step 2 done', 'answered',
    ]);
    expect(events.at(-1)).toMatchObject({ steps: 2, usage: { totalTokens: 30 }, requestId: pending.requestId });
    expect(mistral.calls[0]?.request).toMatchObject({
      model: 'mistral-small-latest',
      temperature: 0.5,
      messages: [
        question,
        { role: 'assistant', toolCalls: [{ id: '1' }, { id: '2' }, { id: '3' }] },
        { role: 'tool', toolCallId: '1', content: 'refunded 1' },
        { role: 'tool', toolCallId: '2', content: 'looked' },
        { role: 'tool', toolCallId: '3', content: 'The user did not allow this call: twice' },
      ],
    });
  });

  it('waits on for what is not decided, with the rest done', async () => {
    const ran: unknown[] = [];
    const pending = await put(ran);
    const mistral = fakeMistral({ 'chat.stream': [] });
    const again = pendingOf(await lastValueFrom(resumeTurn(mistral, pending, { 3: 'allow', 1: 'defer' }, tools(ran)).pipe(toArray())));
    expect([again.waiting, again.answered.map(({ toolCallId }) => toolCallId), again.step]).toEqual([['1'], ['2', '3'], 1]);
    const last = await lastValueFrom(resumeTurn(fakeMistral({ 'chat.stream': [done] }), again, { 1: 'allow' }, tools(ran)));
    expect(last).toMatchObject({ type: 'turn-complete', ending: 'answered', messages: { length: 6 } });
    expect(ran).toEqual(['2', '3', '1']);
  });

  it('holds to what was decided, and to what was not, whatever the tools have become', async () => {
    const ran: unknown[] = [];
    const pending = await put([]);
    const free = tool({ name: 'refund', parameters: { type: 'object' }, execute: (_args, { toolCallId }) => ran.push(toolCallId) });
    for (const now of [[free], []]) {
      const again = pendingOf(await lastValueFrom(resumeTurn(fakeMistral({}), pending, { 1: 'deny' }, { tools: now }).pipe(toArray())));
      expect([again.waiting, again.answered.map(({ toolCallId }) => toolCallId)]).toEqual([['3'], ['2', '1']]);
    }
    expect(ran).toEqual([]);
  });

  it('is begun anew by each subscriber', async () => {
    const ran: unknown[] = [];
    const pending = await put([]);
    const turn = resumeTurn(fakeMistral({ 'chat.stream': () => done }), pending, { 1: 'allow', 3: 'allow' }, tools(ran)).pipe(story(), toArray());
    expect(await lastValueFrom(turn)).toEqual(await lastValueFrom(turn));
    expect(ran).toEqual(['1', '3', '1', '3']);
  });

  it.each<[string, (pending: PendingTurn) => unknown, unknown]>([
    ['state', () => undefined, {}],
    ['state.version', (pending) => ({ ...pending, version: 2 }), {}],
    ['state.kind', (pending) => ({ ...pending, kind: 'other' }), {}],
    ['state.messages', (pending) => ({ ...pending, messages: undefined }), {}],
    ['state.waiting', (pending) => ({ ...pending, waiting: 'x' }), {}],
    ['state.step', (pending) => ({ ...pending, step: 'x' }), {}],
    ['decisions', (pending) => pending, undefined],
    ['decisions', (pending) => pending, { 2: 'allow' }],
    ['decisions.1', (pending) => pending, { 1: 'yes' }],
    ['decisions.1', (pending) => pending, { 1: { decision: null } }],
  ])('names `%s` where it is malformed', async (name, change, decisions) => {
    const pending = await put([]);
    const act = () => resumeTurn(fakeMistral({}), change(pending) as PendingTurn, decisions as Decisions, tools([]));
    expect(act).toThrow(TypeError);
    expect(act).toThrow(`Expected \`${name}\``);
  });
});
