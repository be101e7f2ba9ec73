import { createHash } from 'node:crypto';

import { LineIndex } from './lineIndex.js';
import { MultipartParser } from './multipartParser.js';
import type { RecordedFile } from './recordedBody.js';
import { Spool } from './spool.js';

/** A file of a form, with its content. */
export interface UploadedFile {
  readonly filename: string;
  readonly contentType: string | undefined;
  readonly content: Spool;
  readonly lines: LineIndex;
}

// The other fields of a form are a few words each.
const mostFieldBytes = 65_536;

/**
 * A form whose file, the first one in the field `file`, is put aside while it comes, so that it is never in memory as a whole.
 * Other files are dropped.
 */
export class Upload {
  readonly #parser: MultipartParser;
  readonly #fields: [name: string, value: string | RecordedFile][] = [];
  /** Ends the part that is being read. */
  #endPart: () => void = () => undefined;
  #onContent: (bytes: Buffer) => void = () => undefined;
  #file: UploadedFile | undefined;
  #isTooLarge = false;

  constructor(contentType: string) {
    this.#parser = new MultipartParser(contentType, {
      onPart: ({ name, filename, contentType: partType }) => {
        this.#endPart();
        if (filename === undefined) this.#beginText(name);
        else this.#beginFile(name, filename, partType);
      },
      onContent: (bytes) => {
        this.#onContent(bytes);
      },
    });
  }

  push(bytes: Buffer): void {
    this.#parser.push(bytes);
  }

  /** To be called when all has come: what is recorded of the form, or `undefined` where it was none. */
  end(): Readonly<Record<string, unknown>> | undefined {
    this.#endPart();
    return this.#parser.ended && !this.#isTooLarge ? Object.fromEntries(this.#fields) : undefined;
  }

  /** The file, whose content is from here on the caller's to dispose of. */
  take(): UploadedFile | undefined {
    const file = this.#file;
    this.#file = undefined;
    return file;
  }

  /** Disposes of a file that nobody has taken. */
  dispose(): void {
    this.take()?.content.dispose();
  }

  #beginText(name: string): void {
    const pieces: Buffer[] = [];
    let length = 0;
    this.#onContent = (bytes) => {
      length += bytes.length;
      if (length > mostFieldBytes) this.#isTooLarge = true;
      // Copied: the parser's view is good until the next push only.
      else pieces.push(Buffer.from(bytes));
    };
    this.#endPart = () => {
      this.#fields.push([name, Buffer.concat(pieces).toString()]);
    };
  }

  #beginFile(name: string, filename: string, contentType: string | undefined): void {
    const hash = createHash('sha256');
    const lines = new LineIndex();
    const file = name === 'file' && this.#file === undefined ? { filename, contentType, content: new Spool(), lines } : undefined;
    this.#file ??= file;
    let size = 0;
    this.#onContent = (bytes) => {
      size += bytes.length;
      hash.update(bytes);
      file?.content.append(bytes);
      if (file) lines.push(bytes);
    };
    this.#endPart = () => {
      lines.end();
      this.#fields.push([name, { filename, contentType, bytes: size, sha256: hash.digest('hex') }]);
    };
  }
}
