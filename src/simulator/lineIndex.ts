const newline = 0x0a;

/** Where the lines of a text begin, taken down while its bytes come. Lines of less than two bytes count as blank, and not here. */
export class LineIndex {
  readonly #starts: number[] = [];
  #lineStart = 0;
  #size = 0;

  get count(): number {
    return this.#starts.length;
  }

  push(bytes: Buffer): void {
    for (let index = bytes.indexOf(newline); index >= 0; index = bytes.indexOf(newline, index + 1)) this.#endLine(this.#size + index);
    this.#size += bytes.length;
  }

  /** To be called behind the last byte: the last line may lack its end. */
  end(): void {
    this.#endLine(this.#size);
  }

  /** The place of a line, from 0, with its line end and the blank lines behind it. */
  at(line: number): { readonly start: number; readonly length: number } {
    const start = this.#starts[line] ?? this.#size;
    return { start, length: (this.#starts[line + 1] ?? this.#size) - start };
  }

  #endLine(end: number): void {
    if (end - this.#lineStart > 1) this.#starts.push(this.#lineStart);
    this.#lineStart = end + 1;
  }
}
