import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import type { PartialMessage } from '../errors/PartialMessage.js';
import { TruncatedStreamError } from '../errors/RxMistralError.js';
import { ChatAssembler, finishedWithError } from './ChatAssembler.js';

/**
 * Watches the chunks of several answers (`n`) for their ends; of the first one it knows the message too. Pure: no rxjs,
 * no clock.
 */
export class AnswersWatch {
  readonly #count: number;
  readonly #first = new ChatAssembler('', 1, ignore);
  // By the index of the answer: whether a finish reason has come.
  readonly #answers = new Map<number, boolean>();

  /** @param count How many answers were asked for; that more come is not the server's to decide, but is watched too. */
  constructor(count: number) {
    this.#count = count;
  }

  /** Whether a token of the first answer has come. */
  get hasTokens(): boolean {
    return this.#first.hasTokens;
  }

  /** Whether every answer came to a finish reason. */
  get isFinished(): boolean {
    for (let index = 0; index < this.#count; index++) if (this.#answers.get(index) !== true) return false;
    for (const isFinished of this.#answers.values()) if (!isFinished) return false;
    return true;
  }

  /** The first answer as far as it has come. */
  partial(): PartialMessage {
    return this.#first.partial();
  }

  /** @throws RxMistralError of kind `stream` for the finish reason `error` of any answer. */
  push(chunk: CompletionChunk): void {
    this.#first.push(chunk);
    for (const { index, finishReason } of chunk.choices) {
      if (finishReason === 'error') throw finishedWithError();
      if (typeof finishReason === 'string') this.#answers.set(index, true);
      else if (!this.#answers.has(index)) this.#answers.set(index, false);
    }
  }

  /** @throws TruncatedStreamError where an answer is not finished. */
  end(): void {
    if (this.isFinished) return;
    throw new TruncatedStreamError({ message: 'The stream ended before the answer was finished', partial: this.partial() });
  }
}

function ignore(): void {
  // Chunks are emitted as they are; the assembler only watches.
}
