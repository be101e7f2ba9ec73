// Sources
export { agentsChunks } from './sources/agentsChunks.js';
export { agentsComplete } from './sources/agentsComplete.js';
export { agentsStream } from './sources/agentsStream.js';
export { agentTurn } from './sources/agentTurn.js';
export type { AgentTurnRequest } from './sources/agents/CompletionBackend.js';
export type { Decisions } from './sources/agents/decisions.js';
export { functionTools } from './sources/agents/functionTools.js';
export { type JsonSchema, tool, type ToolArguments, type ToolDefinition } from './sources/agents/tool.js';
export type { Decision, TurnOptions } from './sources/agents/TurnOptions.js';
export { type BatchBody, batchResults, type BatchResultsOptions } from './sources/batchResults.js';
export { chatChunks } from './sources/chatChunks.js';
export { chatComplete } from './sources/chatComplete.js';
export { chatStream } from './sources/chatStream.js';
export { classify } from './sources/classify.js';
export {
  type BatchCompletionsOptions,
  completeMany,
  type CompleteManyOptions,
  type CompletionsOptions,
  type LiveCompletionsOptions,
} from './sources/completeMany.js';
export {
  type Conversation,
  conversation,
  type ConversationConfig,
  type ConversationState,
} from './sources/conversation.js';
export type { HistoryBound } from './sources/conversation/historyToSend.js';
export {
  type ContinueConversationRequest,
  conversationTurn,
  type ConversationTurnRequest,
  type StartConversationRequest,
} from './sources/conversationTurn.js';
export { createAgent } from './sources/createAgent.js';
export { deleteAgent } from './sources/deleteAgent.js';
export { embeddings, type EmbeddingsOptions } from './sources/embeddings.js';
export { type AgentDefinition, ensureAgent } from './sources/ensureAgent.js';
export { fimChunks } from './sources/fimChunks.js';
export { fimComplete } from './sources/fimComplete.js';
export { fimStream } from './sources/fimStream.js';
export { getAgent } from './sources/getAgent.js';
export { listAgents, type ListAgentsRequest } from './sources/listAgents.js';
export { models } from './sources/models.js';
export { moderate } from './sources/moderate.js';
export { moderateChat } from './sources/moderateChat.js';
export { ocr } from './sources/ocr.js';
export { pullMap, type PullMapOptions } from './sources/pullMap.js';
export type { Pullable } from './sources/PulledSource.js';
export { resumeTurn } from './sources/resumeTurn.js';
export { type BatchOptions, type ResubmitOptions, runBatch } from './sources/runBatch.js';
export { speechStream } from './sources/speechStream.js';
export { transcribe } from './sources/transcribe.js';
export { transcriptionStream } from './sources/transcriptionStream.js';
export { updateAgent } from './sources/updateAgent.js';
export { watchBatch, type WatchBatchOptions } from './sources/watchBatch.js';
export type { CallOptions, ChatStreamOptions, RestartOptions, Timeouts } from './sources/CallOptions.js';

// Operators
export { accumulate } from './operators/accumulate.js';
export { errorAsEvent } from './operators/errorAsEvent.js';
export { mapSettled, type MapSettledOptions } from './operators/mapSettled.js';
export { type Pace, rateLimit, type RateLimitOptions } from './operators/rateLimit.js';
export { partialJson, type PartialJsonOptions, type PartialToolCallOptions } from './operators/partialJson.js';
export { retryWithBackoff } from './operators/retryWithBackoff.js';
export { smooth, type SmoothOptions } from './operators/smooth.js';
export { text } from './operators/text.js';
export { thinking } from './operators/thinking.js';
export { toolCalls } from './operators/toolCalls.js';
export { type FallbackOf, withFallback, type WithFallbackOptions } from './operators/withFallback.js';
export { withLimiter, type WithLimiterOptions } from './operators/withLimiter.js';
export { type SpanTracer, traced, type TracedOptions } from './operators/traced.js';
export { trackUsage, type TrackUsageOptions } from './operators/trackUsage.js';

// Control
export { type CircuitBreaker, type CircuitBreakerOptions, type CircuitBreakerState, type CircuitPass, createCircuitBreaker } from './control/circuitBreaker.js';
export { memoryConversationStore, type MemoryConversationStoreOptions } from './control/memoryConversationStore.js';
export { createRateLimiter, type RateLimiterOptions } from './control/createRateLimiter.js';
export type { Allowance, Permit, PermitRequest, RateLimiter, RateLimiterState } from './control/RateLimiter.js';
export { createRetryBudget, type RetryBudget, type RetryBudgetOptions, type RetryBudgetState } from './control/retryBudget.js';
export type { RetryAttempt, RetryConfig } from './control/retryPlan.js';
export type { SpanAttributes, TracedSpan } from './control/SpanRecorder.js';
export { createUsageMeter, type UsageMeter, type UsageMeterOptions } from './control/usageMeter.js';
export type { EstimatedTokenUsage, ModelUsage, TokenUsage, UsageState, UsageTotals } from './control/UsageState.js';

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
export type { ModelPrice } from './policies/modelPrice.js';
export { parseRetryAfter } from './policies/retryAfter.js';

// Errors
export { BatchJobError } from './errors/BatchJobError.js';
export { ConversationConflictError } from './errors/ConversationConflictError.js';
export type { FailedBatchJob } from './errors/FailedBatchJob.js';
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
  AgentEvent,
  ApprovalRequiredEvent,
  ConversationRebuiltEvent,
  HandoffEvent,
  ServerToolEvent,
  StepCompleteEvent,
  StepStartEvent,
  ToolErrorEvent,
  ToolProgressEvent,
  ToolResultEvent,
  ToolStartEvent,
  TurnCompleteEvent,
  TurnEnding,
} from './events/AgentEvent.js';
export type {
  AnsweredCall,
  PendingCompletionTurn,
  PendingConversationTurn,
  PendingTurn,
} from './events/PendingTurn.js';
export type { Tool, ToolContext, ToolResultOf } from './events/Tool.js';
export type { TurnMessage } from './events/TurnMessage.js';
export type {
  ConversationBound,
  ConversationEntry,
  ConversationStore,
  ConversationSummary,
  FunctionCall,
  FunctionResult,
  ListConversationsOptions,
  MessageInput,
  MessageOutput,
  StoredConversation,
  SynchronousConversationStore,
  TurnDone,
} from './events/ConversationStore.js';
export type {
  BatchBodies,
  BatchClassifications,
  BatchCompletion,
  BatchEmbeddings,
  BatchEndpoint,
  BatchModerations,
  BatchOcr,
  BatchTranscription,
  BatchUsage,
} from './events/BatchBodies.js';
export type {
  BatchCompleteEvent,
  BatchEvent,
  BatchRequest,
  BatchResult,
  BatchResultEvent,
  FilePreparedEvent,
  FileUploadedEvent,
  FulfilledBatchResult,
  JobCreatedEvent,
  JobProgressEvent,
  JobStuckEvent,
  MissingBatchResult,
  RejectedBatchResult,
  ResubmittedEvent,
} from './events/BatchEvent.js';
export type { BatchJournal, JournalRecord } from './events/BatchJournal.js';
export type { BatchSpool, SpoolFile } from './events/BatchSpool.js';
export type { BatchProgress } from './events/BatchProgress.js';
export type {
  ChatEvent,
  CompletedToolCall,
  CompleteEvent,
  ErrorEvent,
  FallbackEvent,
  RetryEvent,
  StartEvent,
  TextDeltaEvent,
  ThinkingDeltaEvent,
  ToolCallDeltaEvent,
  ToolCallEvent,
} from './events/ChatEvent.js';
export type { ChatSnapshot, SnapshotToolCall } from './events/ChatSnapshot.js';
export { LineSplitter } from './events/LineSplitter.js';
export type { SegmentUnit } from './events/TextSegmenter.js';
export type { Settled } from './events/Settled.js';
export type { EstimatedUsage, UsageRecord } from './events/UsageRecord.js';
export type { DeepPartial } from './events/DeepPartial.js';
export { validateWith } from './events/validateWith.js';
export type { PartialToolCall } from './events/PartialToolCall.js';
export type { SchemaInput, SchemaOutput, StandardSchemaIssue, StandardSchemaResult, StandardSchemaV1 } from './events/StandardSchemaV1.js';

// Transport
export type { ByteStream, FileContent } from './transport/FileContent.js';
export type { FileDownload, FileDownloadRequest } from './transport/FileDownload.js';
export type { FileUpload, FileUploadRequest } from './transport/FileUpload.js';
export type { MistralClient } from './transport/MistralClient.js';
export type {
  MistralTransport,
  OpenResponse,
  RequestBody,
  ResponseMeta,
  SdkFunction,
  StreamOperation,
  TransportOptions,
  UnaryOperation,
} from './transport/MistralTransport.js';
export { sdkTransport } from './transport/sdkTransport.js';
