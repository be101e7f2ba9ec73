export type { FaultCondition, FaultRule, FaultScript } from './faultRules.js';
export type {
  ByteOrderMarkFault,
  CoalesceFault,
  CommentsFault,
  DeprecatedFault,
  DuplicateFault,
  ExtraFault,
  Fault,
  FaultKind,
  FieldsFault,
  FinishErrorFault,
  LargeFault,
  LateEndFault,
  LineEndsFault,
  MalformedFault,
  Position,
  ResetFault,
  SlowFault,
  SplitFault,
  StallFault,
  StatusFault,
  TruncateFault,
} from './faults.js';
export type { Allowance, RateLimitOptions, SimulatorOptions } from './options.js';
export type { Outcome, RecordedRequest } from './recordedRequest.js';
export type {
  AnswerReply,
  CompletionBody,
  ContentChunk,
  ContentDelta,
  EventsReply,
  Message,
  RawReply,
  Reply,
  ReplyScript,
  ReplyToolCall,
  ToolCallStyle,
  Usage,
} from './reply.js';
export { startSimulator, type Simulator } from './simulator.js';
