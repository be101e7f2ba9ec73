import { performance } from 'node:perf_hooks';

import type { FileAnswer } from './answer.js';
import type { Exchange } from './exchange.js';
import { filePiece, type ResponsePlan, type Stop } from './responsePlan.js';

/** How fast responses are written. */
export interface Pace {
  /** Between two events, in ms. */
  readonly chunkDelay: number;
  /** Instead of `chunkDelay`. */
  readonly tokensPerSecond: number | undefined;
  readonly writes: 'burst' | 'one-per-event' | 'coalesced';
}

/** Plays a planned response to its end, whichever it is; resolves early when the response is over before. */
export async function writeResponse(exchange: Exchange, plan: ResponsePlan, pace: Pace): Promise<void> {
  for (const stop of plan.beforeHeaders) {
    if (await ends(exchange, stop)) return;
  }
  if (isPlain(plan)) {
    const [body = Buffer.alloc(0)] = plan.frames;
    exchange.writeWhole(plan.status, plan.headers, body);
    return;
  }
  exchange.writeHead(plan.status, plan.headers);
  await writeBody(exchange, plan, pace);
}

function isPlain(plan: ResponsePlan): boolean {
  return plan.isDocument && plan.frames.length <= 1 && plan.stops.length === 0 && plan.pieceSize === undefined && plan.delayPerByte === 0;
}

async function writeBody(exchange: Exchange, plan: ResponsePlan, pace: Pace): Promise<void> {
  const progress = new Progress(plan, pace);
  const turnAfterEach = plan.oneWriteEach || plan.pieceSize !== undefined || pace.writes === 'one-per-event';
  const write = (bytes: Uint8Array): void => {
    progress.add(bytes.length);
    exchange.write(bytes, plan.isEventStream ? progress.events : 0);
  };
  let nextStop = 0;

  for (const piece of piecesOf(plan, pace)) {
    let rest: Uint8Array = piece;
    for (
      let placed = plan.stops[nextStop];
      placed !== undefined && placed.offset <= progress.offset + rest.length;
      placed = plan.stops[nextStop]
    ) {
      nextStop += 1;
      const head = rest.subarray(0, placed.offset - progress.offset);
      rest = rest.subarray(head.length);
      if (head.length > 0) write(head);
      if (await ends(exchange, placed.stop)) return;
    }
    if (rest.length > 0) write(rest);

    if (exchange.response.writableNeedDrain) await exchange.drained();
    const wait = progress.takeWait();
    if (wait > 0) await exchange.pause(wait);
    else if (turnAfterEach) await exchange.turn();
    if (exchange.closed) return;
  }
  // Reached only by an empty body: elsewhere the last piece passes the last stop.
  for (const { stop } of plan.stops.slice(nextStop)) {
    if (await ends(exchange, stop)) return;
  }
  exchange.end();
}

function* piecesOf(plan: ResponsePlan, pace: Pace): Iterable<Buffer> {
  const { frames, file, pieceSize } = plan;
  if (pieceSize !== undefined) yield* recut(file ? filePieces(plan, file) : [joined(frames)], pieceSize);
  else if (file !== undefined) yield* filePieces(plan, file);
  else if (plan.coalesced || pace.writes === 'coalesced') yield joined(frames);
  else yield* frames;
}

function* filePieces({ frames }: ResponsePlan, { size, read }: FileAnswer): Iterable<Buffer> {
  for (let start = 0; start < size; start += filePiece) yield read(start, Math.min(filePiece, size - start));
  yield* frames;
}

/** The same bytes in pieces of these sizes. */
function* recut(pieces: Iterable<Buffer>, nextSize: () => number): Iterable<Buffer> {
  let size = nextSize();
  let rest: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    const given = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let start = 0;
    while (given.length - start >= size) {
      yield given.subarray(start, start + size);
      start += size;
      size = nextSize();
    }
    rest = given.subarray(start);
  }
  if (rest.length > 0) yield rest;
}

// Like the rendering itself (see responsePlan.ts), for answers that are given many times.
const bodies = new WeakMap<readonly Buffer[], Buffer>();

function joined(frames: readonly Buffer[]): Buffer {
  let body = bodies.get(frames);
  if (body === undefined) {
    body = Buffer.concat(frames);
    bodies.set(frames, body);
  }
  return body;
}

/** Lets a stop happen; tells whether the response has ended with it. */
async function ends(exchange: Exchange, stop: Stop): Promise<boolean> {
  switch (stop.act) {
    case 'stall':
      await stall(exchange, stop.delay, stop.pingEvery ?? Infinity);
      return exchange.closed;
    case 'end':
      exchange.end();
      return true;
    case 'cut':
      // Or what has been written would be lost with the socket.
      await exchange.flushed();
      if (stop.how === 'rst' && exchange.response.headersSent) {
        await exchange.pause(resetDistance);
        // A client in this same process reads before the turn ends, however late the timer was.
        await exchange.turn();
      }
      exchange.cut(stop.how);
      return true;
  }
}

// In ms. Node's clients take a reset that arrives together with data for a plain end of the connection (libuv, on EPOLLHUP
// after a short read), so the data gets a head start.
const resetDistance = 20;

async function stall(exchange: Exchange, delay: number, pingEvery: number): Promise<void> {
  const until = performance.now() + delay;
  while (!exchange.closed) {
    const left = until - performance.now();
    await exchange.pause(Math.min(left, pingEvery));
    if (left <= pingEvery) return;
    if (exchange.response.headersSent) exchange.write(ping, exchange.record.eventsWritten);
  }
}

const ping = Buffer.from(': ping\n\n');

/** How far a body has come, and how long to wait before its next piece. */
class Progress {
  offset = 0;
  /** Whole ones. */
  events = 0;

  readonly #plan: ResponsePlan;
  readonly #pace: Pace;
  readonly #startedAt = performance.now();
  #endOfNextEvent: number;
  #wait = 0;

  constructor(plan: ResponsePlan, pace: Pace) {
    this.#plan = plan;
    this.#pace = pace;
    // The lines of a file are not counted.
    this.#endOfNextEvent = (plan.file ? undefined : plan.frames[0]?.length) ?? Infinity;
  }

  add(length: number): void {
    const { frames, delayPerByte, delayPerEvent } = this.#plan;
    const eventsBefore = this.events;
    this.offset += length;
    while (this.offset >= this.#endOfNextEvent) {
      this.events += 1;
      this.#endOfNextEvent += frames[this.events]?.length ?? Infinity;
    }
    this.#wait += delayPerByte * length;
    if (this.events > eventsBefore && this.events < frames.length) this.#wait += delayPerEvent + this.#pace.chunkDelay;
  }

  /** In ms. A timer's grain is 1 ms: what is less is kept for the next time. */
  takeWait(): number {
    let wait = this.#wait;
    const { tokensPerSecond } = this.#pace;
    if (tokensPerSecond !== undefined && !this.#plan.file && this.events < this.#plan.frames.length) {
      wait += this.#startedAt + (this.events * 1000) / tokensPerSecond - performance.now();
    }
    if (wait < 1) return 0;
    this.#wait = 0;
    return wait;
  }
}
