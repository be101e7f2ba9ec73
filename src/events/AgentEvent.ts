import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import type { RxMistralError } from '../errors/RxMistralError.js';
import type { ChatEvent, CompletedToolCall } from './ChatEvent.js';
import type { PendingTurn } from './PendingTurn.js';
import type { Tool } from './Tool.js';
import type { TurnMessage } from './TurnMessage.js';

/** The model is about to be asked. Comes before the step's chat events. */
export interface StepStartEvent {
  readonly type: 'step-start';
  /** The id of the turn, the same over all its steps. */
  readonly requestId: string;
  /** Counts the steps of a turn from 1. */
  readonly step: number;
}

/** A tool is about to run: it was found, its arguments fit, and it was allowed. */
export interface ToolStartEvent {
  readonly type: 'tool-start';
  readonly requestId: string;
  readonly step: number;
  readonly toolCall: CompletedToolCall;
}

interface ToolProgress<Name, Value> {
  readonly type: 'tool-progress';
  readonly requestId: string;
  readonly step: number;
  readonly toolCallId: string;
  readonly name: Name;
  readonly value: Value;
}

/** A value of a tool that streams: it tells how far it has come, and the last one is the result too. */
export type ToolProgressEvent<AnyTool extends Tool = Tool> =
  AnyTool extends Tool<infer Name, infer _Args, infer Result> ? ToolProgress<Name, Result> : never;

interface ToolOutcome<Name, Result> {
  readonly type: 'tool-result';
  readonly requestId: string;
  readonly step: number;
  readonly toolCallId: string;
  readonly name: Name;
  /** As the tool gave it. */
  readonly result: Result;
  /** What the model is told: the result as text or JSON, bounded. */
  readonly text: string;
}

/** A tool has its result, and the model will be told. `name` tells which tool's result it is. */
export type ToolResultEvent<AnyTool extends Tool = Tool> =
  AnyTool extends Tool<infer Name, infer _Args, infer Result> ? ToolOutcome<Name, Result> : never;

/** A tool has no result: unknown, refused, out of time, bad arguments, or it threw. */
export interface ToolErrorEvent {
  readonly type: 'tool-error';
  readonly requestId: string;
  readonly step: number;
  readonly toolCallId: string;
  readonly name: string;
  readonly error: RxMistralError;
  /** What the model is told. */
  readonly text: string;
}

/** A person has to decide whether a tool may run. */
export interface ApprovalRequiredEvent {
  readonly type: 'approval-required';
  readonly requestId: string;
  readonly step: number;
  readonly toolCall: CompletedToolCall;
}

/** One agent gave the conversation to another, on the server. */
export interface HandoffEvent {
  readonly type: 'handoff';
  readonly requestId: string;
  /** `started` by the agent that gives, `done` when the other has taken over. */
  readonly state: 'started' | 'done';
  readonly agentId: string;
  readonly agentName: string;
}

/** A tool that runs on the server (web search, code interpreter, …). */
export interface ServerToolEvent {
  readonly type: 'server-tool';
  readonly requestId: string;
  readonly state: 'started' | 'delta' | 'done';
  /** The server's id of the run, the same in all its events. */
  readonly id: string;
  readonly name: string;
  /** The arguments: whole in `started`, a piece in `delta`. */
  readonly argumentsText?: string | undefined;
  /** What the server says of it when it is done. */
  readonly info?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The conversation was begun anew from the store: the server did not know it any more, or a turn was broken off, so that nobody knows what
 * the server has of it.
 */
export interface ConversationRebuiltEvent {
  readonly type: 'conversation-rebuilt';
  readonly requestId: string;
  /** The server's id that is left behind, where there was one. The new one is in the turn's end. */
  readonly previousConversationId: string | undefined;
  /** How many entries were sent again. */
  readonly entries: number;
}

/** The model has answered and its calls are done. Comes after the step's `complete` and its tools. */
export interface StepCompleteEvent {
  readonly type: 'step-complete';
  readonly requestId: string;
  readonly step: number;
  /** The model's answer. */
  readonly message: AssistantMessage;
  /** What the step added: the answer, and the results of its calls in the calls' order. */
  readonly messages: readonly TurnMessage[];
  readonly finishReason: string;
  readonly usage: UsageInfo | undefined;
}

/** Why a turn is over. */
export type TurnEnding =
  /** The model has answered without a call. */
  | 'answered'
  /** After `maxSteps` it was still calling. */
  | 'max-steps'
  /** `stopWhen` said so. */
  | 'stopped'
  /** Calls wait for a decision: `pending` goes on with them, in any process. */
  | 'deferred';

/** The turn is over. The last event. */
export interface TurnCompleteEvent {
  readonly type: 'turn-complete';
  readonly requestId: string;
  readonly ending: TurnEnding;
  /** The number of steps. */
  readonly steps: number;
  /** The last answer. */
  readonly message: AssistantMessage;
  /**
   * All messages: those of the request, then what the turn added. Where the model has answered, they are ready to be sent with the
   * next question; where the turn was ended before, the last ones are results, behind which Mistral wants the model's words first. Of a
   * conversation, whose history is the server's, what the turn added.
   */
  readonly messages: readonly TurnMessage[];
  readonly finishReason: string;
  /** The sum over all steps. */
  readonly usage: UsageInfo | undefined;
  /** Where the server holds the history. */
  readonly conversationId?: string | undefined;
  /** Where the ending is `deferred`. */
  readonly pending?: PendingTurn | undefined;
}

/**
 * What a turn of an agent emits: the chat events of each step, and what happens between and behind them. With the tools'
 * type, results have theirs.
 */
export type AgentEvent<AnyTool extends Tool = Tool> =
  | ChatEvent
  | StepStartEvent
  | ToolStartEvent
  | ToolProgressEvent<AnyTool>
  | ToolResultEvent<AnyTool>
  | ToolErrorEvent
  | ApprovalRequiredEvent
  | HandoffEvent
  | ServerToolEvent
  | ConversationRebuiltEvent
  | StepCompleteEvent
  | TurnCompleteEvent;
