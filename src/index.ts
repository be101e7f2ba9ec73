// Sources
export { agentsChunks } from './sources/agentsChunks.js';
export { agentsComplete } from './sources/agentsComplete.js';
export { agentsStream } from './sources/agentsStream.js';
export { chatChunks } from './sources/chatChunks.js';
export { chatComplete } from './sources/chatComplete.js';
export { chatStream } from './sources/chatStream.js';
export { classify } from './sources/classify.js';
export { createAgent } from './sources/createAgent.js';
export { embeddings, type EmbeddingsOptions } from './sources/embeddings.js';
export { fimChunks } from './sources/fimChunks.js';
export { fimComplete } from './sources/fimComplete.js';
export { fimStream } from './sources/fimStream.js';
export { models } from './sources/models.js';
export { moderate } from './sources/moderate.js';
export { moderateChat } from './sources/moderateChat.js';
export { ocr } from './sources/ocr.js';
export { speechStream } from './sources/speechStream.js';
export { transcribe } from './sources/transcribe.js';
export { transcriptionStream } from './sources/transcriptionStream.js';
export type { CallOptions, ChatStreamOptions, RestartOptions, Timeouts } from './sources/CallOptions.js';

// Operators
export { accumulate } from './operators/accumulate.js';
export { errorAsEvent } from './operators/errorAsEvent.js';
export { retryWithBackoff } from './operators/retryWithBackoff.js';
export { text } from './operators/text.js';
export { thinking } from './operators/thinking.js';
export { toolCalls } from './operators/toolCalls.js';

// Control
export { createRetryBudget, type RetryBudget, type RetryBudgetOptions, type RetryBudgetState } from './control/retryBudget.js';
export type { RetryAttempt, RetryConfig } from './control/retryPlan.js';

// Policies
export {
  type Backoff,
  type BackoffContext,
  type BackoffStep,
  constantBackoff,
  exponentialBackoff,
  type ExponentialBackoffOptions,
  type Jitter,
} from './policies/backoff.js';

// Errors
export {
  isRxMistralError,
  RxMistralError,
  type RxMistralErrorInit,
  type RxMistralErrorJson,
  type RxMistralErrorKind,
  type TimeoutName,
  TruncatedStreamError,
} from './errors/RxMistralError.js';
export type { ErrorCause } from './errors/describeCause.js';
export type { PartialMessage } from './errors/PartialMessage.js';

// Events
export type {
  ChatEvent,
  CompletedToolCall,
  CompleteEvent,
  ErrorEvent,
  RetryEvent,
  StartEvent,
  TextDeltaEvent,
  ThinkingDeltaEvent,
  ToolCallDeltaEvent,
  ToolCallEvent,
} from './events/ChatEvent.js';
export type { ChatSnapshot, SnapshotToolCall } from './events/ChatSnapshot.js';

// Transport
export type { MistralClient } from './transport/MistralClient.js';
export type {
  MistralTransport,
  ResponseMeta,
  SdkFunction,
  StreamOperation,
  TransportOptions,
  UnaryOperation,
} from './transport/MistralTransport.js';
export { sdkTransport } from './transport/sdkTransport.js';
