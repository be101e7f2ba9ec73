import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { CompletionResponseStreamChoice } from '@mistralai/mistralai/models/components/completionresponsestreamchoice.js';
import type { ContentChunk } from '@mistralai/mistralai/models/components/contentchunk.js';
import type { DeltaMessage } from '@mistralai/mistralai/models/components/deltamessage.js';
import type { ToolCall } from '@mistralai/mistralai/models/components/toolcall.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import { defaultCreated, defaultId, defaultModel, type FinishReason, type ToolCallFields } from './completionDefaults.js';

/** What every chunk carries beside its delta; the last argument of each maker. */
export interface ChunkFields {
  /** The completion's id. @defaultValue `'completion-1'` */
  readonly id?: string | undefined;
  /** @defaultValue `'mistral-small-latest'` */
  readonly model?: string | undefined;
  /** Seconds since 1970. @defaultValue 1,700,000,000 */
  readonly created?: number | undefined;
  /** Which choice the delta belongs to, for `n > 1`. @defaultValue 0 */
  readonly choice?: number | undefined;
  /** Set where the answer ends with this chunk. @defaultValue none */
  readonly finishReason?: FinishReason | undefined;
  /** @defaultValue none */
  readonly usage?: UsageInfo | undefined;
}

/** A piece of a tool call. The first has `id` and `name`, the later ones an `index`. */
export interface ToolCallFragmentFields {
  readonly id?: string | undefined;
  /** @defaultValue `''` */
  readonly name?: string | undefined;
  /** A piece of JSON text. @defaultValue `''` */
  readonly arguments?: string | undefined;
  readonly index?: number | undefined;
}

/**
 * Makers of the SDK's `CompletionChunk`, in the shapes that the API sends. Pure and deterministic: the same arguments
 * make the same chunk, a new object each time.
 *
 * @example A tool call whole, in the same chunk as the finish reason, as Mistral sends it:
 * ```ts
 * import { chunk, usage } from 'rxmistral/testing';
 *
 * const events = [
 *   chunk.start(),
 *   chunk.toolCall(
 *     { id: 'abc123def', name: 'weather', arguments: '{"city":"Paris"}' },
 *     { finishReason: 'tool_calls', usage: usage({ promptTokens: 20, completionTokens: 9 }) },
 *   ),
 * ];
 * ```
 */
export const chunk = {
  /** The first chunk of an answer: the role and no text. */
  start: (model?: string, fields?: ChunkFields): CompletionChunk =>
    make({ role: 'assistant', content: '' }, model === undefined ? fields : { model, ...fields }),

  /** A piece of text. */
  text: (text: string, fields?: ChunkFields): CompletionChunk => make({ content: text }, fields),

  /** A piece of thinking, in the list form that the API uses for it. */
  thinking: (text: string, fields?: ChunkFields): CompletionChunk =>
    make({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] }, fields),

  /** Content in the list form: text, thinking, references. */
  content: (content: readonly ContentChunk[], fields?: ChunkFields): CompletionChunk => make({ content: [...content] }, fields),

  /** A tool call, whole. A finish reason goes into `fields` or into a `chunk.finish` behind it. */
  toolCall: (call: ToolCallFields, fields?: ChunkFields): CompletionChunk => make({ toolCalls: [toolCall(call)] }, fields),

  /** A piece of a tool call. What is not given is absent, as on the wire. */
  toolCallFragment: (fragment: ToolCallFragmentFields, fields?: ChunkFields): CompletionChunk =>
    make({ toolCalls: [toolCallFragment(fragment)] }, fields),

  /** The end of an answer, with its usage where one is given. */
  finish: (finishReason: FinishReason = 'stop', usage?: UsageInfo, fields?: ChunkFields): CompletionChunk =>
    make({ content: '' }, { usage, ...fields, finishReason }),

  /** A chunk with the usage alone and no choice. */
  usage: (usage: UsageInfo, fields?: ChunkFields): CompletionChunk => ({ ...make({}, { ...fields, usage }), choices: [] }),
} as const;

/** The SDK's `ToolCall`. */
export function toolCall({ id, name, arguments: text = '{}', index }: ToolCallFields): ToolCall {
  return { id, type: 'function', function: { name, arguments: text }, ...(index === undefined ? {} : { index }) };
}

function toolCallFragment({ id, name = '', arguments: text = '', index }: ToolCallFragmentFields): ToolCall {
  return {
    ...(id === undefined ? {} : { id, type: 'function' }),
    function: { name, arguments: text },
    ...(index === undefined ? {} : { index }),
  };
}

function make(delta: DeltaMessage, { id, model, created, choice, finishReason, usage }: ChunkFields = {}): CompletionChunk {
  return {
    id: id ?? defaultId,
    object: 'chat.completion.chunk',
    created: created ?? defaultCreated,
    model: model ?? defaultModel,
    choices: [
      {
        index: choice ?? 0,
        delta,
        // The SDK brands the reasons that it does not know; ours may be any.
        finishReason: (finishReason ?? null) as CompletionResponseStreamChoice['finishReason'],
      },
    ],
    ...(usage === undefined ? {} : { usage }),
  };
}
