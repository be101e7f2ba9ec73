import {
  AsyncSubject,
  asyncScheduler,
  catchError,
  defer,
  EMPTY,
  finalize,
  merge,
  type Observable,
  type ObservableInput,
  of,
  switchMap,
  tap,
  throwError,
} from 'rxjs';
import { RxMistralError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import type { ReplayEvent, ReplayPage, ReplayPlace } from '../events/ReplayStore.js';
import { EventEncoder, eventText } from './EventEncoder.js';
import { EventQueue } from './EventQueue.js';
import { type Piece, Pieces, type PieceSettings, type PieceSource } from './Pieces.js';
import { recordEvents } from './recordEvents.js';
import type { CommonServingOptions, ServingOptions, SharedServingOptions, UnsharedServingOptions } from './ServingOptions.js';
import { tellError } from './tellError.js';
import { whenSettled } from './whenSettled.js';

/** What a client gets, as HTTP has it. */
export type Serving =
  | { readonly status: 200; readonly pieces: PieceSource }
  | { readonly status: 204 }
  | { readonly status: 404 | 410; readonly error: RxMistralError };

const defaultHeartbeat = 15_000;
const defaultGracePeriod = 30_000;
const defaultMaxBuffered = 1_048_576;
// What is taken of a store at once, and about how much of it a client holds that does not read: one event may be more.
const pageSize = 64;
const pieceSize = 65_536;

/**
 * Opens the stream of one client: emits what it gets, and holds it open for as long as it is subscribed. Nothing is read ahead
 * of the client: without a store its events wait in a queue, with one it holds nothing but its place. Fails, as the reading does,
 * when the client is to be given up.
 */
export function openServing<T>(source: ObservableInput<T> | undefined, options: ServingOptions<T>): Observable<Serving> {
  return defer(() => (options.replay === undefined ? openUnshared(source ?? EMPTY, options) : openShared(source, options))).pipe(
    // What a store throws.
    catchError((error: unknown) => throwError(() => toRxMistralError(error))),
  );
}

function openUnshared<T>(source: ObservableInput<T>, options: UnsharedServingOptions<T>): Observable<Serving> {
  const { id = () => '', event, maxBuffered = defaultMaxBuffered } = options;
  const queue = new EventQueue(source, new EventEncoder({ id, errorId: () => '', event }), maxBuffered);
  const read = queue.read();
  const opened = open(options, { read: () => read, pieceOf: (events) => events.map(eventText).join('') });
  return merge(opened, queue.overflow).pipe(
    finalize(() => {
      queue.close();
    }),
  );
}

function openShared<T>(source: ObservableInput<T> | undefined, options: SharedServingOptions<T>): Observable<Serving> {
  const { replay, key } = options;
  const lastEventId = options.lastEventId ?? '';
  const after = Number(lastEventId);
  // An id that this library has never given is behind no event.
  const join = defer(() => (/^\d{0,15}$/.test(lastEventId) ? replay.join(key, after) : of<ReplayPlace>('expired')));
  return defer(() => (source === undefined || lastEventId !== '' ? of(false) : begin(source, options))).pipe(
    switchMap(() => join),
    switchMap((place) => servingOf(place, after, options)),
  );
}

// The pieces of a stream, for as long as it is subscribed.
function open<Page>(
  { heartbeat = defaultHeartbeat, retry, scheduler = asyncScheduler }: CommonServingOptions<never>,
  reading: Pick<PieceSettings<Page>, 'read' | 'pieceOf'>,
): Observable<Serving> {
  return defer(() => {
    const prelude = retry === undefined ? undefined : `retry: ${retry}\n\n`;
    const pieces = new Pieces({ ...reading, prelude, heartbeat: heartbeat === false ? Infinity : heartbeat, scheduler });
    return merge(of<Serving>({ status: 200, pieces }), pieces.failed).pipe(
      finalize(() => {
        pieces.close();
      }),
    );
  });
}

// Makes the stream, and writes it where it was not there already. Not a part of the connection, which may be lost at any time:
// a stream that was made is written.
function begin<T>(source: ObservableInput<T>, options: SharedServingOptions<T>): Observable<boolean> {
  const { replay: store, key, event, onDisconnect, maxBuffered = defaultMaxBuffered, scheduler = asyncScheduler } = options;
  const gracePeriod = onDisconnect === 'stop' ? 0 : (onDisconnect?.gracePeriod ?? defaultGracePeriod);
  const nextId = (index: number): number => index + 1;
  const encoder = new EventEncoder<T, number>({ id: (_, index) => nextId(index), errorId: nextId, event });
  const record = (): void => {
    recordEvents({ source, encoder, store, key, gracePeriod, maxBuffered, scheduler }).subscribe({
      error: (error: unknown) => {
        // With nobody to tell, rxjs reports it.
        if (options.onError === undefined) throw error;
        tellError(options, error);
      },
    });
  };
  const begun = new AsyncSubject<boolean>();
  whenSettled(store.create(key))
    .pipe(tap((isCreated) => { if (isCreated) record(); }))
    .subscribe(begun);
  return begun;
}

function servingOf<T>(place: ReplayPlace, lastEventId: number, options: SharedServingOptions<T>): Observable<Serving> {
  switch (place) {
    case 'open':
      return openReplay(lastEventId, options);
    case 'ended':
      return of({ status: 204 });
    case 'expired':
      return of({ status: 410, error: goneError() });
    case 'unknown':
      return of(lastEventId > 0 ? { status: 410, error: goneError() } : { status: 404, error: unknownError() });
  }
}

function openReplay<T>(lastEventId: number, options: SharedServingOptions<T>): Observable<Serving> {
  const { replay, key } = options;
  return defer(() => {
    let after = lastEventId;
    const pieceOf = (page: ReplayPage): Piece | undefined => {
      if (page.place === 'ended') return undefined;
      if (page.place !== 'open') throw behindError();
      const { bytes, lastId } = sharedPieceOf(page.events);
      after = lastId;
      return bytes;
    };
    return open(options, { read: () => replay.read(key, after, pageSize), pieceOf });
  });
}

interface SharedPiece {
  readonly bytes: Uint8Array;
  /** The id of its last event. */
  readonly lastId: number;
}

// A page that a store gives to many readers is made a piece once for all of them, and their sockets, which may hold it for long, hold
// the same bytes.
const sharedPieces = new WeakMap<readonly ReplayEvent[], SharedPiece>();
const utf8 = new TextEncoder();

function sharedPieceOf(events: readonly ReplayEvent[]): SharedPiece {
  const made = sharedPieces.get(events);
  if (made !== undefined) return made;
  let text = '';
  let lastId = 0;
  for (const event of events) {
    const next = eventText(event);
    if (text !== '' && text.length + next.length > pieceSize) break;
    text += next;
    lastId = event.id;
  }
  const piece = { bytes: utf8.encode(text), lastId };
  sharedPieces.set(events, piece);
  return piece;
}

function goneError(): RxMistralError {
  return new RxMistralError({ kind: 'http', status: 410, message: 'The events behind this `Last-Event-ID` are kept no more' });
}

function unknownError(): RxMistralError {
  return new RxMistralError({ kind: 'http', status: 404, message: 'There is no such event stream' });
}

function behindError(): RxMistralError {
  return new RxMistralError({ kind: 'limit', message: 'The client has read too slowly: its next event is kept no more' });
}
