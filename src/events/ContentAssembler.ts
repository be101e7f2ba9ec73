import { isRecord } from '../errors/isRecord.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { TextDeltaEvent, ThinkingDeltaEvent } from './ChatEvent.js';
import { MessageBuilder } from './MessageBuilder.js';

// Far above what a model can answer; it bounds what a server that never ends can make us hold.
const maxAnswerLength = 2 ** 26;

/**
 * The content of an answer as it comes: emits its text and thinking, and keeps all of it in `builder`. What is counted by
 * {@link ContentAssembler.grow} is bounded at 67,108,864 characters.
 */
export class ContentAssembler {
  readonly builder = new MessageBuilder();
  readonly #requestId: string;
  readonly #emit: (event: TextDeltaEvent | ThinkingDeltaEvent) => void;
  readonly #onText: (text: string) => void;
  #length = 0;
  #textCount = 0;
  #thinkingCount = 0;

  /** @param onText Takes the text in lists of chunks, to hand it to {@link ContentAssembler.addText}; that itself, unless it is given. */
  constructor(
    requestId: string,
    emit: (event: TextDeltaEvent | ThinkingDeltaEvent) => void,
    onText: (text: string) => void = (text) => { this.addText(text); },
  ) {
    this.#requestId = requestId;
    this.#emit = emit;
    this.#onText = onText;
  }

  addText(text: string): void {
    if (text === '') return;
    this.grow(text.length);
    this.builder.addText(text);
    this.#emit({ type: 'text-delta', requestId: this.#requestId, index: this.#textCount++, text });
  }

  /** Adds a list of chunks: texts, thinking, and what else there is, as it came. */
  addChunks(chunks: readonly unknown[]): void {
    for (const chunk of chunks) {
      if (typeof chunk === 'string') this.#onText(chunk);
      if (!isRecord(chunk)) continue;
      const { type, text, thinking } = chunk;
      if (type === 'text' && typeof text === 'string') this.#onText(text);
      else if (type === 'thinking' && Array.isArray(thinking)) this.#addThinkingBlock(thinking, chunk);
      else {
        this.#growBy(chunk);
        this.builder.addChunk(chunk);
      }
    }
  }

  /**
   * Counts what is kept of the answer.
   *
   * @throws RxMistralError of kind `limit` where that is too much.
   */
  grow(length: number): void {
    this.#length += length;
    if (this.#length > maxAnswerLength) {
      throw new RxMistralError({ kind: 'limit', message: `The answer is longer than ${maxAnswerLength} characters` });
    }
  }

  #addThinking(text: string): void {
    if (text === '') return;
    this.grow(text.length);
    this.builder.addThinking(text);
    this.#emit({ type: 'thinking-delta', requestId: this.#requestId, index: this.#thinkingCount++, text });
  }

  #addThinkingBlock(thinking: readonly unknown[], block: Readonly<Record<string, unknown>>): void {
    for (const chunk of thinking) {
      if (isRecord(chunk) && typeof chunk['text'] === 'string') this.#addThinking(chunk['text']);
      else {
        this.#growBy(chunk);
        this.builder.addToThinking(chunk);
      }
    }
    this.builder.signThinking(block['signature'], block['closed']);
  }

  // What is kept as it came counts by its JSON.
  #growBy(chunk: unknown): void {
    this.grow(JSON.stringify(chunk).length);
  }
}
