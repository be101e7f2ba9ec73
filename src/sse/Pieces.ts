import { type Observable, type SchedulerLike, Subject, Subscription } from 'rxjs';
import { Watchdog } from './Watchdog.js';

const comment = ':\n\n';

/** A piece of a stream: its text, or, where several clients get the same one, its bytes, which nobody may change. */
export type Piece = string | Uint8Array;

/** Who takes a stream piece by piece. */
export interface PieceTaker {
  /** Takes a piece; `false` where it wants no more for now. */
  readonly take: (piece: Piece) => boolean;
  /** There are no more. */
  readonly end: () => void;
}

/** What gives pieces to who asks. */
export interface PieceSource {
  /** More is wanted: what is there is given at once, and what comes as soon as it is there, until the taker has enough. */
  resume(taker: PieceTaker): void;
}

/** Where pieces come from, and how. */
export interface PieceSettings<Page> {
  /** The next page, as soon as there is one: emits it and completes; completes without one at the end. */
  readonly read: () => Observable<Page>;
  /** What it says; `undefined` is the end. It may throw. */
  readonly pieceOf: (page: Page) => Piece | undefined;
  /** The first piece, if there is one before all others. */
  readonly prelude?: Piece | undefined;
  /** A comment is given where nothing has come for so long, in milliseconds; `Infinity` for none. */
  readonly heartbeat: number;
  readonly scheduler: SchedulerLike;
}

/**
 * The stream of one client, each piece made when it is asked for.
 *
 * ```
 * taker     resume           resume
 * read      -a b|               c--------d
 * taken       a b (enough)      c----:---d      ':' a heartbeat
 * ```
 *
 * By callbacks, and not as an Observable of Observables: each of a thousand clients waits anew behind each event of the stream that they
 * share, and a chain of operators for every such wait costs several times what writing the event does.
 */
export class Pieces<Page> implements PieceSource {
  readonly #settings: PieceSettings<Page>;
  readonly #watchdog: Watchdog;
  readonly #failed = new Subject<never>();
  /** Fails as the reading does. */
  readonly failed = this.#failed.asObservable();
  // One for all reads.
  readonly #observer = {
    next: (page: Page): void => {
      this.#page = page;
    },
    error: (error: unknown): void => {
      this.#fail(error);
    },
    complete: (): void => {
      this.#take();
    },
  };
  #prelude: Piece | undefined;
  #taker: PieceTaker | undefined;
  #isWanted = false;
  #isClosed = false;
  // From the subscription of a read to its completion, which may come before `subscribe` returns.
  #isReading = false;
  #isFlowing = false;
  #reading = Subscription.EMPTY;
  #page: Page | undefined;

  constructor(settings: PieceSettings<Page>) {
    this.#settings = settings;
    this.#prelude = settings.prelude;
    this.#watchdog = new Watchdog(settings.heartbeat, settings.scheduler, () => {
      this.#beat();
    });
  }

  resume(taker: PieceTaker): void {
    this.#taker = taker;
    this.#isWanted = true;
    this.#flow();
  }

  /** Ends a read that is waited for, and its timer. Nothing is given any more. */
  close(): void {
    this.#isClosed = true;
    this.#watchdog.stop();
    this.#reading.unsubscribe();
  }

  // A loop, so that a store that answers at once does not deepen the stack with every page.
  #flow(): void {
    if (this.#isFlowing) return;
    this.#isFlowing = true;
    while (this.#isWanted && !this.#isReading && !this.#isClosed) {
      if (this.#prelude === undefined) this.#read();
      else {
        const piece = this.#prelude;
        this.#prelude = undefined;
        this.#give(piece);
      }
    }
    this.#isFlowing = false;
  }

  #read(): void {
    this.#isReading = true;
    this.#page = undefined;
    try {
      this.#reading = this.#settings.read().subscribe(this.#observer);
    } catch (error) {
      // Of a store that throws where it should fail.
      this.#fail(error);
    }
    if (this.#isClosed) this.#reading.unsubscribe();
    else if (!this.#reading.closed) this.#watchdog.start();
  }

  #take(): void {
    this.#isReading = false;
    this.#watchdog.pause();
    const page = this.#page;
    this.#page = undefined;
    let piece: Piece | undefined;
    try {
      piece = page === undefined ? undefined : this.#settings.pieceOf(page);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (piece === undefined) {
      this.#isWanted = false;
      this.#taker?.end();
      return;
    }
    this.#give(piece);
    this.#flow();
  }

  #beat(): void {
    // The read that is waited for is begun anew when more is wanted: until then nothing may come of it.
    this.#reading.unsubscribe();
    this.#isReading = false;
    this.#give(comment);
    this.#flow();
  }

  #give(piece: Piece): void {
    this.#isWanted = this.#taker?.take(piece) ?? false;
  }

  #fail(error: unknown): void {
    this.#isReading = false;
    this.close();
    this.#failed.error(error);
  }
}
