import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { ContentChunk } from '@mistralai/mistralai/models/components/contentchunk.js';
import type { ToolCall } from '@mistralai/mistralai/models/components/toolcall.js';
import { definedFields } from '../errors/definedFields.js';
import { isRecord } from '../errors/isRecord.js';
import type { CompletedToolCall } from './ChatEvent.js';

type TextPart = { readonly type: 'text'; readonly text: string };
type ThinkingPart = {
  readonly type: 'thinking';
  readonly thinking: readonly unknown[];
  readonly signature?: unknown;
  readonly closed?: unknown;
};

/**
 * Grows an assistant message from its pieces. {@link MessageBuilder.message} makes a message that later pieces do
 * not change.
 */
export class MessageBuilder {
  #text = '';
  #thinking = '';
  // Made at the first piece that is no text: nearly every answer is one string. A part is never changed, only replaced,
  // so that messages share the parts.
  #parts: unknown[] | undefined;

  /** All text so far. */
  get text(): string {
    return this.#text;
  }

  /** All thinking so far. */
  get thinking(): string {
    return this.#thinking;
  }

  /** Whether nothing has been added. */
  get isEmpty(): boolean {
    return this.#text === '' && this.#parts === undefined;
  }

  /** Whether all of it is text. */
  get isPlainText(): boolean {
    return this.#parts === undefined;
  }

  addText(text: string): void {
    this.#text += text;
    if (this.#parts !== undefined) append(this.#parts, { type: 'text', text });
  }

  addThinking(text: string): void {
    this.#thinking += text;
    this.addToThinking({ type: 'text', text });
  }

  /** Adds what stands in a thinking block beside its text: references, tool references. */
  addToThinking(chunk: unknown): void {
    const thinking = this.#openThinking().thinking.slice();
    append(thinking, chunk);
    this.#changeThinking({ thinking });
  }

  /** The fields that a thinking block carries beside its content. */
  signThinking(signature: unknown, closed: unknown): void {
    if ((signature ?? closed ?? null) === null) return;
    this.#changeThinking(definedFields({ signature: signature ?? undefined, closed: closed ?? undefined }));
  }

  /** Adds a chunk that is neither text nor thinking (a reference, an unknown type), as it came. */
  addChunk(chunk: unknown): void {
    this.#allParts().push(chunk);
  }

  /** The message as it is now; `content` is a string when all of it is text. */
  message(toolCalls: readonly CompletedToolCall[] = []): AssistantMessage {
    const content = this.#parts === undefined ? this.#text : (this.#parts.slice() as ContentChunk[]);
    return toolCalls.length === 0
      ? { role: 'assistant', content }
      : { role: 'assistant', content, toolCalls: toolCalls.map(toToolCall) };
  }

  #allParts(): unknown[] {
    this.#parts ??= this.#text === '' ? [] : [{ type: 'text', text: this.#text }];
    return this.#parts;
  }

  // The thinking block that is being written: the last part, a new one where the last is something else.
  #openThinking(): ThinkingPart {
    const parts = this.#allParts();
    const last = parts.at(-1);
    if (isThinkingPart(last) && last.closed !== true) return last;
    const part: ThinkingPart = { type: 'thinking', thinking: [] };
    parts.push(part);
    return part;
  }

  #changeThinking(fields: Partial<ThinkingPart>): void {
    const part = { ...this.#openThinking(), ...fields };
    const parts = this.#allParts();
    parts[parts.length - 1] = part;
  }
}

// Text goes on with the text before it.
function append(parts: unknown[], chunk: unknown): void {
  const last = parts.at(-1);
  if (isTextPart(last) && isTextPart(chunk)) parts[parts.length - 1] = { type: 'text', text: last.text + chunk.text };
  else parts.push(chunk);
}

/** A whole call in the SDK's shape; `index` is its place among the calls of the answer. */
export function toToolCall(call: CompletedToolCall, index: number): ToolCall {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments }, index };
}

function isTextPart(value: unknown): value is TextPart {
  return isRecord(value) && value['type'] === 'text' && typeof value['text'] === 'string';
}

function isThinkingPart(value: unknown): value is ThinkingPart {
  return isRecord(value) && value['type'] === 'thinking' && Array.isArray(value['thinking']);
}
