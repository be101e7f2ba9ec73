export { answer, type AnswerOptions } from './answer.js';
export { batchJob, type BatchJobFields } from './batchJob.js';
export { chunk, type ChunkFields, type ToolCallFragmentFields } from './chunk.js';
export { completion, type CompletionFields } from './completion.js';
export type { FinishReason, ToolCallFields } from './completionDefaults.js';
export { conversationEvent, type ConversationCallFields, type ConversationEventFields } from './conversationEvent.js';
export type { FakeCall, FakeCallState } from './FakeCall.js';
export { fakeMistral, type FakeMistral } from './fakeMistral.js';
export type {
  AnswerFunction,
  FakeMistralScript,
  FakeResponse,
  OperationName,
  OperationRequest,
  OperationScript,
  StreamAnswer,
  StreamScript,
  UnaryAnswer,
  UnaryScript,
} from './FakeMistralScript.js';
export { fileDownload, type FileDownloadFields } from './fileDownload.js';
export { type AssertDeepEqual, type MarbleHelpers, marbles } from './marbles.js';
export { usage, type UsageFields } from './usage.js';
