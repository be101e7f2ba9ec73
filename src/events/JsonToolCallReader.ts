import { RxMistralError } from '../errors/RxMistralError.js';
import { AnswerRestarts } from './AnswerRestarts.js';
import type { ChatEvent, CompletedToolCall, ToolCallDeltaEvent } from './ChatEvent.js';
import type { JsonReader, JsonReading } from './JsonReading.js';
import { outOfLength } from './outOfLength.js';
import { type JsonLimits, PartialJsonParser } from './PartialJsonParser.js';
import { readJsonPiece } from './readJsonPiece.js';

/** The call of a tool as far as it has come. */
interface ReadCall {
  readonly parser: PartialJsonParser;
  name: string;
  /** What came before the name did: it may belong to a tool whose calls are not wanted. */
  unnamed: string;
  hasEnded: boolean;
}

/** Reads the arguments of tool calls as JSON, each call's by themselves. */
export class JsonToolCallReader implements JsonReader {
  readonly #limits: JsonLimits;
  readonly #name: string | undefined;
  readonly #restarts = new AnswerRestarts();
  #calls = new Map<string, ReadCall>();
  // Of all calls of the answer, their ids too: many empty ones are bounded by it.
  #length = 0;

  /** @param name The tool whose calls are read; all where it is left out. */
  constructor(limits: JsonLimits, name: string | undefined) {
    this.#limits = limits;
    this.#name = name;
  }

  *take(event: string | ChatEvent): Generator<JsonReading> {
    if (typeof event === 'string') return; // a piece of text belongs to no call
    if (event.type === 'tool-call-delta') yield* this.#grow(event);
    else if (event.type === 'tool-call') yield* this.#finish(event.toolCall);
    else if (event.type === 'complete') yield* this.#finishAll(event.finishReason);
    else if (this.#restarts.isRestart(event)) this.#clear();
  }

  *end(): Generator<JsonReading> {
    yield* this.#finishAll('');
  }

  *#grow({ toolCallId, name, argumentsText }: ToolCallDeltaEvent): Generator<JsonReading> {
    const call = this.#callOf(toolCallId, name);
    if (call.hasEnded) return;
    if (call.name === '' && this.#name !== undefined) {
      this.#bound(argumentsText);
      call.unnamed += argumentsText;
    } else if (this.#isWanted(call)) {
      this.#bound(argumentsText);
      const text = call.unnamed + argumentsText;
      call.unnamed = '';
      yield* readJsonPiece(call.parser, text, { toolCallId, name: call.name });
    }
  }

  *#finish({ id, name, arguments: json }: CompletedToolCall): Generator<JsonReading> {
    const call = this.#callOf(id, name);
    if (call.hasEnded || !this.#isWanted(call)) return;
    // Nothing has been read where the call came whole, or where its name came last: here is all of it.
    if (call.parser.isBlank) {
      this.#bound(json);
      call.parser.push(json);
    }
    yield* this.#end(id, call, '');
  }

  // Calls that were never announced as whole: cut, or without the events that would have.
  *#finishAll(finishReason: string): Generator<JsonReading> {
    for (const [id, call] of this.#calls) {
      if (!call.hasEnded && this.#isWanted(call)) yield* this.#end(id, call, finishReason);
    }
    this.#clear();
  }

  *#end(toolCallId: string, call: ReadCall, finishReason: string): Generator<JsonReading> {
    call.hasEnded = true;
    const value = call.parser.end(outOfLength(finishReason));
    yield { value, done: true, toolCall: { toolCallId, name: call.name } };
  }

  #callOf(id: string, name: string): ReadCall {
    const known = this.#calls.get(id);
    if (known !== undefined) {
      if (known.name === '') known.name = name;
      return known;
    }
    this.#bound(id);
    const call = { parser: new PartialJsonParser(this.#limits), name, unnamed: '', hasEnded: false };
    this.#calls.set(id, call);
    return call;
  }

  #isWanted({ name }: ReadCall): boolean {
    return this.#name === undefined || this.#name === name;
  }

  #bound(text: string): void {
    this.#length += text.length;
    const { maxLength } = this.#limits;
    if (this.#length > maxLength) {
      throw new RxMistralError({
        kind: 'limit',
        message: `The tool calls of the answer are longer than \`maxLength\` (${maxLength})`,
      });
    }
  }

  #clear(): void {
    this.#calls = new Map();
    this.#length = 0;
  }
}
