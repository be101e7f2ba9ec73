import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import type { RxMistralError } from '../errors/RxMistralError.js';

/** An attempt has begun to answer. Comes once an attempt, at its first event. */
export interface StartEvent {
  readonly type: 'start';
  /** The id of the call, the same over all its attempts. */
  readonly requestId: string;
  /** The server's id of the completion. */
  readonly id: string;
  readonly model: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

/** A piece of the answer's text, never empty. */
export interface TextDeltaEvent {
  readonly type: 'text-delta';
  readonly requestId: string;
  /** Counts the text deltas of an answer from 0; anew after a restart. What came before `continueFrom` counts as one. */
  readonly index: number;
  readonly text: string;
}

/** A piece of the model's thinking, never empty. */
export interface ThinkingDeltaEvent {
  readonly type: 'thinking-delta';
  readonly requestId: string;
  /** Counts the thinking deltas of an answer from 0; anew after a restart. */
  readonly index: number;
  readonly text: string;
}

/** A piece of a tool call's arguments, as it came; empty where only the name has come. */
export interface ToolCallDeltaEvent {
  readonly type: 'tool-call-delta';
  readonly requestId: string;
  readonly toolCallId: string;
  readonly name: string;
  readonly argumentsText: string;
}

/** A tool call, whole: `arguments` is the JSON text, also where the API sent an object. */
export interface CompletedToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** A tool call is complete. Comes after all its deltas, before `complete`. */
export interface ToolCallEvent {
  readonly type: 'tool-call';
  readonly requestId: string;
  readonly toolCall: CompletedToolCall;
}

/** An attempt failed and another will follow. */
export interface RetryEvent {
  readonly type: 'retry';
  readonly requestId: string;
  /** Which attempt failed: 1 for the first, so the same number as the retry's. */
  readonly attempt: number;
  /** How long it will be waited, in milliseconds; at least, with a retry budget that lets its callers wait. */
  readonly delayMs: number;
  /** `restart`: the answer begins anew; `resume`: it goes on where it was cut. */
  readonly strategy: 'restart' | 'resume';
  readonly error: RxMistralError;
}

/** The answer is whole: it came to a finish reason. The last event. */
export interface CompleteEvent {
  readonly type: 'complete';
  readonly requestId: string;
  readonly id: string;
  readonly model: string;
  /** The answer, ready to be sent back as a message; `content` is a string when all of it is text. */
  readonly message: AssistantMessage;
  /** `stop`, `length`, `tool_calls`, `model_length`, or what else the server says. */
  readonly finishReason: string;
  /** The real usage, where the server sent it. */
  readonly usage: UsageInfo | undefined;
}

/** What a chat stream emits. Every event survives `JSON.stringify` and `JSON.parse`. */
export type ChatEvent =
  | StartEvent
  | TextDeltaEvent
  | ThinkingDeltaEvent
  | ToolCallDeltaEvent
  | ToolCallEvent
  | RetryEvent
  | CompleteEvent;

/** A failure as an event: comes from `errorAsEvent()` only. */
export interface ErrorEvent {
  readonly type: 'error';
  readonly requestId: string;
  readonly error: RxMistralError;
}

/** A call has failed, and what follows is the answer of its fallback, from its beginning: comes from `withFallback()` only. */
export interface FallbackEvent {
  readonly type: 'fallback';
  /** That of the events that follow. */
  readonly requestId: string;
  /** Why. */
  readonly error: RxMistralError;
}
