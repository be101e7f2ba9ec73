import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CompleteEvent, ToolCallEvent } from '../../src/events/ChatEvent.js';
import { ConversationAssembler, type ConversationStepEvent } from '../../src/events/ConversationAssembler.js';
import { isRxMistralError, TruncatedStreamError } from '../../src/index.js';
import { conversationEvent as made } from '../../src/testing/index.js';
import { decodeConversationEvent } from '../../src/transport/decodeConversationEvent.js';
import { seed } from '../wire/fixtures/outcomeOf.js';

const requestId = 'request';

/** An event from what the API sends. */
function wire(type: string, fields: object = {}): ConversationEvents {
  return decodeConversationEvent({ type, ...structuredClone(fields) }, type)!;
}

function assemble(...given: readonly ConversationEvents[]): { events: ConversationStepEvent[]; assembler: ConversationAssembler } {
  const events: ConversationStepEvent[] = [];
  const assembler = new ConversationAssembler(requestId, 1, (event) => events.push(event));
  for (const each of given) assembler.push(each);
  return { events, assembler };
}

function complete(...given: readonly ConversationEvents[]): CompleteEvent {
  const { events, assembler } = assemble(...given);
  assembler.end();
  const last = events.at(-1);
  if (last?.type !== 'complete') throw new Error('The last event is not complete');
  return last;
}

/** The whole calls that come of pieces of calls. */
function callsOf(...pieces: readonly ConversationEvents[]): readonly ToolCallEvent['toolCall'][] {
  const { events, assembler } = assemble(made.started(), ...pieces, made.done());
  assembler.end();
  return events.filter((event) => event.type === 'tool-call').map(({ toolCall }) => toolCall);
}

const thrownBy = (run: () => void): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown');
};

describe('ConversationAssembler', () => {
  it('makes events of text', () => {
    const { events, assembler } = assemble(
      made.started('conv_1'),
      made.text('Hel', { model: 'm' }),
      made.thinking('hm'),
      made.text('lo', { model: 'm' }),
      made.done({ promptTokens: 1, completionTokens: 2, connectorTokens: 3 }),
    );
    expect(assembler.isFinished).toBe(true);
    assembler.end();
    expect(events).toEqual([
      { type: 'start', requestId, id: 'conv_1', model: '', attempt: 1 },
      { type: 'text-delta', requestId, index: 0, text: 'Hel' },
      { type: 'thinking-delta', requestId, index: 0, text: 'hm' },
      { type: 'text-delta', requestId, index: 1, text: 'lo' },
      {
        type: 'complete',
        requestId,
        id: 'conv_1',
        model: 'm',
        message: {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Hel' },
            { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
            { type: 'text', text: 'lo' },
          ],
        },
        finishReason: 'stop',
        usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3, connectorTokens: 3 },
      },
    ]);
  });

  it('makes events of calls, each whole at the end', () => {
    const { events, assembler } = assemble(
      made.started('conv_1'),
      made.functionCall({ toolCallId: 'a', name: 'f', arguments: '', outputIndex: 0 }),
      made.functionCall({ toolCallId: 'b', name: 'g', arguments: '{"y":2}', outputIndex: 1 }),
      made.functionCall({ toolCallId: 'a', name: 'f', arguments: '{"x":1}', outputIndex: 0 }),
      made.done(),
    );
    assembler.end();
    expect(events.slice(1)).toMatchObject([
      { type: 'tool-call-delta', requestId, toolCallId: 'a', name: 'f', argumentsText: '' },
      { type: 'tool-call-delta', requestId, toolCallId: 'b', name: 'g', argumentsText: '{"y":2}' },
      { type: 'tool-call-delta', requestId, toolCallId: 'a', name: 'f', argumentsText: '{"x":1}' },
      { type: 'tool-call', requestId, toolCall: { id: 'a', name: 'f', arguments: '{"x":1}' } },
      { type: 'tool-call', requestId, toolCall: { id: 'b', name: 'g', arguments: '{"y":2}' } },
      {
        type: 'complete',
        finishReason: 'tool_calls',
        message: { content: '', toolCalls: [{ id: 'a', function: { arguments: '{"x":1}' }, index: 0 }, { id: 'b', index: 1 }] },
      },
    ]);
  });

  it('makes events of handoffs and of tools of the server, between the texts of one message', () => {
    const { events, assembler } = assemble(
      made.started('conv_1'),
      made.handoffStarted('ag_1', 'Desk', { model: 'm1' }),
      made.handoffDone('ag_2', 'Expert'),
      made.text('Let me see. ', { model: 'm2' }),
      made.toolStarted('web_search', '', { id: 'tool_1' }),
      made.toolDelta('web_search', '{"q":1}', { id: 'tool_1' }),
      made.toolDone('web_search', { results: 3 }, { id: 'tool_1' }),
      made.text('Found.', { model: 'm2' }),
      made.content({ type: 'tool_reference', tool: 'web_search', title: 'Page' }),
      made.done(),
    );
    assembler.end();
    expect(events.slice(1)).toEqual([
      { type: 'handoff', requestId, state: 'started', agentId: 'ag_1', agentName: 'Desk' },
      { type: 'handoff', requestId, state: 'done', agentId: 'ag_2', agentName: 'Expert' },
      { type: 'text-delta', requestId, index: 0, text: 'Let me see. ' },
      { type: 'server-tool', requestId, state: 'started', id: 'tool_1', name: 'web_search', argumentsText: '' },
      { type: 'server-tool', requestId, state: 'delta', id: 'tool_1', name: 'web_search', argumentsText: '{"q":1}' },
      { type: 'server-tool', requestId, state: 'done', id: 'tool_1', name: 'web_search', info: { results: 3 } },
      { type: 'text-delta', requestId, index: 1, text: 'Found.' },
      {
        type: 'complete',
        requestId,
        id: 'conv_1',
        model: 'm2',
        message: { role: 'assistant', content: [{ type: 'text', text: 'Let me see. Found.' }, { type: 'tool_reference', tool: 'web_search', title: 'Page' }] },
        finishReason: 'stop',
        usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0 },
      },
    ]);
    expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  });

  it('names the model that it was given, until another speaks', () => {
    const events: ConversationStepEvent[] = [];
    const assembler = new ConversationAssembler(requestId, 2, (event) => events.push(event), 'asked');
    for (const event of [made.started('conv_1'), made.text('Hi'), made.done()]) assembler.push(event);
    assembler.end();
    expect(events[0]).toEqual({ type: 'start', requestId, id: 'conv_1', model: 'asked', attempt: 2 });
    expect(events.at(-1)).toMatchObject({ model: 'asked' });
  });

  it('knows the conversation, and what is waited for', () => {
    const { assembler } = assemble();
    expect([assembler.conversationId, assembler.hasTokens, assembler.isFinished, assembler.awaitingConfirmation]).toEqual([undefined, false, false, []]);
    assembler.push(made.started('conv_1'));
    expect([assembler.conversationId, assembler.hasTokens]).toEqual(['conv_1', false]);
    assembler.push(made.functionCall({ toolCallId: 'a', name: 'web_search', arguments: '{', confirmationStatus: 'pending' }));
    assembler.push(made.functionCall({ toolCallId: 'a', name: 'web_search', arguments: '}' }));
    assembler.push(made.functionCall({ toolCallId: 'b', name: 'f', outputIndex: 1 }));
    expect([assembler.hasTokens, assembler.awaitingConfirmation]).toEqual([true, ['a']]);
    assembler.push(made.functionCall({ toolCallId: 'a', name: 'web_search', arguments: '', confirmationStatus: 'allowed' }));
    expect(assembler.awaitingConfirmation).toEqual([]);
  });

  it.each([
    ['a handoff', made.handoffStarted('ag_1')],
    ['a tool of the server', made.toolStarted('web_search')],
    ['a text', made.text('a')],
    ['a reference', made.content({ type: 'tool_reference', tool: 'web_search', title: 'Page' })],
    ['a piece of a call', made.functionCall({ toolCallId: 'a', name: 'f', arguments: '' })],
  ])('has begun to answer with %s', (_what, event) => {
    expect(assemble(made.started(), event).assembler.hasTokens).toBe(true);
  });
});

describe('an end', () => {
  it('without conversation.response.done is a truncation, with the message so far', () => {
    const { assembler } = assemble(made.started(), made.text('Hel'), made.functionCall({ toolCallId: 'a', name: 'f', arguments: '{"x' }));
    const error = thrownBy(() => { assembler.end(); });
    expect(error).toBeInstanceOf(TruncatedStreamError);
    expect(error).toMatchObject({ kind: 'truncated', retryable: true, partial: { role: 'assistant', content: 'Hel', toolCalls: [{ id: 'a', function: { name: 'f', arguments: '{"x' } }] } });
  });

  it('of nothing at all is a truncation', () => {
    expect(thrownBy(() => { assemble().assembler.end(); })).toMatchObject({ kind: 'truncated', partial: { content: '' } });
  });

  it('is the end: what comes behind it is no part of the answer', () => {
    expect(complete(made.started(), made.text('a'), made.done(), made.text('b'), made.error()).message).toEqual({ role: 'assistant', content: 'a' });
  });

  it('without usage has none', () => {
    expect(complete(made.started(), wire('conversation.response.done')).usage).toBeUndefined();
    expect(complete(made.started(), wire('conversation.response.done', { usage: 7 })).usage).toBeUndefined();
  });

  it.each([
    [500, true],
    [503, true],
    [429, true],
    [408, true],
    [400, false],
    [422, false],
    ['overloaded', true],
    [null, true],
  ])('with an error of code %j is one, retryable: %j', (code, retryable) => {
    const { assembler } = assemble(made.started(), made.text('Hel'));
    const error = thrownBy(() => { assembler.push(wire('conversation.response.error', { message: 'Broken', code })); });
    expect(isRxMistralError(error)).toBe(true);
    expect(error).toMatchObject({ kind: 'stream', message: 'Broken', retryable, partial: { content: 'Hel' } });
    expect((error as { readonly code?: string }).code).toBe(code === null ? undefined : String(code));
  });

  it('with an error that says nothing says what it was; a long one is cut', () => {
    const saying = (message: unknown): unknown => thrownBy(() => { assemble(wire('conversation.response.error', { message })); });
    expect(saying(null)).toMatchObject({ message: 'The server reported an error in the conversation' });
    expect((saying('x'.repeat(5_000)) as Error).message).toHaveLength(1_000);
    expect('partial' in (saying('Broken') as object)).toBe(false);
  });

  it('comes by a bound, where the answer is endless', () => {
    const { assembler } = assemble(made.started());
    const megabyte = 'x'.repeat(2 ** 20);
    expect(thrownBy(() => { for (;;) assembler.push(made.text(megabyte)); })).toMatchObject({ kind: 'limit' });
    const calling = assemble(made.started()).assembler;
    expect(thrownBy(() => { for (;;) calling.push(made.functionCall({ toolCallId: 'a', name: 'f', arguments: megabyte })); })).toMatchObject({ kind: 'limit' });
  });
});

describe('calls', () => {
  const opening = { id: 'fc_1', output_index: 0, name: 'f', tool_call_id: 'a', arguments: '{"x"' };

  it.each<[string, object]>([
    ['the id', { tool_call_id: 'a', arguments: ':1}' }],
    ['the id, whatever its place', { tool_call_id: 'a', output_index: 7, arguments: ':1}' }],
    ['the place', { output_index: 0, name: '', arguments: ':1}' }],
    ['the place, where the id is null', { output_index: 0, tool_call_id: null, name: '', arguments: ':1}' }],
    ['the place, where the id is the word null', { output_index: 0, tool_call_id: 'null', name: '', arguments: ':1}' }],
    ['nothing: the last one', { arguments: ':1}' }],
  ])('go on by %s', (_what, later) => {
    expect(callsOf(wire('function.call.delta', opening), wire('function.call.delta', later))).toEqual([{ id: 'a', name: 'f', arguments: '{"x":1}' }]);
  });

  it('with another id at the same place are others', () => {
    expect(callsOf(wire('function.call.delta', { ...opening, arguments: '{}' }), wire('function.call.delta', { ...opening, tool_call_id: 'b', arguments: '{}' }))).toMatchObject([{ id: 'a' }, { id: 'b' }]);
  });

  it('take an object as arguments, and none as an empty one', () => {
    expect(callsOf(made.functionCall({ toolCallId: 'a', name: 'f', arguments: { x: 1 } }), wire('function.call.delta', { tool_call_id: 'b', name: 'g' }))).toEqual([
      { id: 'a', name: 'f', arguments: '{"x":1}' },
      { id: 'b', name: 'g', arguments: '{}' },
    ]);
  });

  it('without any id get one, the same each time', () => {
    const calls = (): readonly ToolCallEvent['toolCall'][] => callsOf(wire('function.call.delta', { id: 'fc_abc123', output_index: 0, name: 'f' }), wire('function.call.delta', { output_index: 1, name: 'g' }));
    expect(calls()).toEqual(calls());
    expect(new Set(calls().map(({ id }) => id)).size).toBe(2);
    for (const { id } of calls()) expect(id).toMatch(/^[a-z0-9]{9}$/i);
  });

  it('may be named like a property of every object', () => {
    expect(callsOf(made.functionCall({ toolCallId: '__proto__', name: 'constructor' }), made.functionCall({ toolCallId: 'constructor', name: '__proto__', outputIndex: 1 }))).toEqual([
      { id: '__proto__', name: 'constructor', arguments: '{}' },
      { id: 'constructor', name: '__proto__', arguments: '{}' },
    ]);
  });

  // How the later pieces of a call say which one they are of.
  const laterIds = { repeated: (id: string) => ({ tool_call_id: id }), missing: () => ({}), null: () => ({ tool_call_id: null }), word: () => ({ tool_call_id: 'null' }) };

  it(`are the same however they are cut and mixed (SEED=${seed})`, () => {
    const call = fc.record({ name: fc.string({ minLength: 1 }), value: fc.json(), cuts: fc.array(fc.nat(), { maxLength: 6 }) });
    const style = fc.constantFrom(...(Object.keys(laterIds) as (keyof typeof laterIds)[]));
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 4 }), style, fc.array(fc.nat(), { maxLength: 40 }), (calls, later, order) => {
        const queues = calls.map(({ name, value, cuts }, output_index) => {
          const id = `call${output_index}`;
          const ends = [...cuts.map((cut) => cut % (value.length + 1)), value.length].sort((a, b) => a - b);
          return ends.map((end, i) => {
            const first = i === 0;
            const known = first ? { tool_call_id: id, name } : { name: '', ...laterIds[later](id) };
            return wire('function.call.delta', { output_index, ...known, arguments: value.slice(first ? 0 : ends[i - 1], end) });
          });
        });
        // The first pieces in order, as calls begin; then any queue's next.
        const pieces = queues.map((queue) => queue.shift()!);
        for (const choice of order) pieces.push(...(queues[choice % queues.length]?.splice(0, 1) ?? []));
        pieces.push(...queues.flat());
        expect(callsOf(...pieces)).toEqual(calls.map(({ name, value }, i) => ({ id: `call${i}`, name, arguments: value })));
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe('what is odd takes nothing else with it', () => {
  it.each<[string, ConversationEvents, string]>([
    ['an unknown event', made.unknown({ type: 'conversation.response.paused' }), 'ab'],
    ['an event of the type __proto__', wire('__proto__', { content: 'x' }), 'ab'],
    ['content that is null', wire('message.output.delta', { content: null }), 'ab'],
    ['content that is a number', wire('message.output.delta', { content: 7 }), 'ab'],
    ['no content', wire('message.output.delta'), 'ab'],
    ['content in a list', wire('message.output.delta', { content: [{ type: 'text', text: 'x' }, 'y', null] }), 'axyb'],
    ['a time in words', wire('message.output.delta', { created_at: 'now', content: 'x' }), 'axb'],
    ['indices in words', wire('message.output.delta', { output_index: 'one', content_index: {}, content: 'x' }), 'axb'],
    ['a model that is a number', wire('message.output.delta', { model: 7, content: 'x' }), 'axb'],
    ['a second start', made.started('conv_1'), 'ab'],
    ['a handoff without names', wire('agent.handoff.started'), 'ab'],
    ['a tool without anything', wire('tool.execution.done', { info: 'none', name: 7 }), 'ab'],
  ])('%s', (_what, odd, text) => {
    expect(complete(made.started('conv_1'), made.text('a'), odd, made.text('b'), made.done())).toMatchObject({ id: 'conv_1', message: { content: text } });
  });

  it('a stream without its start', () => {
    const { events, assembler } = assemble(made.text('a'), made.started('conv_1'), made.done());
    assembler.end();
    expect(events.map(({ type }) => type)).toEqual(['start', 'text-delta', 'complete']);
    expect(events.at(-1)).toMatchObject({ id: 'conv_1' });
    expect(assembler.conversationId).toBe('conv_1');
  });
});
