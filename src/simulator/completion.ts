import { doneEvent, type Answer, type StreamEvent } from './answer.js';
import { proseTokens } from './answerText.js';
import { contentText } from './contentText.js';
import { draftFromReply, draftFromSeed, type Draft, type DraftTask } from './draft.js';
import { exactAnswer, isExact } from './exactReply.js';
import { hexDigits, randomFrom } from './random.js';
import type { AnswerReply, CompletionBody, ContentChunk, ContentDelta, Message, Reply, Usage } from './reply.js';
import { requestKey } from './requestKey.js';
import type { Settings } from './settings.js';
import { countTokens } from './tokens.js';
import { alternate, toolCallFragments, wholeToolCall } from './toolCalls.js';

/**
 * The engine of every completion endpoint: answers a request body of chat completions, whole or as a stream.
 * Endpoints whose requests look different (agents, fim) put them into this form first, and may say how to `write` text.
 */
export function completionAnswer(body: CompletionBody, reply: Reply | undefined, settings: Settings, write = proseTokens): Answer {
  if (isExact(reply)) return exactAnswer(reply, 'completions');
  const scripted = typeof reply === 'string' ? { text: reply } : reply;

  const { messages, prefix } = splitPrefix(body.messages ?? []);
  const key = answerKey(body, messages);
  const choices = typeof body['n'] === 'number' ? body['n'] : 1;
  const drafts = Array.from({ length: choices }, (_, choice) => {
    const task: DraftTask = { body, messages, prefix, key, choice, settings, write };
    return scripted === undefined ? draftFromSeed(task) : draftFromReply(task, scripted);
  });
  const head = headOf(body, key, settings, scripted);
  const counted = usageOf(body, drafts);
  const usage = scripted?.usage === undefined ? counted : scripted.usage;
  if (body['stream'] !== true) {
    return { kind: 'json', status: 200, body: wholeBody(head, drafts, usage), tokens: counted.total_tokens };
  }
  return { kind: 'events', status: 200, events: chunkEvents(head, drafts, usage), tokens: counted.total_tokens };
}

interface Head {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

/** The beginning of an answer, and the conversation that led to it. */
export function splitPrefix(messages: readonly Message[]): { readonly messages: readonly Message[]; readonly prefix: string | undefined } {
  const last = messages.at(-1);
  if (last?.role !== 'assistant' || last.prefix !== true) return { messages, prefix: undefined };
  return { messages: messages.slice(0, -1), prefix: contentText(last.content) };
}

/**
 * What an answer depends on: not whether it is streamed or where it is cut, so that a cut one can be asked for again, or
 * continued, and stays the same.
 */
export function answerKey(body: CompletionBody, messages: readonly Message[]): string {
  const { stream: _stream, max_tokens: _maxTokens, stop: _stop, n: _n, metadata: _metadata, ...rest } = body;
  return requestKey({ ...rest, messages });
}

function headOf(body: CompletionBody, key: string, settings: Settings, reply: AnswerReply | undefined): Head {
  const random = randomFrom(settings.seed, key, 'head');
  return {
    id: reply?.id ?? `cmpl-${random.text(32, hexDigits)}`,
    // Some second of the year 2025.
    created: random.integer(1_735_689_600, 1_767_225_599),
    model: reply?.model ?? body.model ?? 'mistral-small-latest',
  };
}

/** What an answer costs. */
export function usageOf(body: CompletionBody, drafts: readonly Draft[]): Usage {
  const messages = body.messages ?? [];
  // A few tokens frame each message; tools and schemas are read as text.
  const offered = [body['tools'], body['response_format']].filter((part) => part !== undefined && part !== null);
  const prompt = messages.reduce((tokens, message) => tokens + 3 + countTokens(contentText(message.content)), 1);
  const prompt_tokens = offered.reduce<number>((tokens, part) => tokens + countTokens(JSON.stringify(part)), prompt);
  const completion_tokens = drafts.reduce((tokens, draft) => tokens + draft.completionTokens, 0);
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function wholeBody(head: Head, drafts: readonly Draft[], usage: Usage | null): object {
  return {
    id: head.id,
    object: 'chat.completion',
    created: head.created,
    model: head.model,
    choices: drafts.map((draft, index) => ({
      index,
      message: {
        role: 'assistant',
        content: joinContent(draft.content),
        tool_calls: draft.toolCalls.length === 0 ? null : draft.toolCalls.map((call, i) => wholeToolCall(call, i, draft.style)),
      },
      finish_reason: draft.finishReason,
    })),
    ...(usage !== null && { usage }),
  };
}

/** Text alone is a string; anything else is a list, in which neighbours of a kind are one chunk. */
export function joinContent(deltas: readonly ContentDelta[]): string | readonly ContentChunk[] {
  if (deltas.every((delta) => typeof delta === 'string')) return deltas.join('');
  const joined: ContentChunk[] = [];
  for (const chunk of deltas.flatMap((delta) => (typeof delta === 'string' ? [{ type: 'text', text: delta }] : delta))) {
    const last = joined.at(-1);
    if (last?.type === 'text' && chunk.type === 'text') joined[joined.length - 1] = { ...last, ...chunk, text: contentText([last, chunk]) };
    else if (last?.type === 'thinking' && chunk.type === 'thinking') {
      const thinking = [last, chunk].map((each) => contentText(each['thinking'] as readonly ContentChunk[])).join('');
      joined[joined.length - 1] = { ...last, ...chunk, thinking: [{ type: 'text', text: thinking }] };
    } else joined.push(chunk);
  }
  return joined;
}

interface StreamChoice {
  readonly index: number;
  readonly delta: object;
  readonly finish_reason: string | null;
}

/** One event a token; the choices' events alternate; the usage rides on the last one. */
function chunkEvents(head: Head, drafts: readonly Draft[], usage: Usage | null): readonly StreamEvent[] {
  const choices = alternate(drafts.map(streamChoices));
  const events = choices.map((choice, i): StreamEvent => {
    const isLast = i === choices.length - 1;
    return {
      data: {
        id: head.id,
        object: 'chat.completion.chunk',
        created: head.created,
        model: head.model,
        choices: [choice],
        ...(isLast && usage !== null && { usage }),
      },
    };
  });
  return [...events, doneEvent];
}

function streamChoices(draft: Draft, index: number): readonly StreamChoice[] {
  const choices: StreamChoice[] = [{ index, delta: { role: 'assistant', content: '' }, finish_reason: null }];
  for (const content of draft.content) choices.push({ index, delta: { content }, finish_reason: null });

  if (draft.toolCalls.length > 0 && draft.style.shape === 'whole') {
    const tool_calls = draft.toolCalls.map((call, i) => wholeToolCall(call, i, draft.style));
    return [...choices, { index, delta: { content: '', tool_calls }, finish_reason: draft.finishReason }];
  }
  for (const tool_calls of toolCallFragments(draft.toolCalls, draft.style)) {
    choices.push({ index, delta: { content: '', tool_calls }, finish_reason: null });
  }
  if (draft.finishReason !== null) choices.push({ index, delta: { content: '' }, finish_reason: draft.finishReason });
  return choices;
}
