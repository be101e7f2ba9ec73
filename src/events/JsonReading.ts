import type { ChatEvent } from './ChatEvent.js';

/** A value that a reader of JSON texts has come to. */
export interface JsonReading {
  readonly value: unknown;
  /** Whether the text has ended, and the value is whole. */
  readonly done: boolean;
  /** Whose arguments it is; `undefined` for the text of an answer. */
  readonly toolCall: { readonly toolCallId: string; readonly name: string } | undefined;
}

/** Reads the JSON texts in a stream, and comes to a value with nearly every piece. Pure: no rxjs, no clock. */
export interface JsonReader {
  /** The values that `input` leads to. Throws behind them where a text is no JSON. */
  readonly take: (input: string | ChatEvent) => Iterable<JsonReading>;
  /** The stream has ended: the whole values of the texts that have not. Throws where one of them is not whole. */
  readonly end: () => Iterable<JsonReading>;
}
