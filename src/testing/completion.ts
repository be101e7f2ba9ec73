import type { ChatCompletionChoice } from '@mistralai/mistralai/models/components/chatcompletionchoice.js';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import type { ContentChunk } from '@mistralai/mistralai/models/components/contentchunk.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import { toolCall } from './chunk.js';
import { defaultCreated, defaultId, defaultModel, type FinishReason, type ToolCallFields } from './completionDefaults.js';
import { usage as makeUsage } from './usage.js';

/** What {@link completion} takes; all of it may be left out. */
export interface CompletionFields {
  /** @defaultValue `''` */
  readonly text?: string | undefined;
  /** The content in its list form, in place of `text`. */
  readonly content?: readonly ContentChunk[] | undefined;
  readonly toolCalls?: readonly ToolCallFields[] | undefined;
  /** @defaultValue `'tool_calls'` where there are any, else `'stop'` */
  readonly finishReason?: FinishReason | undefined;
  /** @defaultValue all counts 0 */
  readonly usage?: UsageInfo | undefined;
  /** @defaultValue `'completion-1'` */
  readonly id?: string | undefined;
  /** @defaultValue `'mistral-small-latest'` */
  readonly model?: string | undefined;
  /** Seconds since 1970. @defaultValue 1,700,000,000 */
  readonly created?: number | undefined;
}

/**
 * The SDK's `ChatCompletionResponse`, with one choice.
 *
 * ```ts
 * const mistral = fakeMistral({ 'chat.complete': completion({ text: 'Bonjour' }) });
 * ```
 */
export function completion(fields: CompletionFields = {}): ChatCompletionResponse {
  const { text = '', content, toolCalls = [], usage = makeUsage() } = fields;
  const finishReason = fields.finishReason ?? (toolCalls.length === 0 ? 'stop' : 'tool_calls');
  return {
    id: fields.id ?? defaultId,
    object: 'chat.completion',
    created: fields.created ?? defaultCreated,
    model: fields.model ?? defaultModel,
    usage,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: content === undefined ? text : [...content],
          ...(toolCalls.length === 0 ? {} : { toolCalls: toolCalls.map(toolCall) }),
        },
        // The SDK brands the reasons that it does not know; ours may be any.
        finishReason: finishReason as ChatCompletionChoice['finishReason'],
      },
    ],
  };
}
