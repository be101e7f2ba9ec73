import { defer, map, Observable, type ObservableInput, Subject, type Subscriber, takeUntil } from 'rxjs';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { EventEncoder, OutgoingEvent } from './EventEncoder.js';

/**
 * The events of a source, for one who asks for them: what comes in between waits, up to a bound. An error of the source is
 * its last event.
 *
 * ```
 * source        -a-b-----c-#
 * queue.read()  -(a|)
 * queue.read()     --(b|)
 * queue.read()           -(c|)     a list of all that waits, or of what comes next, as soon as the turn that it came in is over
 * queue.read()              -(e|)
 * queue.read()                |    no list: the source has ended
 * ```
 */
export class EventQueue<T, Id extends number | string> {
  readonly #source: ObservableInput<T>;
  readonly #encoder: EventEncoder<T, Id>;
  readonly #maxBuffered: number;
  // A source that emits while it is being subscribed to must stop at once.
  readonly #closed = new Subject<void>();
  readonly #overflow = new Subject<never>();
  /** Fails when more waits than the bound allows: its reader, which does not read, has no other way to learn of it. */
  readonly overflow = this.#overflow.asObservable();
  #isStarted = false;
  #isServing = false;
  #waiting: OutgoingEvent<Id>[] = [];
  #buffered = 0;
  #end: { readonly error?: RxMistralError } | undefined;
  #reader: Subscriber<OutgoingEvent<Id>[]> | undefined;

  /** @param maxBuffered The most that waits, in characters; an event that nobody has to wait before may be larger. */
  constructor(source: ObservableInput<T>, encoder: EventEncoder<T, Id>, maxBuffered: number) {
    this.#source = source;
    this.#encoder = encoder;
    this.#maxBuffered = maxBuffered;
  }

  /** The events that wait; subscribes to the source when it is first read. */
  read(): Observable<OutgoingEvent<Id>[]> {
    // Constructed: it is the other end of the subscription below.
    return new Observable((reader) => {
      this.#reader = reader;
      this.#start();
      this.#serve();
      return () => {
        if (this.#reader === reader) this.#reader = undefined;
      };
    });
  }

  /** Unsubscribes from the source. */
  close(): void {
    this.#end ??= {};
    this.#waiting = [];
    this.#closed.next();
  }

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    defer(() => this.#source)
      .pipe(
        map((value) => this.#encoder.encode(value)),
        takeUntil(this.#closed),
      )
      .subscribe({
        next: (event) => {
          this.#add(event);
        },
        error: (error: unknown) => {
          this.#end = {};
          this.#add(this.#encoder.encodeError(error));
        },
        complete: () => {
          this.#end ??= {};
          this.#serveSoon();
        },
      });
  }

  #add(event: OutgoingEvent<Id>): void {
    const size = event.data.length;
    if (this.#waiting.length > 0 && this.#buffered + size > this.#maxBuffered) {
      const message = `The client has not read what waits for it: more than ${this.#maxBuffered} characters (\`maxBuffered\`)`;
      const error = new RxMistralError({ kind: 'limit', message });
      this.#end = { error };
      this.close();
      this.#overflow.error(error);
      return;
    }
    this.#waiting.push(event);
    this.#buffered += size;
    this.#serveSoon();
  }

  // What comes in one burst is one piece: the reader, and a socket behind it, have their work once.
  #serveSoon(): void {
    if (this.#isServing || this.#reader === undefined) return;
    this.#isServing = true;
    queueMicrotask(() => {
      this.#isServing = false;
      this.#serve();
    });
  }

  #serve(): void {
    const reader = this.#reader;
    if (reader === undefined || (this.#waiting.length === 0 && this.#end === undefined)) return;
    this.#reader = undefined;
    const events = this.#waiting;
    this.#waiting = [];
    this.#buffered = 0;
    if (events.length > 0) reader.next(events);
    else if (this.#end?.error !== undefined) reader.error(this.#end.error);
    if (!reader.closed) reader.complete();
  }
}
