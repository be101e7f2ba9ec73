/** One part of a `multipart/form-data` body. */
export interface FormPart {
  readonly name: string;
  /** Given for files only. */
  readonly filename: string | undefined;
  readonly contentType: string | undefined;
  readonly content: Buffer;
}

const lineEnd = Buffer.from('\r\n');
const headersEnd = Buffer.from('\r\n\r\n');

/** Whether a content type says that a body is such a form. */
export function isMultipartForm(contentType: string | undefined): boolean {
  return /^multipart\/form-data\b/i.test(contentType ?? '');
}

/** Takes a form apart (RFC 7578); `undefined` where the body is none, or is not whole. The parts are views of `bytes`. */
export function parseMultipart(bytes: Buffer, contentType: string): readonly FormPart[] | undefined {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (!isMultipartForm(contentType) || boundary === undefined) return undefined;

  // A boundary stands at the start of a line, and the line end before it is part of it; but the first may begin the body.
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const opening = delimiter.subarray(lineEnd.length);
  let place = bytes.subarray(0, opening.length).equals(opening) ? opening.length : indexBehind(bytes, delimiter, 0);

  const parts: FormPart[] = [];
  while (place !== undefined) {
    if (bytes.toString('latin1', place, place + 2) === '--') return parts;
    const headersStart: number | undefined = indexBehind(bytes, lineEnd, place);
    const start = headersStart === undefined ? undefined : indexBehind(bytes, headersEnd, headersStart);
    const next: number | undefined = start === undefined ? undefined : indexBehind(bytes, delimiter, start);
    if (headersStart === undefined || start === undefined || next === undefined) return undefined;
    const headers = bytes.toString('utf8', headersStart, start);
    const name = parameter(headers, 'name');
    if (name === undefined) return undefined;
    const [, partType] = /^content-type: *(.+?) *$/im.exec(headers) ?? [];
    const content = bytes.subarray(start, next - delimiter.length);
    parts.push({ name, filename: parameter(headers, 'filename'), contentType: partType, content });
    place = next;
  }
  return undefined;
}

function indexBehind(bytes: Buffer, sought: Buffer, from: number): number | undefined {
  const index = bytes.indexOf(sought, from);
  return index < 0 ? undefined : index + sought.length;
}

/** A parameter of the content disposition; quotes and line ends come escaped, as the Fetch standard has them. */
function parameter(headers: string, name: string): string | undefined {
  const [, value] = new RegExp(`^content-disposition: *form-data;.*?[; ]${name}="([^"\r\n]*)"`, 'im').exec(headers) ?? [];
  return value?.replace(/%(22|0D|0A)/gi, (_escape, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
