import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import type { ConversationUsageInfo } from '@mistralai/mistralai/models/components/conversationusageinfo.js';
import type { OutputContentChunks } from '@mistralai/mistralai/models/components/outputcontentchunks.js';
import { defaultConversationId } from './completionDefaults.js';

/** Where an event stands, and who speaks; the last argument of most makers. */
export interface ConversationEventFields {
  /** Which output of the answer it belongs to. @defaultValue 0 */
  readonly outputIndex?: number | undefined;
  /** The id of that output, its entry in the history. @defaultValue `'entry-1'`; by the number of the output, from 1 */
  readonly id?: string | undefined;
  /** @defaultValue none */
  readonly model?: string | undefined;
  /** @defaultValue none */
  readonly agentId?: string | undefined;
}

/** What a call of a function, or a piece of it, carries. */
export interface ConversationCallFields extends ConversationEventFields {
  readonly toolCallId: string;
  readonly name: string;
  /** JSON text, or a piece of it; an object where the server is odd. @defaultValue `'{}'` */
  readonly arguments?: string | Readonly<Record<string, unknown>> | undefined;
  /** `'pending'`: the server waits for a confirmation. @defaultValue none */
  readonly confirmationStatus?: 'pending' | 'allowed' | 'denied' | undefined;
}

type Data = ConversationEvents['data'];

/**
 * Makers of the SDK's `ConversationEvents`, in the shapes that the API sends. Pure and deterministic: the same arguments
 * make the same event, a new object each time. A turn that calls two functions at once:
 *
 * @example
 * ```ts
 * import { conversationEvent } from 'rxmistral/testing';
 *
 * const events = [
 *   conversationEvent.started('conv_1'),
 *   conversationEvent.functionCall({ toolCallId: 'call12345', name: 'search', arguments: '{"query":"a"}', outputIndex: 0 }),
 *   conversationEvent.functionCall({ toolCallId: 'call67890', name: 'search', arguments: '{"query":"b"}', outputIndex: 1 }),
 *   conversationEvent.done(),
 * ];
 * console.log(events.map(({ event }) => event)); // [ 'conversation.response.started', 'function.call.delta', … ]
 * ```
 */
export const conversationEvent = {
  /** The first event of an answer. */
  started: (conversationId = defaultConversationId): ConversationEvents => make({ type: 'conversation.response.started', conversationId }),

  /** A piece of text. */
  text: (text: string, fields?: ConversationEventFields): ConversationEvents => content(text, fields),

  /** A piece of thinking. */
  thinking: (text: string, fields?: ConversationEventFields): ConversationEvents =>
    content({ type: 'thinking', thinking: [{ type: 'text', text }] }, fields),

  /** Any piece of content: a reference to what a tool found, a file that it made. */
  content: (piece: OutputContentChunks, fields?: ConversationEventFields): ConversationEvents => content(piece, fields),

  /** A function's call, whole or a piece of one: pieces of one call have the same `toolCallId`. */
  functionCall: (fields: ConversationCallFields): ConversationEvents => {
    const { toolCallId, name, arguments: text = '{}', confirmationStatus } = fields;
    return make({
      type: 'function.call.delta',
      ...placeOf(fields),
      name,
      toolCallId,
      // The type of the SDK has texts only; servers have sent objects.
      arguments: text as string,
      ...(confirmationStatus === undefined ? {} : { confirmationStatus }),
    });
  },

  /** A tool of the server begins to run. */
  toolStarted: (name: string, argumentsText = '', fields?: ConversationEventFields): ConversationEvents =>
    make({ type: 'tool.execution.started', ...placeOf(fields), name, arguments: argumentsText }),

  /** A piece of its arguments. */
  toolDelta: (name: string, argumentsText: string, fields?: ConversationEventFields): ConversationEvents =>
    make({ type: 'tool.execution.delta', ...placeOf(fields), name, arguments: argumentsText }),

  /** It is done. */
  toolDone: (name: string, info?: Readonly<Record<string, unknown>>, fields?: ConversationEventFields): ConversationEvents =>
    make({ type: 'tool.execution.done', ...placeOf(fields), name, ...(info === undefined ? {} : { info }) }),

  /** An agent gives the conversation to another. */
  handoffStarted: (previousAgentId: string, previousAgentName = previousAgentId, fields?: ConversationEventFields): ConversationEvents =>
    make({ type: 'agent.handoff.started', ...placeOf(fields), previousAgentId, previousAgentName }),

  /** The other has taken over. */
  handoffDone: (nextAgentId: string, nextAgentName = nextAgentId, fields?: ConversationEventFields): ConversationEvents =>
    make({ type: 'agent.handoff.done', ...placeOf(fields), nextAgentId, nextAgentName }),

  /** The last event of an answer, with its usage: counts that are left out are 0, the total is the sum of prompt and completion. */
  done: (usage: Partial<ConversationUsageInfo> = {}): ConversationEvents => {
    const { promptTokens = 0, completionTokens = 0, totalTokens = promptTokens + completionTokens } = usage;
    return make({ type: 'conversation.response.done', usage: { ...usage, promptTokens, completionTokens, totalTokens } });
  },

  /** The last event of an answer that failed. */
  error: (message = 'Internal server error', code = 500): ConversationEvents => make({ type: 'conversation.response.error', message, code }),

  /** An event of a type that this SDK does not know yet. */
  unknown: (raw: Readonly<Record<string, unknown>> & { readonly type: string }): ConversationEvents =>
    ({ event: raw.type, data: { type: 'UNKNOWN', raw: { ...raw }, isUnknown: true } }) as unknown as ConversationEvents,
} as const;

function content(piece: string | OutputContentChunks, fields?: ConversationEventFields): ConversationEvents {
  return make({ type: 'message.output.delta', ...placeOf(fields), contentIndex: 0, role: 'assistant', content: piece });
}

function placeOf({ outputIndex = 0, id = `entry-${outputIndex + 1}`, model, agentId }: ConversationEventFields = {}): {
  outputIndex: number;
  id: string;
  model?: string;
  agentId?: string;
} {
  return { outputIndex, id, ...(model === undefined ? {} : { model }), ...(agentId === undefined ? {} : { agentId }) };
}

function make(data: Exclude<Data, { type: 'UNKNOWN' }>): ConversationEvents {
  return { event: data.type, data };
}
