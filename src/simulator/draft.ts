import { continuationOf, proseTokens } from './answerText.js';
import { jsonFromSchema } from './jsonFromSchema.js';
import { randomFrom, type Random } from './random.js';
import type { AnswerReply, CompletionBody, ContentChunk, ContentDelta, Message } from './reply.js';
import type { Settings } from './settings.js';
import { countTokens, tokenise } from './tokens.js';
import { chooseToolCalls, resolveStyle, toolCallId, type ResolvedStyle, type ToolCall } from './toolCalls.js';

/** One choice of an answer, before it is put on the wire whole or in chunks. */
export interface Draft {
  readonly content: readonly ContentDelta[];
  readonly toolCalls: readonly ToolCall[];
  readonly style: ResolvedStyle;
  readonly finishReason: string | null;
  readonly completionTokens: number;
}

/** What a choice is drafted from. */
export interface DraftTask {
  readonly body: CompletionBody;
  /** Without a trailing one that is a prefix. */
  readonly messages: readonly Message[];
  /** What the answer must begin with, where the request ends in an assistant's message with `prefix: true`. */
  readonly prefix: string | undefined;
  /** All that the answer depends on, besides the seed. */
  readonly key: string;
  /** Which of `n` choices. */
  readonly choice: number;
  readonly settings: Settings;
  /** Makes up text of about so many tokens, where no format is asked for. */
  readonly write: (random: Random, length: number) => readonly string[];
}

/** The seeded answer. */
export function draftFromSeed(task: DraftTask): Draft {
  const { body, messages, prefix, settings } = task;
  const random = (purpose: string): Random => randomFrom(settings.seed, task.key, task.choice, purpose);

  if (prefix === undefined) {
    const toolCalls = chooseToolCalls(body, messages, settings.toolCallStyle, random('tool calls'));
    if (toolCalls.length > 0) {
      const style = resolveStyle(settings.toolCallStyle, toolCalls.length, random('tool call style'));
      return { content: [], toolCalls, style, finishReason: 'tool_calls', completionTokens: toolCallTokens(toolCalls) };
    }
  }

  const text = cutAtStop(answerText(task, random), body['stop']);
  const continuation =
    prefix === undefined
      ? { echo: [], rest: tokenise(text) }
      : continuationOf(text, prefix, settings.prefixEcho, () => {
          const text = proseTokens(random(`continuation of ${prefix}`), 20).join('');
          return /\s$/u.test(prefix) ? text : ` ${text}`;
        });
  const thinking = prefix === undefined && isReasoning(body) ? proseTokens(random('thinking'), random('thinking length').integer(8, 30)) : [];

  // Thinking counts towards max_tokens, and comes first; what is echoed was paid for before.
  const budget = typeof body['max_tokens'] === 'number' ? body['max_tokens'] : Infinity;
  const thought = thinking.slice(0, budget);
  const said = continuation.rest.slice(0, budget - thought.length);
  const isCut = thought.length + said.length < thinking.length + continuation.rest.length;
  return {
    content: contentDeltas(thought, [...continuation.echo, ...said], 'string'),
    toolCalls: [],
    style: resolveStyle({}, 0, random('tool call style')),
    finishReason: isCut ? 'length' : 'stop',
    completionTokens: thought.length + said.length,
  };
}

/** A scripted answer, as it stands; only a prefix is continued. */
export function draftFromReply(task: DraftTask, reply: AnswerReply): Draft {
  const { settings, prefix } = task;
  const random = randomFrom(settings.seed, task.key, task.choice, 'reply');
  const toolCalls = (reply.toolCalls ?? []).map((call) => ({
    id: call.id ?? toolCallId(random),
    name: call.name,
    argumentsText: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
  }));

  let text = typeof reply.text === 'string' ? tokenise(reply.text) : (reply.text ?? []);
  let thinking = typeof reply.thinking === 'string' ? tokenise(reply.thinking) : (reply.thinking ?? []);
  let echoed = 0;
  if (prefix !== undefined) {
    const continuation = continuationOf(text.join(''), prefix, settings.prefixEcho, () => text.join(''));
    text = [...continuation.echo, ...continuation.rest];
    thinking = [];
    echoed = continuation.echo.length;
  }
  const content = reply.content ?? contentDeltas(thinking, text, reply.contentShape ?? 'string');
  return {
    content,
    toolCalls,
    style: resolveStyle({ ...settings.toolCallStyle, ...reply.toolCallStyle }, toolCalls.length, random),
    finishReason: reply.finishReason === undefined ? (toolCalls.length > 0 ? 'tool_calls' : 'stop') : reply.finishReason,
    completionTokens: (reply.content ? content.length : text.length - echoed + thinking.length) + toolCallTokens(toolCalls),
  };
}

function answerText({ body, settings, write }: DraftTask, random: (purpose: string) => Random): string {
  const format = body['response_format'] as { readonly type?: unknown; readonly json_schema?: { readonly schema?: unknown } | null } | null | undefined;
  if (format?.type === 'json_schema') return JSON.stringify(jsonFromSchema(format.json_schema?.schema, random('json')));
  if (format?.type === 'json_object') return JSON.stringify(jsonFromSchema(anyObject, random('json')));
  const least = typeof body['min_tokens'] === 'number' ? body['min_tokens'] : 0;
  const length = Math.max(least, settings.answerTokens ?? random('length').integer(20, 120));
  return write(random('text'), length).join('');
}

// What `json_object` gets, for want of a schema.
const anyObject = {
  type: 'object',
  properties: {
    answer: { type: 'string' },
    confidence: { type: 'number', minimum: 0, maximum: 1 },
    sources: { type: 'array', items: { type: 'string', format: 'uri' } },
  },
  required: ['answer', 'confidence', 'sources'],
};

function cutAtStop(text: string, stop: unknown): string {
  const stops = (Array.isArray(stop) ? (stop as readonly unknown[]) : [stop]).filter((each) => typeof each === 'string' && each !== '');
  const places = stops.map((each) => text.indexOf(each as string)).filter((place) => place >= 0);
  return text.slice(0, Math.min(...places, text.length));
}

function isReasoning(body: CompletionBody): boolean {
  return body['prompt_mode'] === 'reasoning' || (body.model ?? '').includes('magistral');
}

/** Thinking goes out as lists; the last of it together with the first of the text; the rest of the text as strings. */
function contentDeltas(thinking: readonly string[], text: readonly string[], shape: 'string' | 'list'): readonly ContentDelta[] {
  const textChunk = (token: string): ContentChunk => ({ type: 'text', text: token });
  const thinkingChunk = (token: string, closed: boolean): ContentChunk => ({ type: 'thinking', thinking: [textChunk(token)], ...(closed && { closed }) });
  const asText = (tokens: readonly string[]): readonly ContentDelta[] => (shape === 'list' ? tokens.map((token) => [textChunk(token)]) : tokens);

  const lastThought = thinking.at(-1);
  if (lastThought === undefined) return asText(text);
  const turning = [thinkingChunk(lastThought, true), ...text.slice(0, 1).map(textChunk)];
  return [...thinking.slice(0, -1).map((token) => [thinkingChunk(token, false)]), turning, ...asText(text.slice(1))];
}

function toolCallTokens(calls: readonly ToolCall[]): number {
  return calls.reduce((tokens, call) => tokens + countTokens(call.name) + countTokens(call.argumentsText), 0);
}
