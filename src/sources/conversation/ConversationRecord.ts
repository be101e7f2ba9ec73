import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { ConversationInputs } from '@mistralai/mistralai/models/components/conversationinputs.js';
import type { InputEntries } from '@mistralai/mistralai/models/components/inputentries.js';
import { defer, ignoreElements, map, type Observable, tap } from 'rxjs';
import type { CompletedToolCall } from '../../events/ChatEvent.js';
import type { ConversationEntry, FunctionCall } from '../../events/ConversationStore.js';
import type { ConversationMemory } from '../agents/ConversationBackend.js';
import type { TurnCheckpoints } from '../agents/Turn.js';
import { eventually } from '../eventually.js';
import { type HistoryBound, historyToSend, openTurn } from './historyToSend.js';
import type { ConversationKeeper } from './storeInOrder.js';
import { TurnQueue } from './TurnQueue.js';

/** A stored conversation as one turn reads it and writes on: each entry stands in the store before the turn goes on. */
export class ConversationRecord implements ConversationMemory, TurnCheckpoints {
  readonly #store: ConversationKeeper;
  readonly #id: string;
  readonly #bound: HistoryBound;
  // Tools end side by side; a store takes one addition at a time.
  readonly #writes = new TurnQueue(Infinity);
  #entries: readonly ConversationEntry[] = [];
  #version = 0;

  constructor(store: ConversationKeeper, id: string, bound: HistoryBound) {
    this.#store = store;
    this.#id = id;
    this.#bound = bound;
  }

  /** Reads what is there. */
  load(): Observable<this> {
    return defer(() => eventually(this.#store.load(this.#id))).pipe(
      map((stored) => {
        this.#entries = stored?.entries ?? [];
        this.#version = stored?.version ?? 0;
        return this;
      }),
    );
  }

  get entries(): readonly ConversationEntry[] {
    return this.#entries;
  }

  /** The entries of a turn that was broken off. */
  get openTurn(): readonly ConversationEntry[] {
    return openTurn(this.#entries);
  }

  /** The server's id, the latest. */
  get conversationId(): string | undefined {
    return this.#entries.findLast((entry) => entry.type === 'conversation.bound')?.conversationId;
  }

  /** Whether the server has the same as the store: the last that was said is the model's answer. */
  get isInStep(): boolean {
    const last = this.#entries.findLast(({ type }) => type !== 'conversation.bound' && type !== 'turn.done');
    return last === undefined || (last.type === 'message.output' && this.conversationId !== undefined);
  }

  inputs(): InputEntries[] {
    return historyToSend(this.#entries, this.#bound);
  }

  /** Adds entries; completes when they are there. */
  write(entries: readonly ConversationEntry[]): Observable<never> {
    const append = defer(() => eventually(this.#store.append(this.#id, entries, this.#version))).pipe(
      tap((version) => {
        this.#version = version;
        this.#entries = [...this.#entries, ...entries];
      }),
      ignoreElements(),
    );
    return this.#writes.add(append);
  }

  readonly onConversationId = (conversationId: string): Observable<never> => this.write([{ type: 'conversation.bound', conversationId }]);

  readonly onAnswer = ({ content }: AssistantMessage, calls: readonly CompletedToolCall[]): Observable<never> => {
    const made = calls.map(({ id, name, arguments: text }): FunctionCall => ({ type: 'function.call', toolCallId: id, name, arguments: text }));
    // What is said beside a call is kept; an answer is one also where it is empty.
    const isSaid = calls.length === 0 || (content !== undefined && content !== null && content.length > 0);
    return this.write(isSaid ? [{ type: 'message.output', content: content ?? '' }, ...made] : made);
  };

  readonly onResult = (toolCallId: string, text: string): Observable<never> => this.write([{ type: 'function.result', toolCallId, result: text }]);

  readonly onEnd = (): Observable<never> => this.write([{ type: 'turn.done' }]);
}

/** What a user says, as the store keeps it. Results that are sent by hand are kept as such. */
export function entriesOfInputs(inputs: ConversationInputs): ConversationEntry[] {
  if (typeof inputs === 'string') return [{ type: 'message.input', role: 'user', content: inputs }];
  return inputs.map((input): ConversationEntry => {
    if ('role' in input && input.type !== 'message.output') {
      return { type: 'message.input', role: input.role === 'assistant' ? 'assistant' : 'user', content: input.content };
    }
    if ('result' in input) return { type: 'function.result', toolCallId: input.toolCallId, result: input.result };
    if ('toolCallId' in input) {
      const { toolCallId, name, arguments: given } = input;
      return { type: 'function.call', toolCallId, name, arguments: typeof given === 'string' ? given : JSON.stringify(given) };
    }
    return { type: 'message.output', content: 'content' in input ? input.content : '' };
  });
}
