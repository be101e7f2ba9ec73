import type { StreamEvent } from './answer.js';
import type { StreamPart } from './eventFaults.js';
import type { Fault, FieldsFault } from './faults.js';

// In this order, or a CR and the LF of the blank line behind it would be a single line end.
const mixed = ['\r\n', '\n', '\r'] as const;
const lineEndsByName = { lf: ['\n'], crlf: ['\r\n'], cr: ['\r'], mixed } as const;
const byteOrderMark = '\uFEFF';

/** Renders each part of a stream as the bytes of an event, the way `faults` want them written. */
export function renderEvents(parts: readonly StreamPart[], faults: readonly Fault[]): readonly Buffer[] {
  const endLine = lineEnder(faults);
  const fields = mergedFields(faults);
  const comments = faults.filter((fault) => fault.kind === 'comments');
  const startsWithMark = faults.some((fault) => fault.kind === 'byte-order-mark');

  return parts.map((part, i) => {
    let text = i === 0 && startsWithMark ? byteOrderMark : '';
    for (const { text: comment = 'ping', every = 1 } of comments) {
      if (i % every === 0) text += `: ${comment}${endLine()}${endLine()}`;
    }
    if ('raw' in part) text += part.raw;
    else {
      for (const line of linesOf(part, i, fields)) text += line + endLine();
      text += endLine();
    }
    return Buffer.from(text);
  });
}

/** The length of the line end that these bytes end in. */
export function lastLineEndLength(bytes: Uint8Array): number {
  const last = bytes.at(-1);
  if (last === 0x0a) return bytes.at(-2) === 0x0d ? 2 : 1;
  return last === 0x0d ? 1 : 0;
}

function linesOf({ data, event }: StreamEvent, number: number, fields: Omit<FieldsFault, 'kind'>): readonly string[] {
  const lines: string[] = [];
  const name = event ?? fields.event;
  if (name !== undefined) lines.push(`event: ${name}`);
  if (fields.id === true) lines.push(`id: ${number}`);
  if (fields.retry !== undefined) lines.push(`retry: ${fields.retry}`);
  const text = typeof data === 'string' ? data : JSON.stringify(data, null, fields.multiLineData === true ? 1 : undefined);
  for (const line of text.split('\n')) lines.push(`data: ${line}`);
  return lines;
}

function mergedFields(faults: readonly Fault[]): Omit<FieldsFault, 'kind'> {
  return Object.assign({}, ...faults.filter((fault) => fault.kind === 'fields')) as FieldsFault;
}

function lineEnder(faults: readonly Fault[]): () => string {
  const fault = faults.findLast((each) => each.kind === 'line-ends');
  const ends = lineEndsByName[fault?.ends ?? 'lf'];
  let i = -1;
  return () => {
    i = (i + 1) % ends.length;
    return ends[i] ?? '\n';
  };
}
