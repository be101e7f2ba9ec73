import type { Signal } from '@angular/core';
import type { RxMistralError } from '../errors/RxMistralError.js';
import type { ChatSnapshot, SnapshotToolCall } from '../events/ChatSnapshot.js';

/**
 * What a chat is doing:
 *
 * - `idle`: nothing, and the last answer has not failed.
 * - `connecting`: it has asked, and the server has not answered yet.
 * - `streaming`: the connection stands. Until the first piece comes, the model is still reading, or thinking out of sight.
 * - `reconnecting`: the connection was lost, or could not be made, and will be tried again.
 * - `error`: nothing; the last answer has failed.
 */
export type ChatStatus = 'idle' | 'connecting' | 'streaming' | 'reconnecting' | 'error';

/** The tokens of an answer, as `usage` of the SDK tells them. */
export type ChatUsage = NonNullable<ChatSnapshot['usage']>;

/** A tool call in an answer; `arguments` is cut JSON until `complete`. */
export interface ChatToolCall extends SnapshotToolCall {
  /** What the tool gave, or why it failed, as the model was told: where the server runs tools (`agentTurn`) and sends their events. */
  readonly result?: string | undefined;
  /** Set where the tool failed. */
  readonly error?: RxMistralError | undefined;
}

/** A message of a chat. It never changes: one that grows is replaced, by one with the same `id`. Survives JSON. */
export interface ChatMessage {
  /** For `track` in a template. */
  readonly id: string;
  readonly role: 'user' | 'assistant';
  /** All text; where an agent has answered in several steps, with an empty line between them. */
  readonly text: string;
  /** The model's thinking; `''` where there is none. */
  readonly thinking: string;
  readonly toolCalls: readonly ChatToolCall[];
  /** `streaming`: not at its end yet. `stopped`: by `stop()`, by another question, or because what it was in was destroyed. */
  readonly status: 'streaming' | 'done' | 'stopped' | 'failed';
  /** Set at the end, where the server sent it; of several steps, the sum. */
  readonly usage?: ChatUsage | undefined;
  /** Set where it has failed. What had come until then is in `text`. */
  readonly error?: RxMistralError | undefined;
}

/** A chat: its state as signals, and what can be done. The functions may be taken off the object. */
export interface Chat {
  /** All messages, the one that is being answered last. */
  readonly messages: Signal<readonly ChatMessage[]>;
  /** The text of the answer that streams, or of the last one; `''` where there is none. */
  readonly text: Signal<string>;
  /** Its thinking. */
  readonly thinking: Signal<string>;
  /** Its tool calls. */
  readonly toolCalls: Signal<readonly ChatToolCall[]>;
  readonly status: Signal<ChatStatus>;
  /** Why the last answer failed, until there is another. */
  readonly error: Signal<RxMistralError | undefined>;
  /** The usage of the last answer, at its end. */
  readonly usage: Signal<ChatUsage | undefined>;
  /** The usage of all answers together, each counted at its end. */
  readonly totalUsage: Signal<ChatUsage | undefined>;
  /** Asks. An answer that is still coming is stopped first. A text of nothing but white space is not sent. */
  readonly send: (text: string) => void;
  /** Stops the answer that is coming; what has come of it stays. The server is told, so that the call to the model ends at once. */
  readonly stop: () => void;
  /** Asks the last question again. The answer to it, whole, stopped or failed, makes way for the new one. */
  readonly retry: () => void;
  /** Stops, and takes all messages away. */
  readonly clear: () => void;
}
