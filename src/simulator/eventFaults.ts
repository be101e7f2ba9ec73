import { doneEvent, isLastEvent, isNamedData, namedEvent, type NamedData, type StreamEvent } from './answer.js';
import { errorBody, htmlPage } from './errorBodies.js';
import { isFields, type Fields } from './fieldChecks.js';
import type { ExtraFault, Fault, FinishErrorFault, LargeFault, MalformedFault } from './faults.js';

/** Text that stands in a stream as it is, line ends included. */
export interface RawText {
  readonly raw: string;
}

/** What a stream is made of. */
export type StreamPart = StreamEvent | RawText;

interface Choice {
  readonly finish_reason: string | null;
  readonly [field: string]: unknown;
}

interface Chunk {
  readonly choices: readonly Choice[];
  readonly [field: string]: unknown;
}

/** Applies the faults that change which events there are, or what they say, in the order given. */
export function alterEvents(events: readonly StreamEvent[], faults: readonly Fault[]): readonly StreamPart[] {
  return faults.reduce<readonly StreamPart[]>(alter, events);
}

/** The same for an answer that is one JSON document: of the faults above, those that can be said of it. */
export function alterDocument(body: unknown, faults: readonly Fault[]): unknown {
  return faults.reduce((altered, fault) => {
    if (fault.kind === 'finish-error') return isChunk(altered) ? withFinishReason(altered, 'error') : altered;
    if (fault.kind !== 'extra') return altered;
    const { what = 'fields' } = fault;
    if (what === 'finish-reason' && isChunk(altered)) return withFinishReason(altered, unknownFinishReason);
    if (what !== 'fields' || !isFields(altered)) return altered;
    return isChunk(altered) ? withUnknownFields(altered) : withFields(altered);
  }, body);
}

/** What {@link MalformedFault} says in place of the given text. */
export function malformedText(what: MalformedFault['what'], original: string): string {
  if (typeof what === 'object') return what.text;
  switch (what) {
    case undefined:
    case 'bad-json':
      return original.slice(0, Math.ceil(original.length / 2));
    case 'junk':
      return 'upstream went away';
    case 'html':
      return htmlPage(502, 'Bad Gateway');
    case 'error':
      return JSON.stringify(errorBody('Internal server error', 'internal_server_error', '3000'));
    case 'wrapped-error':
      return JSON.stringify({ error: { message: 'Internal server error', type: 'internal_server_error', code: '3000' } });
  }
}

function alter(parts: readonly StreamPart[], fault: Fault): readonly StreamPart[] {
  switch (fault.kind) {
    case 'truncate':
      return parts.filter((part) => !isOmitted(part, fault.omit ?? (fault.at === undefined && fault.blankLine === undefined ? 'both' : undefined)));
    case 'malformed':
      return malform(parts, fault);
    case 'finish-error':
      return finishWithError(parts, fault);
    case 'duplicate':
      return duplicate(parts, fault.at ?? 1);
    case 'extra':
      return addUnknown(parts, fault);
    case 'large':
      return enlarge(parts, fault);
    default:
      return parts;
  }
}

function isOmitted(part: StreamPart, omit: 'done' | 'finish' | 'both' | undefined): boolean {
  if (omit === undefined || 'raw' in part) return false;
  if (part.data === doneEvent.data) return omit !== 'finish';
  if (isLastEvent(part)) return true;
  return omit !== 'done' && isChunk(part.data) && part.data.choices.some((choice) => choice.finish_reason !== null);
}

function malform(parts: readonly StreamPart[], { what, at = 1, then = 'go-on' }: MalformedFault): readonly StreamPart[] {
  const next = parts[at] ?? parts.at(-1);
  const replaced: StreamEvent = next === undefined || 'raw' in next ? { data: {} } : next;
  const text = malformedText(what, JSON.stringify(replaced.data));
  const part: StreamPart = typeof what === 'object' || what === 'html' ? { raw: text } : { ...(isBadJson(what) && replaced), data: text };
  return [...parts.slice(0, at), part, ...(then === 'end' ? [] : parts.slice(at))];
}

function isBadJson(what: MalformedFault['what']): boolean {
  return what === undefined || what === 'bad-json';
}

function finishWithError(parts: readonly StreamPart[], { at }: FinishErrorFault): readonly StreamPart[] {
  const done = parts.find((part) => holdsNamed(part) && part.data.type === 'conversation.response.done');
  if (done !== undefined) return [...parts.slice(0, at ?? parts.indexOf(done)), namedEvent(conversationError)];
  if (at === undefined) return mapChunks(parts, (chunk) => withFinishReason(chunk, 'error'));
  const model = parts.find(holdsChunk);
  if (model === undefined) return parts;
  const data: Chunk = { ...model.data, choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }] };
  return [...parts.slice(0, at), { ...model, data }, doneEvent];
}

const conversationError: NamedData = { type: 'conversation.response.error', message: 'Internal server error', code: 500 };

function duplicate(parts: readonly StreamPart[], at: number | 'all'): readonly StreamPart[] {
  if (at === 'all') {
    const isLast = (part: StreamPart): boolean => 'data' in part && isLastEvent(part);
    const series = parts.filter((part) => !isLast(part));
    return [...series, ...series, ...parts.filter(isLast)];
  }
  return parts.flatMap((part, i) => (i === at ? [part, part] : [part]));
}

const unknownFinishReason = 'content_filter';

function addUnknown(parts: readonly StreamPart[], { what = 'fields' }: ExtraFault): readonly StreamPart[] {
  switch (what) {
    case 'fields':
      return mapNamed(mapChunks(parts, withUnknownFields), withFields);
    case 'finish-reason':
      return mapChunks(parts, (chunk) => withFinishReason(chunk, unknownFinishReason));
    case 'content-type':
      return withContentChunk(parts, { type: 'hologram', hologram: { width: 3 } });
    case 'proto-type':
      return withContentChunk(parts, { type: '__proto__', text: 'polluted' });
    case 'odd-field':
      return mapNamed(mapChunks(parts, (chunk) => ({ ...chunk, created: 'just now' })), (data) => ({ ...data, created_at: 'just now' }));
    case 'proto-key':
      return mapNamed(mapDeltas(parts, withProtoKey), withProtoKey);
  }
}

/** Puts a delta with this content chunk behind the first event; in a stream of named events, it is an event itself. */
function withContentChunk(parts: readonly StreamPart[], content: NamedData): readonly StreamPart[] {
  const first = parts.find((part) => holdsChunk(part) || holdsNamed(part));
  if (first === undefined) return parts;
  const behind = parts.indexOf(first) + 1;
  const added = holdsChunk(first)
    ? { ...first, data: { ...first.data, choices: [{ index: 0, delta: { content: [content] }, finish_reason: null }] } }
    : namedEvent(content);
  return [...parts.slice(0, behind), added, ...parts.slice(behind)];
}

function enlarge(parts: readonly StreamPart[], { bytes, at = 1 }: LargeFault): readonly StreamPart[] {
  const part = parts.slice(at).find(canBeFilled) ?? parts.findLast(canBeFilled);
  if (part === undefined) return parts;
  const sizeUnfilled = Buffer.byteLength(`data: ${JSON.stringify(filled(part, 0).data)}\n\n`);
  return parts.with(parts.indexOf(part), filled(part, Math.max(0, bytes - sizeUnfilled)));
}

function canBeFilled(part: StreamPart): part is StreamEvent {
  return holdsChunk(part) || (holdsNamed(part) && fillableFieldOf(part.data) !== undefined);
}

function fillableFieldOf(data: NamedData): 'text' | 'audio_data' | 'content' | undefined {
  return (['text', 'audio_data', 'content'] as const).find((field) => typeof data[field] === 'string');
}

function filled(part: StreamEvent, length: number): StreamEvent {
  const fill = 'x'.repeat(length);
  const withFill = (text: unknown): string => (typeof text === 'string' ? text : '') + fill;
  if (holdsChunk(part)) return { ...part, data: mapDelta(part.data, (delta) => ({ ...delta, content: withFill(delta['content']) })) };
  const field = holdsNamed(part) ? fillableFieldOf(part.data) : undefined;
  return holdsNamed(part) && field !== undefined ? { ...part, data: { ...part.data, [field]: withFill(part.data[field]) } } : part;
}

function isChunk(data: unknown): data is Chunk {
  return typeof data === 'object' && data !== null && 'choices' in data && Array.isArray(data.choices);
}

function holdsChunk(part: StreamPart): part is StreamEvent & { readonly data: Chunk } {
  return 'data' in part && isChunk(part.data);
}

/** Whether it is an event with a name of its own, and not a chunk that happens to have a type. */
function holdsNamed(part: StreamPart): part is StreamEvent & { readonly data: NamedData } {
  return 'data' in part && part.event !== undefined && isNamedData(part.data);
}

function mapChunks(parts: readonly StreamPart[], change: (chunk: Chunk) => Chunk): readonly StreamPart[] {
  return parts.map((part) => (holdsChunk(part) ? { ...part, data: change(part.data) } : part));
}

function mapNamed(parts: readonly StreamPart[], change: (data: NamedData) => object): readonly StreamPart[] {
  return parts.map((part) => (holdsNamed(part) ? { ...part, data: change(part.data) } : part));
}

function mapDeltas(parts: readonly StreamPart[], change: (delta: Fields) => object): readonly StreamPart[] {
  return mapChunks(parts, (chunk) => mapDelta(chunk, change));
}

/** Changes the first choice's delta. */
function mapDelta(chunk: Chunk, change: (delta: Fields) => object): Chunk {
  return {
    ...chunk,
    choices: chunk.choices.map((choice, i) => (i === 0 ? { ...choice, delta: change(choice['delta'] as Fields) } : choice)),
  };
}

function withProtoKey(fields: Fields): object {
  // A computed key makes an own property; a plain one would set the prototype, and vanish from the JSON.
  return { ...fields, ['__proto__']: { polluted: true } };
}

function withFields(fields: Fields): Fields {
  return { ...fields, p: 'abcdefghijklm', note: { nested: [1, 2] } };
}

function withFinishReason(chunk: Chunk, reason: string): Chunk {
  return {
    ...chunk,
    choices: chunk.choices.map((choice) => (choice.finish_reason === null ? choice : { ...choice, finish_reason: reason })),
  };
}

function withUnknownFields(chunk: Chunk): Chunk {
  return {
    ...chunk,
    p: 'abcdefghijklm',
    system_fingerprint: null,
    choices: chunk.choices.map((choice) => ({ ...choice, logprobs: null, choice_note: { nested: [1, 2] } })),
  };
}
