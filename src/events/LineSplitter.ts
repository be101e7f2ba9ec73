import { RxMistralError } from '../errors/RxMistralError.js';

const lineFeed = 10;

/**
 * Takes lines of UTF-8 out of bytes that come in pieces cut anywhere. A piece is looked at once, and what it completes is
 * decoded at once; the bytes of a line that has not ended wait as they are, so the cost is linear whatever the pieces.
 * A line ends with LF; a CR before it goes with it.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #maxLineBytes: number;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #consumed = 0;
  #isTooLong = false;

  /** @param maxLineBytes The longest line; a longer one is an error of kind `limit`, thrown when those before it were handed out. */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The bytes of all lines that were handed out, with their ends: where reading can go on. */
  get consumed(): number {
    return this.#consumed;
  }

  /** The lines that this piece completes. */
  push(piece: Uint8Array): string[] {
    const bytes = this.#untilTooLong(piece);
    const end = bytes.lastIndexOf(lineFeed) + 1;
    if (end === 0) {
      this.#keep(bytes);
      return [];
    }
    const text = this.#decodeKept() + this.#decoder.decode(bytes.subarray(0, end));
    this.#consumed += this.#partBytes + end;
    this.#parts = [];
    this.#partBytes = 0;
    if (end < bytes.length) this.#keep(bytes.subarray(end));
    const lines = text.split('\n');
    lines.pop();
    return lines.map(withoutCarriageReturn);
  }

  /** The last line, where the text ended without a line end. */
  end(): string | undefined {
    if (this.#isTooLong) throw this.#tooLong();
    if (this.#partBytes === 0) return undefined;
    const line = this.#decodeKept() + this.#decoder.decode();
    this.#consumed += this.#partBytes;
    this.#parts = [];
    this.#partBytes = 0;
    return withoutCarriageReturn(line);
  }

  #keep(bytes: Uint8Array): void {
    this.#partBytes += bytes.length;
    this.#parts.push(bytes);
  }

  #untilTooLong(bytes: Uint8Array): Uint8Array {
    const start = this.#isTooLong ? 0 : this.#startOfTooLong(bytes);
    if (start === undefined) return bytes;
    if (start === 0) throw this.#tooLong();
    this.#isTooLong = true;
    return bytes.subarray(0, start);
  }

  #startOfTooLong(bytes: Uint8Array): number | undefined {
    if (this.#partBytes + bytes.length <= this.#maxLineBytes) return undefined;
    let length = this.#partBytes;
    for (let start = 0; start < bytes.length; ) {
      const place = bytes.indexOf(lineFeed, start);
      const end = place === -1 ? bytes.length : place;
      if (length + end - start > this.#maxLineBytes) return start;
      length = 0;
      start = end + 1;
    }
    return undefined;
  }

  #tooLong(): RxMistralError {
    return new RxMistralError({ kind: 'limit', message: `A line is longer than ${this.#maxLineBytes} bytes` });
  }

  #decodeKept(): string {
    return this.#parts.map((part) => this.#decoder.decode(part, { stream: true })).join('');
  }
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
