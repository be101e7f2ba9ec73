import type { Answer } from './answer.js';
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
  /** The body, an event each; a document is a single one. */
  readonly frames: readonly Buffer[];
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
  const frames = renderBody(answer, faults);
  const placedStops = placeStops(frames, isEventStream, faults);
  const split = faults.findLast((fault) => fault.kind === 'split');
  const deprecated = faults.findLast((fault) => fault.kind === 'deprecated');

  return {
    status: answer.status,
    headers: {
      ...(answer.kind === 'events' && { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }),
      ...(answer.kind === 'json' && { 'content-type': 'application/json' }),
      ...answer.headers,
      ...(deprecated && { 'x-model-deprecation-timestamp': deprecated.timestamp ?? '2026-12-31T00:00:00Z' }),
    },
    frames,
    isEventStream,
    isDocument: answer.kind === 'json' || (answer.kind === 'bytes' && answer.isDocument),
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

/** Stops before the headers have a negative offset. */
function placeStops(frames: readonly Buffer[], isEventStream: boolean, faults: readonly Fault[]): readonly PlacedStop[] {
  if (faults.length === 0) return [];
  const offsetOf = (position: Position): number => {
    if (position === 'before-headers') return -1;
    const { events = 0, bytes = 0 } = position === 'after-headers' ? {} : position;
    return Math.min(byteLength(frames.slice(0, events)) + bytes, total);
  };
  const total = byteLength(frames);

  const stops = faults.flatMap((fault): readonly PlacedStop[] => {
    switch (fault.kind) {
      case 'truncate': {
        if (fault.at === undefined && !isEventStream) return [{ offset: Math.floor(total / 2), stop: { act: 'end' } }];
        const offset = fault.at === undefined ? total : offsetOf(fault.at);
        const lineEnd = fault.blankLine === false ? lastLineEndLength(bytesBefore(frames, offset)) : 0;
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
