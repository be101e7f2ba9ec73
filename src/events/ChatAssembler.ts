import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { DeltaMessage } from '@mistralai/mistralai/models/components/deltamessage.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import { isRecord } from '../errors/isRecord.js';
import type { PartialMessage } from '../errors/PartialMessage.js';
import { RxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import { addUsage } from './addUsage.js';
import type { ChatEvent } from './ChatEvent.js';
import { ContentAssembler } from './ContentAssembler.js';
import { EchoFilter } from './EchoFilter.js';
import { completeToolCall, ToolCallAssembler } from './ToolCallAssembler.js';

/**
 * Turns the chunks of an answer into events, and knows the message so far. Pure: no rxjs, no clock. An answer is the work
 * of one attempt, or of several that each went on where the one before was cut.
 *
 * ```ts
 * const assembler = new ChatAssembler('request-1', 1, (event) => events.push(event));
 * for (const chunk of chunks) assembler.push(chunk);
 * assembler.end(); // emits `complete`, or throws a TruncatedStreamError
 * ```
 *
 * An answer of more than 67,108,864 characters (text, thinking and arguments together) is an error of kind `limit`.
 */
export class ChatAssembler {
  readonly #requestId: string;
  #attempt: number;
  #emit: (event: ChatEvent) => void;
  readonly #content: ContentAssembler;
  readonly #toolCalls = new ToolCallAssembler();

  #started = false;
  #id = '';
  #model = '';
  #finishReason: string | undefined;
  #usage: UsageInfo | undefined;
  // What the attempts before this one used, as far as the server said.
  #usageBefore: UsageInfo | undefined;
  #echo: EchoFilter | undefined;

  constructor(requestId: string, attempt: number, emit: (event: ChatEvent) => void) {
    this.#requestId = requestId;
    this.#attempt = attempt;
    this.#emit = emit;
    this.#content = new ContentAssembler(
      requestId,
      (event) => { this.#emit(event); },
      (text) => { this.#addText(text); },
    );
  }

  /** Whether a token has come: text, thinking, or a piece of a tool call. */
  get hasTokens(): boolean {
    return !this.#content.builder.isEmpty || this.#toolCalls.calls.length > 0;
  }

  /** Whether a finish reason has come: what is left is at most the usage. */
  get isFinished(): boolean {
    return this.#finishReason !== undefined;
  }

  /** The text so far where nothing but text has come, so that an attempt can go on behind it; else `undefined`. */
  get plainText(): string | undefined {
    return this.#content.builder.isPlainText && this.#toolCalls.calls.length === 0 ? this.#content.builder.text : undefined;
  }

  /**
   * The next attempt goes on where this one was cut. Its usage is added, and an echo of `prefix`, the beginning that the
   * model was given, is taken off its text.
   *
   * @param emit Takes the events of this attempt.
   */
  resume(attempt: number, prefix: string, emit: (event: ChatEvent) => void): void {
    this.#attempt = attempt;
    this.#emit = emit;
    this.#started = false;
    this.#finishReason = undefined;
    this.#usageBefore = addUsage(this.#usageBefore, this.#usage);
    this.#usage = undefined;
    this.#echo = new EchoFilter(prefix);
  }

  /** The message so far; a tool call's arguments may be cut. */
  partial(): PartialMessage {
    return this.#content.builder.message(this.#toolCalls.calls) as PartialMessage;
  }

  /**
   * Takes the next chunk and emits its events.
   *
   * @throws RxMistralError of kind `stream` for `finish_reason: "error"`.
   */
  push(chunk: CompletionChunk): void {
    if (!this.#started) {
      this.#started = true;
      this.#id = chunk.id;
      this.#model = chunk.model;
      this.#emit({ type: 'start', requestId: this.#requestId, id: this.#id, model: this.#model, attempt: this.#attempt });
    }
    // A proxy may send a chunk of its own first, without either.
    if (this.#id === '') this.#id = chunk.id;
    if (this.#model === '') this.#model = chunk.model;
    if (chunk.usage !== undefined) this.#usage = chunk.usage;
    for (const choice of chunk.choices) {
      if (choice.index !== 0) continue;
      this.add(choice.delta);
      if (typeof choice.finishReason === 'string') this.#finish(choice.finishReason);
    }
  }

  /** Takes a piece of the message, or all of it that came before this call, and emits its events. */
  add({ content, toolCalls }: DeltaMessage): void {
    if (typeof content === 'string') this.#addText(content);
    else if (Array.isArray(content)) this.#content.addChunks(content);
    if (Array.isArray(toolCalls)) this.#addToolCalls(toolCalls);
  }

  /** What the answer ends with where it is not finished. */
  truncated(): TruncatedStreamError {
    return new TruncatedStreamError({ message: 'The stream ended before the answer was finished', partial: this.partial() });
  }

  /**
   * The stream has ended: emits the whole tool calls and `complete`.
   *
   * @throws TruncatedStreamError when no finish reason has come.
   */
  end(): void {
    if (this.#finishReason === undefined) throw this.truncated();
    this.#content.addText(this.#echo?.end() ?? '');
    const { calls } = this.#toolCalls;
    // An answer that ran out of length may have been cut within a call: that one is in the message, but not whole.
    const whole = this.#finishReason === 'length' ? calls.filter((call) => isJson(call.arguments)) : calls;
    for (const call of whole) this.#emit({ type: 'tool-call', requestId: this.#requestId, toolCall: completeToolCall(call) });
    this.#emit({
      type: 'complete',
      requestId: this.#requestId,
      id: this.#id,
      model: this.#model,
      message: this.#content.builder.message(calls.map(completeToolCall)),
      finishReason: this.#finishReason,
      usage: addUsage(this.#usageBefore, this.#usage),
    });
  }

  #addText(text: string): void {
    this.#content.addText(this.#echo === undefined ? text : this.#echo.take(text));
  }

  #addToolCalls(toolCalls: NonNullable<DeltaMessage['toolCalls']>): void {
    toolCalls.forEach((piece, position) => {
      if (!isRecord(piece)) return;
      const before = this.#toolCalls.calls.length;
      const { call, added } = this.#toolCalls.add(piece, position, this.#id);
      const isNew = this.#toolCalls.calls.length > before;
      this.#content.grow(added.length + (isNew ? call.id.length + call.name.length : 0));
      this.#emit({
        type: 'tool-call-delta',
        requestId: this.#requestId,
        toolCallId: call.id,
        name: call.name,
        argumentsText: added,
      });
    });
  }

  #finish(finishReason: string): void {
    if (finishReason === 'error') throw finishedWithError();
    this.#finishReason = finishReason;
  }
}

/** What the finish reason `error` means. */
export function finishedWithError(): RxMistralError {
  return new RxMistralError({
    kind: 'stream',
    message: 'The model ended the answer with the finish reason "error"',
    retryable: true,
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
