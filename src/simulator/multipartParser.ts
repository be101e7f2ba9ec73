/** One part of a form, before its content. */
export interface PartHead {
  readonly name: string;
  /** Given for files only. */
  readonly filename: string | undefined;
  readonly contentType: string | undefined;
}

/** What a {@link MultipartParser} calls. */
export interface PartHandlers {
  onPart(head: PartHead): void;
  /** Some of the content of the part that began last; a view of what was pushed, good until the next push. */
  onContent(bytes: Buffer): void;
}

type State = 'start' | 'preamble' | 'boundary' | 'headers' | 'content' | 'end' | 'broken';

const lineEnd = Buffer.from('\r\n');
const headersEnd = Buffer.from('\r\n\r\n');
/** Headers of a part that are longer than this are no headers. */
const mostHeaderBytes = 16_384;

/** Whether a content type says that a body is a form (`multipart/form-data`). */
export function isMultipartForm(contentType: string | undefined): boolean {
  return /^multipart\/form-data\b/i.test(contentType ?? '');
}

/**
 * Takes a `multipart/form-data` body apart (RFC 7578) while it comes, in whatever pieces; holds no more of it than a boundary
 * or the headers of a part.
 */
export class MultipartParser {
  readonly #handlers: PartHandlers;
  /** Behind the first, a boundary stands at the start of a line, and the line end before it is part of it. */
  readonly #delimiter: Buffer;
  #state: State;
  /** What has come and is not read yet, from `#place` on. */
  #bytes: Buffer = Buffer.alloc(0);
  #place = 0;

  constructor(contentType: string, handlers: PartHandlers) {
    const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? [];
    const boundary = quoted ?? plain;
    const isForm = isMultipartForm(contentType) && boundary !== undefined;
    this.#handlers = handlers;
    this.#delimiter = Buffer.from(`\r\n--${boundary ?? ''}`);
    this.#state = isForm ? 'start' : 'broken';
  }

  /** Whether the last boundary has come; what follows it means nothing. */
  get ended(): boolean {
    return this.#state === 'end';
  }

  /** Whether this is no form, whatever may still come. */
  get broken(): boolean {
    return this.#state === 'broken';
  }

  push(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    while (this.#step());
    this.#bytes = this.ended || this.broken ? Buffer.alloc(0) : this.#bytes.subarray(this.#place);
    this.#place = 0;
  }

  /** Reads on; `false` where it is at an end, or needs more bytes. */
  #step(): boolean {
    switch (this.#state) {
      case 'start':
        return this.#readOpening();
      case 'preamble':
      case 'content':
        return this.#readContent();
      case 'boundary':
        return this.#readBoundaryLine();
      case 'headers':
        return this.#readHeaders();
      case 'end':
      case 'broken':
        return false;
    }
  }

  /** The first boundary may begin the body. */
  #readOpening(): boolean {
    const opening = this.#delimiter.subarray(lineEnd.length);
    if (this.#bytes.length < opening.length) return false;
    if (!this.#bytes.subarray(0, opening.length).equals(opening)) return this.#enter('preamble', 0);
    return this.#enter('boundary', opening.length);
  }

  #readContent(): boolean {
    const index = this.#bytes.indexOf(this.#delimiter, this.#place);
    // The end of what has come may be the beginning of a boundary.
    const end = index < 0 ? Math.max(this.#place, this.#bytes.length - this.#delimiter.length + 1) : index;
    if (this.#state === 'content' && end > this.#place) this.#handlers.onContent(this.#bytes.subarray(this.#place, end));
    this.#place = end;
    return index >= 0 && this.#enter('boundary', index + this.#delimiter.length);
  }

  #readBoundaryLine(): boolean {
    if (this.#bytes.length < this.#place + 2) return false;
    if (this.#bytes.toString('latin1', this.#place, this.#place + 2) === '--') return this.#enter('end', this.#place);
    const index = this.#bytes.indexOf(lineEnd, this.#place);
    // Its line end stays: it is the first half of the headers' end where there are none.
    return index < 0 ? this.#awaitMore() : this.#enter('headers', index);
  }

  #readHeaders(): boolean {
    const index = this.#bytes.indexOf(headersEnd, this.#place);
    if (index < 0) return this.#awaitMore();
    const head = partHead(this.#bytes.toString('utf8', this.#place, index + lineEnd.length));
    if (head === undefined) return this.#enter('broken', index);
    this.#handlers.onPart(head);
    return this.#enter('content', index + headersEnd.length);
  }

  #enter(state: State, place: number): true {
    this.#state = state;
    this.#place = place;
    return true;
  }

  #awaitMore(): false {
    if (this.#bytes.length - this.#place > mostHeaderBytes) this.#state = 'broken';
    return false;
  }
}

function partHead(headers: string): PartHead | undefined {
  const name = parameter(headers, 'name');
  if (name === undefined) return undefined;
  const [, contentType] = /^content-type: *(.+?) *$/im.exec(headers) ?? [];
  return { name, filename: parameter(headers, 'filename'), contentType };
}

/** A parameter of the content disposition; quotes and line ends come escaped, as the Fetch standard has them. */
function parameter(headers: string, name: string): string | undefined {
  const [, value] = new RegExp(`^content-disposition: *form-data;.*?[; ]${name}="([^"\r\n]*)"`, 'im').exec(headers) ?? [];
  return value?.replace(/%(22|0D|0A)/gi, (_escape, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
