import type { InputEntries } from '@mistralai/mistralai/models/components/inputentries.js';
import type { MessageInputEntry } from '@mistralai/mistralai/models/components/messageinputentry.js';
import type { MessageOutputEntry } from '@mistralai/mistralai/models/components/messageoutputentry.js';
import type { ConversationEntry, FunctionCall, FunctionResult } from '../../events/ConversationStore.js';
import { estimateTokens } from '../../policies/estimateTokens.js';

/** How much of a conversation's history is sent where the server has to be told it again. */
export interface HistoryBound {
  /**
   * At most so many turns, the latest: an integer of at least 1.
   * @defaultValue all
   */
  readonly turns?: number | undefined;
  /**
   * At most about so many tokens, by an estimate that is rather too high: an integer of at least 1. The last turn is sent
   * whatever it takes.
   * @defaultValue as many as there are
   */
  readonly tokens?: number | undefined;
}

type SentEntry = Exclude<ConversationEntry, { readonly type: 'conversation.bound' | 'turn.done' }>;

/**
 * The history of a conversation as the inputs of a new one: whole turns only, the latest, so that no call is parted from
 * its result. Results stand behind their calls, in the calls' order, in whatever order they came; a call that never got
 * one is left out.
 */
export function historyToSend(entries: readonly ConversationEntry[], bound: HistoryBound = {}): InputEntries[] {
  const { turns = Infinity, tokens = Infinity } = bound;
  const kept: (readonly SentEntry[])[] = [];
  let room = tokens;
  for (const turn of turnsOf(entries).reverse()) {
    room -= turn.reduce((sum, entry) => sum + tokensOf(entry), 0);
    if (kept.length >= turns || (room < 0 && kept.length > 0)) break;
    kept.push(turn);
  }
  return kept.reverse().flat().map(inputOf);
}

// A turn begins with what the user says, which may be several messages.
function turnsOf(entries: readonly ConversationEntry[]): SentEntry[][] {
  const turns: SentEntry[][] = [];
  let last: SentEntry | undefined;
  for (const entry of entries) {
    if (entry.type === 'conversation.bound' || entry.type === 'turn.done') continue;
    if (last === undefined || (entry.type === 'message.input' && last.type !== 'message.input')) turns.push([]);
    turns.at(-1)?.push(entry);
    last = entry;
  }
  return turns.map(paired);
}

function paired(turn: readonly SentEntry[]): SentEntry[] {
  const results = new Map(turn.flatMap((entry) => (entry.type === 'function.result' ? [[entry.toolCallId, entry]] : [])));
  const sorted: SentEntry[] = [];
  let answers: FunctionResult[] = [];
  let last: SentEntry | undefined;
  const addAnswers = (): void => {
    sorted.push(...answers);
    answers = [];
  };
  for (const entry of turn) {
    const before = last;
    last = entry;
    if (entry.type === 'function.result') continue;
    // The calls of one answer stand side by side: behind a result, another answer has called.
    if (entry.type !== 'function.call' || before?.type === 'function.result') addAnswers();
    if (entry.type !== 'function.call') {
      sorted.push(entry);
      continue;
    }
    const answer = results.get(entry.toolCallId);
    if (answer === undefined) continue;
    sorted.push(entry);
    answers.push(answer);
  }
  addAnswers();
  return sorted;
}

function tokensOf(entry: SentEntry): number {
  switch (entry.type) {
    case 'function.call':
      return estimateTokens(entry.name + entry.arguments);
    case 'function.result':
      return estimateTokens(entry.result);
    default:
      return estimateTokens(typeof entry.content === 'string' ? entry.content : JSON.stringify(entry.content ?? ''));
  }
}

function inputOf(entry: SentEntry): InputEntries {
  switch (entry.type) {
    // What came from the SDK, as it came.
    case 'message.input':
      return { ...entry, content: entry.content as MessageInputEntry['content'] };
    case 'message.output':
      return { ...entry, content: entry.content as MessageOutputEntry['content'] };
    case 'function.call':
    case 'function.result':
      return { ...entry };
  }
}

/** What stands behind the last turn that came to its end: the beginning of one that was broken off, or nothing. */
export function openTurn(entries: readonly ConversationEntry[]): readonly ConversationEntry[] {
  const end = entries.findLastIndex(({ type }) => type === 'turn.done');
  return entries.slice(end + 1).filter(({ type }) => type !== 'conversation.bound');
}

/** The calls of a turn that have no result yet. */
export function unansweredCalls(turn: readonly ConversationEntry[]): readonly FunctionCall[] {
  const answered = new Set(turn.flatMap((entry) => (entry.type === 'function.result' ? [entry.toolCallId] : [])));
  return turn.filter((entry) => entry.type === 'function.call').filter(({ toolCallId }) => !answered.has(toolCallId));
}
