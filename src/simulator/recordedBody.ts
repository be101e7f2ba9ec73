import { createHash } from 'node:crypto';

import { parseMultipart, type FormPart } from './multipartForm.js';

/** A file of a form as a record keeps it: all but its content. */
export interface RecordedFile {
  readonly filename: string;
  readonly contentType: string | undefined;
  readonly bytes: number;
  /** Of the content, in hexadecimal digits. */
  readonly sha256: string;
}

/** What a record says of a body: its JSON; of a form its fields, in lists where there are several of a name; or its text. */
export function recordedBody(bytes: Buffer, contentType: string): unknown {
  if (bytes.length === 0) return undefined;
  const parts = parseMultipart(bytes, contentType);
  if (parts === undefined) return parsed(bytes.toString());
  const fields = new Map<string, unknown[]>();
  for (const part of parts) fields.set(part.name, [...(fields.get(part.name) ?? []), valueOf(part)]);
  return Object.fromEntries([...fields].map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

function valueOf({ filename, contentType, content }: FormPart): string | RecordedFile {
  if (filename === undefined) return content.toString();
  return { filename, contentType, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
