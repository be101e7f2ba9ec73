export type { ErrorCause } from './describeCause.js';
export type {
  PartialMessage,
  PartialReferenceChunk,
  PartialTextChunk,
  PartialThinkingChunk,
  PartialToolCall,
} from './PartialMessage.js';
export {
  isRxMistralError,
  RxMistralError,
  type RxMistralErrorInit,
  type RxMistralErrorJson,
  type RxMistralErrorKind,
  TruncatedStreamError,
  type TimeoutName,
} from './RxMistralError.js';
