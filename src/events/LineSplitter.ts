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

  /** @param maxLineBytes The longest line that is held; a longer one is an error of kind `limit`. */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The bytes of all lines that were handed out, with their ends: where reading can go on. */
  get consumed(): number {
    return this.#consumed;
  }

  /** The lines that this piece completes. */
  push(bytes: Uint8Array): string[] {
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
    if (this.#partBytes === 0) return undefined;
    const line = this.#decodeKept() + this.#decoder.decode();
    this.#consumed += this.#partBytes;
    this.#parts = [];
    this.#partBytes = 0;
    return withoutCarriageReturn(line);
  }

  #keep(bytes: Uint8Array): void {
    this.#partBytes += bytes.length;
    if (this.#partBytes > this.#maxLineBytes) {
      throw new RxMistralError({ kind: 'limit', message: `A line is longer than ${this.#maxLineBytes} bytes` });
    }
    this.#parts.push(bytes);
  }

  #decodeKept(): string {
    return this.#parts.map((part) => this.#decoder.decode(part, { stream: true })).join('');
  }
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
