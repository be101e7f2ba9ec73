import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import type { CompletedToolCall } from './ChatEvent.js';
import type { TurnMessage } from './TurnMessage.js';

/** A call of a deferred step that was answered before the turn was put aside. */
export interface AnsweredCall {
  readonly toolCallId: string;
  /** What the model will be told. */
  readonly text: string;
}

interface PendingStep {
  /** Of this form; another version of the library may have another, and refuses this one. */
  readonly version: 1;
  readonly requestId: string;
  /** The steps so far. */
  readonly step: number;
  /** The answer that calls. */
  readonly message: AssistantMessage;
  /** All calls of the step, in the model's order. */
  readonly toolCalls: readonly CompletedToolCall[];
  /** Those that have their answer. */
  readonly answered: readonly AnsweredCall[];
  /** The ids of those that wait for a decision. */
  readonly waiting: readonly string[];
  /** The ids of calls that the server runs itself, once they are allowed. */
  readonly confirming: readonly string[];
  /** The sum so far. */
  readonly usage: UsageInfo | undefined;
  /** What stands before the answer: the history, where it is held here, and what the turn has added. */
  readonly messages: readonly TurnMessage[];
}

/** A turn on completions that waits: the history is in it. */
export interface PendingCompletionTurn extends PendingStep {
  readonly kind: 'completion';
  /** The request without its messages, as it was given. */
  readonly request: Readonly<Record<string, unknown>>;
}

/** A turn on the conversations API that waits: the history is the server's. */
export interface PendingConversationTurn extends PendingStep {
  readonly kind: 'conversation';
  readonly conversationId: string;
  /** The request without its inputs, as it was given. */
  readonly request: Readonly<Record<string, unknown>>;
}

/**
 * A turn that waits for a person's decision. Plain JSON: keep it in a database, and go on with `resumeTurn` in another
 * process, another day. It holds messages and arguments, so keep it as you keep those.
 */
export type PendingTurn = PendingCompletionTurn | PendingConversationTurn;
