import type { Answer, FileAnswer } from './answer.js';
import { alterDocument, alterEvents, malformedText } from './eventFaults.js';
import { lastLineEndLength, renderEvents } from './eventStreamText.js';
import type { Fault, Position } from './faults.js';
import type { Random } from './random.js';

/** Something that happens at a place of the body. */
export type Stop =
  | { readonly act: 'stall'; readonly delay: number; readonly pingEvery: number | undefined }
  | { readonly act: 'end' }
  | { readonly act: 'cut'; readonly how: 'rst' | 'fin' };

export interface PlacedStop {
  /** After how many bytes of the body. */
  readonly offset: number;
  readonly stop: Stop;
}

/** All that the writer needs: the bytes, where they are interrupted, and in which pieces they leave. */
export interface ResponsePlan {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body, an event each; a document is a single one. Of a file, what follows it. */
  readonly frames: readonly Buffer[];
  /** What is read while it is sent. */
  readonly file: FileAnswer | undefined;
  readonly isEventStream: boolean;
  /** Sent at once, with its length, unless something happens to it. */
  readonly isDocument: boolean;
  readonly beforeHeaders: readonly Stop[];
  /** By offset. */
  readonly stops: readonly PlacedStop[];
  /** The sizes of the pieces the body is cut into, whatever the events; `undefined` leaves the frames as they are. */
  readonly pieceSize: (() => number) | undefined;
  readonly coalesced: boolean;
  /** Each frame in a write and a turn of the event loop of its own, whatever the simulator's option says. */
  readonly oneWriteEach: boolean;
  readonly delayPerEvent: number;
  readonly delayPerByte: number;
}

// Answers may be shared by many requests (see answerEngine.ts), and so then is their rendering.
const renderings = new WeakMap<object, readonly Buffer[]>();

export function planResponse(answer: Answer, faults: readonly Fault[], random: Random): ResponsePlan {
  const isEventStream = answer.kind === 'events';
  const file = answer.kind === 'file' ? answer : undefined;
  const frames = renderBody(answer, faults);
  const placedStops = placeStops(file ? fileLayout(file, frames) : framesLayout(frames), isEventStream, faults);
  const hasLength = !faults.some((fault) => ['truncate', 'late-end', 'no-length'].includes(fault.kind));
  const split = faults.findLast((fault) => fault.kind === 'split');
  const deprecated = faults.findLast((fault) => fault.kind === 'deprecated');

  return {
    status: answer.status,
    headers: {
      ...(answer.kind === 'events' && { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }),
      ...(answer.kind === 'json' && { 'content-type': 'application/json' }),
      ...(file && { 'content-type': 'application/octet-stream' }),
      ...(file && hasLength && { 'content-length': String(file.size) }),
      ...answer.headers,
      ...(deprecated && { 'x-model-deprecation-timestamp': deprecated.timestamp ?? '2026-12-31T00:00:00Z' }),
    },
    frames,
    file,
    isEventStream,
    isDocument: hasLength && (answer.kind === 'json' || (answer.kind === 'bytes' && answer.isDocument)),
    beforeHeaders: placedStops.filter(({ offset }) => offset < 0).map(({ stop }) => stop),
    stops: placedStops.filter(({ offset }) => offset >= 0),
    pieceSize: split && (() => (split.size === 'random' ? random.integer(1, 64) : (split.size ?? 1))),
    coalesced: faults.some((fault) => fault.kind === 'coalesce'),
    oneWriteEach: answer.kind === 'bytes' && frames.length > 1,
    delayPerEvent: sum(faults, (fault) => (fault.kind === 'slow' ? fault.perEvent : undefined)),
    delayPerByte: sum(faults, (fault) => (fault.kind === 'slow' ? fault.perByte : undefined)),
  };
}

function renderBody(answer: Answer, faults: readonly Fault[]): readonly Buffer[] {
  const lateEnds = faults.filter((fault) => fault.kind === 'late-end');
  const junk = lateEnds.flatMap((fault) => (fault.junk === undefined ? [] : [Buffer.from(fault.junk)]));

  if (answer.kind === 'file') return junk;
  if (answer.kind === 'bytes') {
    return [...answer.pieces.map((piece) => Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)), ...junk];
  }
  if (answer.kind === 'json') {
    const text = JSON.stringify(alterDocument(answer.body, faults));
    const malformed = faults.findLast((fault) => fault.kind === 'malformed');
    return [Buffer.from(malformed ? malformedText(malformed.what, text) : text), ...junk];
  }
  if (faults.length > 0) return [...renderEvents(alterEvents(answer.events, faults), faults), ...junk];

  let rendering = renderings.get(answer.events);
  if (rendering === undefined) {
    rendering = renderEvents(answer.events, []);
    renderings.set(answer.events, rendering);
  }
  return rendering;
}

/** Where things are in a body. */
interface Layout {
  readonly size: number;
  /** Where the event of this number begins, or the end where there are not so many. */
  startOf(event: number): number;
  /** The last two bytes or more before an offset. */
  before(offset: number): Uint8Array;
}

function framesLayout(frames: readonly Buffer[]): Layout {
  return {
    size: byteLength(frames),
    startOf: (event) => byteLength(frames.slice(0, event)),
    before: (offset) => bytesBefore(frames, offset),
  };
}

/** A line counts as an event. */
function fileLayout({ size, read }: FileAnswer, behind: readonly Buffer[]): Layout {
  return {
    size: size + byteLength(behind),
    startOf: (line) => startOfLine({ size, read }, line),
    before: (offset) => read(Math.max(0, offset - 2), Math.min(2, offset)),
  };
}

function startOfLine({ size, read }: Pick<FileAnswer, 'size' | 'read'>, line: number): number {
  let lines = 0;
  for (let start = 0; start < size && lines < line; start += filePiece) {
    const piece = read(start, filePiece);
    for (let index = piece.indexOf('\n'); index >= 0; index = piece.indexOf('\n', index + 1)) {
      lines += 1;
      if (lines === line) return start + index + 1;
    }
  }
  return line === 0 ? 0 : size;
}

/** How much of a file is read at once, in bytes. */
export const filePiece = 65_536;

/** Stops before the headers have a negative offset. */
function placeStops(layout: Layout, isEventStream: boolean, faults: readonly Fault[]): readonly PlacedStop[] {
  if (faults.length === 0) return [];
  const offsetOf = (position: Position): number => {
    if (position === 'before-headers') return -1;
    const { events = 0, bytes = 0 } = position === 'after-headers' ? {} : position;
    return Math.min(layout.startOf(events) + bytes, total);
  };
  const total = layout.size;

  const stops = faults.flatMap((fault): readonly PlacedStop[] => {
    switch (fault.kind) {
      case 'truncate': {
        if (fault.at === undefined && !isEventStream) return [{ offset: Math.floor(total / 2), stop: { act: 'end' } }];
        const offset = fault.at === undefined ? total : offsetOf(fault.at);
        const lineEnd = fault.blankLine === false ? lastLineEndLength(layout.before(offset)) : 0;
        return [{ offset: offset - lineEnd, stop: { act: 'end' } }];
      }
      case 'reset':
        return [{ offset: offsetOf(fault.at ?? { events: 1 }), stop: { act: 'cut', how: fault.how ?? 'rst' } }];
      case 'stall':
        return [{ offset: offsetOf(fault.at ?? { events: 1 }), stop: { act: 'stall', delay: fault.for ?? Infinity, pingEvery: fault.pingEvery } }];
      case 'late-end':
        return [{ offset: total, stop: { act: 'stall', delay: fault.for ?? Infinity, pingEvery: undefined } }];
      case 'status':
        return fault.hang === true ? [{ offset: Math.floor(total / 2), stop: { act: 'stall', delay: Infinity, pingEvery: undefined } }] : [];
      default:
        return [];
    }
  });
  // At the same place, a stall comes before an end: the other way round it could never happen.
  return stops.toSorted((a, b) => a.offset - b.offset || Number(b.stop.act === 'stall') - Number(a.stop.act === 'stall'));
}

/** The last two bytes or so before an offset. */
function bytesBefore(frames: readonly Buffer[], offset: number): Uint8Array {
  let start = 0;
  for (const frame of frames) {
    if (offset <= start + frame.length) return frame.subarray(0, offset - start);
    start += frame.length;
  }
  return Buffer.alloc(0);
}

function byteLength(frames: readonly Buffer[]): number {
  return frames.reduce((length, frame) => length + frame.length, 0);
}

function sum(faults: readonly Fault[], delayOf: (fault: Fault) => number | undefined): number {
  return faults.reduce((total, fault) => total + (delayOf(fault) ?? 0), 0);
}
