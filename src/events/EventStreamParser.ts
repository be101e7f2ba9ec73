import { RxMistralError } from '../errors/RxMistralError.js';

/** What the parser reports. `data` lines are joined with LF; `event` is `''` where none was named. */
export interface EventStreamHandlers {
  /** An event with data. Return `false` to stop: the rest of what was pushed is not read. */
  readonly onEvent: (data: string, event: string, lastEventId: string) => boolean;
  /** A `retry:` line, in milliseconds. */
  readonly onRetry?: ((milliseconds: number) => void) | undefined;
}

const byteOrderMark = '\uFEFF';
const encoder = new TextEncoder();

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
  // The decoder may hold bytes of a character from the piece before.
  #endedInCharacter = false;
  // In a piece that is all ASCII, characters count as bytes.
  #isAscii = true;

  #data = '';
  #hasData = false;
  #event = '';
  #lastEventId = '';
  // The bytes of the event that has not ended yet, but for those of the current piece.
  #pendingBytes = 0;

  /**
   * @param maxEventBytes The largest event that is held, in bytes of the stream: all its lines, with the comments among
   * them, up to its blank line.
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
    // A piece that ends in ASCII leaves nothing in the decoder, which is several times as fast without `stream`.
    const stream = (bytes.at(-1) ?? 0x80) >= 0x80;
    const text = this.#decoder.decode(bytes, { stream });
    this.#isAscii = !stream && !this.#endedInCharacter && text.length === bytes.byteLength;
    this.#endedInCharacter = stream;
    return this.#read(text);
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
      if (text.startsWith('\n', position)) {
        position += 1;
        if (this.#pendingBytes > 0) this.#pendingBytes += 1;
      }
    }
    // Where the event that is being read begins in this piece.
    let eventStart = position;
    // Each is searched for again only when it has been passed: a piece is looked at once for LF and once for CR.
    let feed = text.indexOf('\n', position);
    let carriage = text.indexOf('\r', position);
    while (position < length) {
      if (feed !== -1 && feed < position) feed = text.indexOf('\n', position);
      if (carriage !== -1 && carriage < position) carriage = text.indexOf('\r', position);
      const isCarriage = carriage !== -1 && (feed === -1 || carriage < feed);
      const end = isCarriage ? carriage : feed;
      if (end === -1) {
        this.#lineParts.push(text.slice(position));
        break;
      }
      let next = end + 1;
      if (isCarriage) {
        if (next === length) this.#endedInCarriageReturn = true;
        else if (text.startsWith('\n', next)) next += 1;
      }
      if (position === end && this.#lineParts.length === 0) {
        this.#expectWithinBound(text, eventStart, position);
        this.#pendingBytes = 0;
        eventStart = next;
        if (!this.#dispatch()) return false;
      } else {
        this.#endLine(text, position, end);
      }
      position = next;
    }
    if (eventStart < length) this.#pendingBytes = this.#expectWithinBound(text, eventStart, length);
    return true;
  }

  // The bytes of the event so far. Encoding is needed only where the piece goes on with it; a character is one to three
  // bytes a code unit, so nearly always the length alone tells that an event is small.
  #expectWithinBound(text: string, start: number, end: number): number {
    const isWhole = end < text.length;
    if (isWhole && this.#pendingBytes + (end - start) * 3 <= this.#maxEventBytes) return 0;
    const length = this.#isAscii ? end - start : encoder.encode(text.slice(start, end)).byteLength;
    const bytes = this.#pendingBytes + length;
    if (bytes > this.#maxEventBytes) this.#failOverBound();
    return bytes;
  }

  #endLine(text: string, start: number, end: number): void {
    if (this.#lineParts.length === 0) {
      this.#readLine(text, start, end);
      return;
    }
    this.#lineParts.push(text.slice(start, end));
    const line = this.#lineParts.join('');
    this.#lineParts = [];
    this.#readLine(line, 0, line.length);
  }

  #readLine(text: string, start: number, end: number): void {
    // The one line that matters for speed: `data: …`, with nothing collected before it.
    if (text.startsWith('data:', start)) {
      const from = text.startsWith(' ', start + 5) ? start + 6 : start + 5;
      this.#addData(text.slice(from, end));
      return;
    }
    const line = text.slice(start, end);
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line.startsWith(' ', colon + 1) ? colon + 2 : colon + 1);
    this.#readField(field, value);
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

  #dispatch(): boolean {
    const data = this.#data;
    const event = this.#event;
    const hasData = this.#hasData;
    this.#data = '';
    this.#event = '';
    this.#hasData = false;
    return hasData ? this.#handlers.onEvent(data, event, this.#lastEventId) : true;
  }

  #failOverBound(): never {
    throw new RxMistralError({
      kind: 'limit',
      message: `An event of the stream is larger than \`maxEventBytes\` (${this.#maxEventBytes})`,
    });
  }
}
