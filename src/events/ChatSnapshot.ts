import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import type { CompletedToolCall } from './ChatEvent.js';

/** A tool call in a snapshot; `arguments` is cut JSON until `complete`. */
export interface SnapshotToolCall extends CompletedToolCall {
  readonly complete: boolean;
}

/** An answer as far as it has come. A snapshot never changes after it was emitted. */
export interface ChatSnapshot {
  readonly text: string;
  readonly thinking: string;
  readonly toolCalls: readonly SnapshotToolCall[];
  /** Set at the end. */
  readonly finishReason: string | undefined;
  /** Set at the end, where the server sent it. */
  readonly usage: UsageInfo | undefined;
  /** The answer so far as a message that can be sent back; whole when `done`. */
  readonly message: AssistantMessage;
  /** `true` in the last snapshot of an answer that came to its end. */
  readonly done: boolean;
}
