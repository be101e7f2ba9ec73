import type { AgentEvent } from '../events/AgentEvent.js';
import { addUsage } from '../events/addUsage.js';
import type { ChatEvent } from '../events/ChatEvent.js';
import type { ChatSnapshot } from '../events/ChatSnapshot.js';
import { SnapshotBuilder } from '../events/SnapshotBuilder.js';
import type { ChatMessage, ChatToolCall } from './Chat.js';

/** What a message shows of an answer. */
export type AnswerContent = Pick<ChatMessage, 'text' | 'thinking' | 'toolCalls' | 'usage'>;

/** The content of an answer that has not begun. */
export const emptyAnswer: AnswerContent = { text: '', thinking: '', toolCalls: [], usage: undefined };

/**
 * The content of an answer as it grows: of a chat stream, or of an agent's turn, whose steps follow one another in one message.
 * A piece costs the same however long the answer is: text is appended, and what did not change is not copied.
 */
export class AnswerBuilder {
  readonly #step = new SnapshotBuilder();
  // The steps that have come to their end.
  #before = emptyAnswer;

  /** The content that the event leads to; `undefined` where nothing changes. */
  take(event: AgentEvent): AnswerContent | undefined {
    if (event.type === 'tool-result') return this.#answerCall(event.toolCallId, { result: event.text });
    if (event.type === 'tool-error') return this.#answerCall(event.toolCallId, { result: event.text, error: event.error });
    const snapshot = this.#step.take(event as ChatEvent);
    if (snapshot === undefined) return undefined;
    const content = this.#with(snapshot);
    if (snapshot.done) this.#before = content;
    return content;
  }

  #with({ text, thinking, toolCalls, usage }: ChatSnapshot): AnswerContent {
    const before = this.#before;
    return {
      text: join(before.text, text),
      thinking: join(before.thinking, thinking),
      toolCalls: before.toolCalls.length === 0 ? toolCalls : [...before.toolCalls, ...toolCalls],
      usage: addUsage(before.usage, usage),
    };
  }

  // Tools run behind the answer that calls them.
  #answerCall(id: string, outcome: Partial<ChatToolCall>): AnswerContent {
    const toolCalls = this.#before.toolCalls.map((call) => (call.id === id ? { ...call, ...outcome } : call));
    this.#before = { ...this.#before, toolCalls };
    return this.#before;
  }
}

function join(before: string, text: string): string {
  return before === '' || text === '' ? before + text : `${before}\n\n${text}`;
}
