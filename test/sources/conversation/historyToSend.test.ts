import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConversationEntry } from '../../../src/events/ConversationStore.js';
import { historyToSend, openTurn, unansweredCalls } from '../../../src/sources/conversation/historyToSend.js';

const asks = (content: string): ConversationEntry => ({ type: 'message.input', role: 'user', content });
const says = (content: string): ConversationEntry => ({ type: 'message.output', content });
const calls = (toolCallId: string): ConversationEntry => ({ type: 'function.call', toolCallId, name: 'search', arguments: '{}' });
const answers = (toolCallId: string, result = 'found'): ConversationEntry => ({ type: 'function.result', toolCallId, result });
const bound: ConversationEntry = { type: 'conversation.bound', conversationId: 'conv-1' };
const done: ConversationEntry = { type: 'turn.done' };

const three = [asks('a'), bound, says('A'), done, asks('b'), calls('1'), answers('1'), says('B'), done, asks('c'), says('C'), done];

describe('historyToSend', () => {
  it.each<[string, readonly ConversationEntry[], readonly ConversationEntry[]]>([
    ['of nothing is nothing', [], []],
    ['leaves out what only the store knows', three.slice(0, 4), [asks('a'), says('A')]],
    ['puts results behind their calls, in the calls’ order', [asks('a'), calls('1'), calls('2'), answers('2'), answers('1'), says('A')], [asks('a'), calls('1'), calls('2'), answers('1'), answers('2'), says('A')]],
    ['keeps the rounds of a turn apart', [asks('a'), calls('1'), answers('1'), says('A'), calls('2'), answers('2')], [asks('a'), calls('1'), answers('1'), says('A'), calls('2'), answers('2')]],
    ['keeps rounds apart between which nothing is said', [asks('a'), calls('1'), answers('1'), calls('2'), calls('3'), answers('3'), answers('2')], [asks('a'), calls('1'), answers('1'), calls('2'), calls('3'), answers('2'), answers('3')]],
    ['leaves out a call without a result', [asks('a'), calls('1'), calls('2'), answers('2')], [asks('a'), calls('2'), answers('2')]],
    ['leaves out a result without a call', [asks('a'), answers('1'), says('A')], [asks('a'), says('A')]],
    ['keeps turns apart whose calls have the same id', [asks('a'), calls('1'), answers('1', 'x'), says('A'), asks('b'), calls('1'), answers('1', 'y')], [asks('a'), calls('1'), answers('1', 'x'), says('A'), asks('b'), calls('1'), answers('1', 'y')]],
  ])('%s', (_what, entries, expected) => {
    expect(historyToSend(entries)).toEqual(expected);
  });

  it.each([
    [1, ['c', 'C']],
    [2, ['b', '1', '1', 'B', 'c', 'C']],
    [3, ['a', 'A', 'b', '1', '1', 'B', 'c', 'C']],
    [4, ['a', 'A', 'b', '1', '1', 'B', 'c', 'C']],
  ])('sends the latest %i turns', (turns, expected) => {
    expect(historyToSend(three, { turns }).map((entry) => ('toolCallId' in entry ? entry.toolCallId : 'content' in entry && entry.content))).toEqual(expected);
  });

  it('sends the whole turns that fit, and the last in any case', () => {
    const long = 'word '.repeat(30);
    const entries = [asks(long), says('A'), asks(long), says('B'), asks('c'), says('C')];
    expect(historyToSend(entries, { tokens: 1 })).toEqual([asks('c'), says('C')]);
    expect(historyToSend(entries, { tokens: 60 })).toEqual([asks(long), says('B'), asks('c'), says('C')]);
    expect(historyToSend(entries, { tokens: 1_000 })).toEqual(entries);
  });

  it('never parts a call from its result, whatever the bound', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const entry = fc.oneof(
      fc.constantFrom(asks('a'), says('A'), done, bound),
      fc.constantFrom('1', '2', '3').map(calls),
      fc.constantFrom('1', '2', '3').map((id) => answers(id)),
    );
    fc.assert(
      fc.property(fc.array(entry), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 }), (entries, turns, tokens) => {
        const sent = historyToSend(entries, { turns, tokens });
        const open: string[] = [];
        for (const one of sent) {
          if (one.type === 'function.call') open.push(one.toolCallId);
          else if (one.type === 'function.result') expect(open.shift()).toBe(one.toolCallId);
          else expect(open).toEqual([]);
        }
        expect(open).toEqual([]);
      }),
      { seed },
    );
  });
});

describe('a turn that was broken off', () => {
  it.each<[string, readonly ConversationEntry[], readonly ConversationEntry[], readonly ConversationEntry[]]>([
    ['is not there', three, [], []],
    ['has its question', [...three, asks('d')], [asks('d')], []],
    ['has calls to answer', [...three, asks('d'), bound, calls('1'), calls('2'), answers('2')], [asks('d'), calls('1'), calls('2'), answers('2')], [calls('1')]],
    ['has all its answers', [asks('d'), calls('1'), answers('1')], [asks('d'), calls('1'), answers('1')], []],
  ])('%s', (_what, entries, turn, unanswered) => {
    expect(openTurn(entries)).toEqual(turn);
    expect(unansweredCalls(openTurn(entries))).toEqual(unanswered);
  });
});
