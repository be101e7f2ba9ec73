import { AnswerRestarts } from './AnswerRestarts.js';
import type { ChatEvent } from './ChatEvent.js';
import type { JsonReader, JsonReading } from './JsonReading.js';
import { outOfLength } from './outOfLength.js';
import { type JsonLimits, PartialJsonParser } from './PartialJsonParser.js';
import { readJsonPiece } from './readJsonPiece.js';

/**
 * Reads the text of answers as JSON, one answer after the other: pieces of text, or the events of a chat. A string begins
 * or continues an answer, like a `text-delta`.
 */
export class JsonTextReader implements JsonReader {
  readonly #limits: JsonLimits;
  readonly #restarts = new AnswerRestarts();
  // Made at the first piece of an answer.
  #parser: PartialJsonParser | undefined;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  *take(input: string | ChatEvent): Generator<JsonReading> {
    if (typeof input === 'string') yield* this.#read(input);
    else if (input.type === 'text-delta') yield* this.#read(input.text);
    else if (input.type === 'complete') yield* this.#end(input.finishReason);
    else if (this.#restarts.isRestart(input)) this.#parser = undefined;
  }

  *end(): Generator<JsonReading> {
    if (this.#parser !== undefined) yield* this.#end('');
  }

  *#read(text: string): Generator<JsonReading> {
    this.#parser ??= new PartialJsonParser(this.#limits);
    yield* readJsonPiece(this.#parser, text, undefined);
  }

  *#end(finishReason: string): Generator<JsonReading> {
    const parser = this.#parser ?? new PartialJsonParser(this.#limits);
    this.#parser = undefined;
    // The answer is its tool calls.
    if (parser.isBlank && finishReason === 'tool_calls') return;
    yield { value: parser.end(outOfLength(finishReason)), done: true, toolCall: undefined };
  }
}
