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
  #atStart = true;
  // A piece that ended in CR: an LF at the start of the next one belongs to the same line end.
  #endedInCarriageReturn = false;
  // The decoder may hold bytes of a character from the piece before.
  #endedInCharacter = false;
  // In a piece that is all ASCII, characters count as bytes.
  #isAscii = true;

  #data: string | undefined;
  #event = '';
  // The id that the lines so far name: it counts from the blank line on.
  #idBuffer: string;
  #lastEventId: string;
  #namesId = false;
  // The bytes of the event that has not ended yet, but for those of the current piece.
  #pendingBytes = 0;

  /**
   * @param maxEventBytes The largest event that is held, in bytes of the stream: all its lines, with the comments among
   * them, up to its blank line. A line end counts as one byte.
   * @param lastEventId The id to begin with: where a stream goes on that was cut, the one that was asked for. Browsers
   * keep it too; the text lets the first event without an id forget it.
   */
  constructor(handlers: EventStreamHandlers, maxEventBytes: number, lastEventId = '') {
    this.#handlers = handlers;
    this.#maxEventBytes = maxEventBytes;
    this.#idBuffer = lastEventId;
    this.#lastEventId = lastEventId;
  }

  /** Where to go on behind a cut: the id as of the last blank line, whether or not an event stood before it. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** Whether the event that is being reported named an id itself. */
  get namesId(): boolean {
    return this.#namesId;
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
    return text === '' || this.#read(this.#withLineFeeds(text));
  }

  // The piece with each line end as one LF, and without the mark at the start of the stream.
  #withLineFeeds(piece: string): string {
    let text = piece;
    if (this.#atStart && text.startsWith(byteOrderMark)) text = text.slice(1);
    if (this.#endedInCarriageReturn && text.startsWith('\n')) text = text.slice(1);
    this.#atStart = false;
    this.#endedInCarriageReturn = text.endsWith('\r');
    return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
  }

  #read(text: string): boolean {
    // A character is one to three bytes a code unit, so nearly always the length alone tells that no event is too large.
    const isWithinBound = this.#pendingBytes + text.length * 3 <= this.#maxEventBytes;
    let eventStart = 0;
    let position = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', position)) {
      if (end === position && this.#lineParts.length === 0) {
        if (!isWithinBound) this.#count(text.slice(eventStart, position));
        this.#pendingBytes = 0;
        eventStart = end + 1;
        if (!this.#dispatch()) return false;
      } else {
        this.#endLine(text, position, end);
      }
      position = end + 1;
    }
    if (position < text.length) this.#lineParts.push(text.slice(position));
    if (eventStart < text.length) this.#count(text.slice(eventStart));
    return true;
  }

  #count(text: string): void {
    this.#pendingBytes += this.#isAscii ? text.length : encoder.encode(text).byteLength;
    if (this.#pendingBytes <= this.#maxEventBytes) return;
    throw new RxMistralError({
      kind: 'limit',
      message: `An event of the stream is larger than \`maxEventBytes\` (${this.#maxEventBytes})`,
    });
  }

  #endLine(text: string, start: number, end: number): void {
    // The one line that matters for speed: `data: …`, with nothing collected before it.
    if (this.#lineParts.length === 0 && text.startsWith('data: ', start)) {
      this.#addData(text.slice(start + 6, end));
      return;
    }
    this.#lineParts.push(text.slice(start, end));
    const line = this.#lineParts.join('');
    this.#lineParts = [];
    this.#readLine(line);
  }

  #readLine(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line.startsWith(' ', colon + 1) ? colon + 2 : colon + 1);
    switch (field) {
      case 'data':
        this.#addData(value);
        break;
      case 'event':
        this.#event = value;
        break;
      case 'id':
        if (value.includes('\0')) break;
        this.#idBuffer = value;
        this.#namesId = true;
        break;
      case 'retry':
        if (/^[0-9]+$/.test(value)) this.#handlers.onRetry?.(Number(value));
        break;
      default: // unknown fields are ignored
    }
  }

  #addData(value: string): void {
    this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
  }

  #dispatch(): boolean {
    const data = this.#data;
    const event = this.#event;
    this.#data = undefined;
    this.#event = '';
    this.#lastEventId = this.#idBuffer;
    const goOn = data === undefined || this.#handlers.onEvent(data, event, this.#lastEventId);
    this.#namesId = false;
    return goOn;
  }
}
