import { isRecord } from '../errors/isRecord.js';
import { readUsage } from './readUsage.js';
import type { TokenCounts } from './UsageRecord.js';

/** What a value tells of an answer that came to its end with it. */
export interface AnswerSummary {
  readonly id: string | undefined;
  readonly model: string | undefined;
  readonly finishReasons: readonly string[];
  /** `undefined` where the server reported none, or none in tokens. */
  readonly usage: TokenCounts | undefined;
}

/**
 * Reads the end of an answer: a `complete` event, a whole response of the SDK, the chunk of a stream that carries the
 * usage, the last event of a transcription or of speech. `undefined` for any other value, and for all other events: a
 * `turn-complete` repeats what the `complete` of each step has said.
 */
export function readAnswer(value: unknown): AnswerSummary | undefined {
  if (!isRecord(value)) return undefined;
  if (isCompleteEvent(value)) return summary(value);
  if (typeof value['type'] === 'string') return undefined;
  // The SDK's events of audio and of conversations: `{ event, data }`.
  const body = typeof value['event'] === 'string' && isRecord(value['data']) ? value['data'] : value;
  return isRecord(body['usage'] ?? body['usageInfo']) && !isUnfinished(body) ? summary(body) : undefined;
}

/** Whether it is a chunk in the middle of an answer: some servers report the usage so far with each. */
function isUnfinished({ choices }: Readonly<Record<string, unknown>>): boolean {
  if (!Array.isArray(choices) || !choices.some((choice) => isRecord(choice) && isRecord(choice['delta']))) return false;
  return !choices.some((choice) => isText(finishReasonOf(choice)));
}

/** Whether it is the `complete` of a chat: other streams have one too, which is about something else. */
function isCompleteEvent({ type, requestId, message }: Readonly<Record<string, unknown>>): boolean {
  return type === 'complete' && typeof requestId === 'string' && isRecord(message);
}

function summary(body: Readonly<Record<string, unknown>>): AnswerSummary {
  const { id, model, finishReason, choices, usage } = body;
  const reasons = Array.isArray(choices) ? choices.map(finishReasonOf) : [finishReason];
  return { id: nonEmpty(id), model: nonEmpty(model), finishReasons: reasons.filter(isText), usage: readUsage(usage) };
}

function finishReasonOf(choice: unknown): unknown {
  return isRecord(choice) ? choice['finishReason'] : undefined;
}

function nonEmpty(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
