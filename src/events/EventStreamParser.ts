import { RxMistralError } from '../errors/RxMistralError.js';

/** What the parser reports. `data` lines are joined with LF; `event` is `''` where none was named. */
export interface EventStreamHandlers {
  /** An event with data. Return `false` to stop: the rest of what was pushed is not read. */
  readonly onEvent: (data: string, event: string, lastEventId: string) => boolean;
  /** A `retry:` line, in milliseconds. */
  readonly onRetry?: ((milliseconds: number) => void) | undefined;
}

const byteOrderMark = '\uFEFF';

/**
 * Reads an event stream by the rules of the WHATWG text, from pieces that may be cut anywhere: within a character,
 * between CR and LF, within a field name. Every piece is looked at once: the cost is linear in the stream's length
 * whatever the pieces, because an unfinished line waits as a list of its parts and is never scanned again.
 *
 * What the text leaves to the reader: an event that has no blank line behind it when the stream ends is discarded.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class EventStreamParser {
  // Bytes of a character that a piece cut off wait in the decoder. The mark is taken off here, not there, so that
  // the decoder can be told to ignore it in every engine.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #handlers: EventStreamHandlers;
  readonly #maxEventBytes: number;

  // The parts of the line that has not ended yet. A large event comes in thousands of pieces: adding each to a string
  // and searching it again would be quadratic.
  #lineParts: string[] = [];
  // A piece that ended in CR: an LF at the start of the next one belongs to the same line end.
  #endedInCarriageReturn = false;
  #atStart = true;

  #data = '';
  #hasData = false;
  #event = '';
  #lastEventId = '';
  // Bytes since the last event was complete, counted by whole pieces.
  #pendingBytes = 0;

  /**
   * @param maxEventBytes The largest event that is held, in bytes of the stream.
   */
  constructor(handlers: EventStreamHandlers, maxEventBytes: number) {
    this.#handlers = handlers;
    this.#maxEventBytes = maxEventBytes;
  }

  /**
   * Reads the next piece and reports the events that it completes.
   *
   * @returns `false` when a handler asked to stop.
   * @throws RxMistralError of kind `limit` when an event is larger than the bound.
   */
  push(bytes: Uint8Array): boolean {
    const text = this.#decoder.decode(bytes, { stream: true });
    this.#pendingBytes += bytes.byteLength;
    const proceed = this.#read(text);
    if (proceed && this.#pendingBytes > this.#maxEventBytes) this.#failOverBound();
    return proceed;
  }

  #read(text: string): boolean {
    let position = 0;
    const length = text.length;
    if (length === 0) return true;
    if (this.#atStart) {
      this.#atStart = false;
      if (text.startsWith(byteOrderMark)) position = 1;
    }
    if (this.#endedInCarriageReturn) {
      this.#endedInCarriageReturn = false;
      if (text.startsWith('\n', position)) position += 1;
    }
    // Where a piece has no CR, which is nearly always, only LF is searched for.
    let carriage = text.indexOf('\r', position);
    while (position < length) {
      let end = text.indexOf('\n', position);
      let next = end + 1;
      if (carriage !== -1 && (end === -1 || carriage < end)) {
        end = carriage;
        next = end + 1;
        if (next === length) this.#endedInCarriageReturn = true;
        else if (text.startsWith('\n', next)) next += 1;
        carriage = text.indexOf('\r', next);
      }
      if (end === -1) {
        this.#lineParts.push(text.slice(position));
        return true;
      }
      if (!this.#endLine(text, position, end, length - next)) return false;
      position = next;
    }
    return true;
  }

  // `rest` is how many characters of the piece follow: they belong to events to come.
  #endLine(text: string, start: number, end: number, rest: number): boolean {
    if (this.#lineParts.length > 0) {
      this.#lineParts.push(text.slice(start, end));
      const line = this.#lineParts.join('');
      this.#lineParts = [];
      return this.#readLine(line, 0, line.length, rest);
    }
    return this.#readLine(text, start, end, rest);
  }

  #readLine(text: string, start: number, end: number, rest: number): boolean {
    if (start === end) return this.#dispatch(rest);
    // The one line that matters for speed: `data: …`, with nothing collected before it.
    if (text.startsWith('data:', start)) {
      const from = text.startsWith(' ', start + 5) ? start + 6 : start + 5;
      this.#addData(text.slice(from, end));
      return true;
    }
    const colon = text.indexOf(':', start);
    if (colon === start) return true; // a comment
    const named = colon !== -1 && colon < end;
    const field = text.slice(start, named ? colon : end);
    const value = named ? text.slice(text.startsWith(' ', colon + 1) ? colon + 2 : colon + 1, end) : '';
    this.#readField(field, value);
    return true;
  }

  #readField(field: string, value: string): void {
    switch (field) {
      case 'data':
        this.#addData(value);
        break;
      case 'event':
        this.#event = value;
        break;
      case 'id':
        if (!value.includes('\0')) this.#lastEventId = value;
        break;
      case 'retry':
        if (/^[0-9]+$/.test(value)) this.#handlers.onRetry?.(Number(value));
        break;
      default: // unknown fields are ignored
    }
  }

  #addData(value: string): void {
    this.#data = this.#hasData ? `${this.#data}\n${value}` : value;
    this.#hasData = true;
  }

  #dispatch(rest: number): boolean {
    const data = this.#data;
    const event = this.#event;
    const hasData = this.#hasData;
    this.#data = '';
    this.#event = '';
    this.#hasData = false;
    this.#pendingBytes = rest;
    // An event that lies within one piece has not been measured yet. A character is one to three bytes of UTF-8 a
    // code unit, so nearly always the length alone tells.
    if (data.length * 3 > this.#maxEventBytes && new TextEncoder().encode(data).byteLength > this.#maxEventBytes) {
      this.#failOverBound();
    }
    return hasData ? this.#handlers.onEvent(data, event, this.#lastEventId) : true;
  }

  #failOverBound(): never {
    throw new RxMistralError({
      kind: 'limit',
      message: `An event of the stream is larger than \`maxEventBytes\` (${this.#maxEventBytes})`,
    });
  }
}
