import { Spool } from './spool.js';

const piece = 65_536;

/** Writes lines to a spool of its own, many at once. */
export class LineWriter {
  readonly #content = new Spool();
  #lines: string[] = [];
  #length = 0;
  #count = 0;

  /** The lines so far. */
  get count(): number {
    return this.#count;
  }

  write(line: string): void {
    this.#lines.push(line, '\n');
    this.#length += line.length + 1;
    this.#count += 1;
    if (this.#length >= piece) this.#flush();
  }

  /** All that was written; from here on the caller's to dispose of. */
  end(): Spool {
    this.#flush();
    return this.#content;
  }

  #flush(): void {
    this.#content.append(Buffer.from(this.#lines.join('')));
    this.#lines = [];
    this.#length = 0;
  }
}
