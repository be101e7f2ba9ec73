import { from, identity, type ObservableInput, type Subscriber, throwIfEmpty } from 'rxjs';
import { RxMistralError } from '../errors/RxMistralError.js';
import { subscribeWithin } from './subscribeWithin.js';

/** Where a projection gets its inputs: it asks for one when a place is free, and is given one at any time after. */
export interface InputSource {
  /** Asks for one input. Never called again before the answer. */
  readonly ask: () => void;
}

/** How inputs become results. */
export interface Projecting<T, R, Out> {
  readonly project: (input: T, index: number) => ObservableInput<R>;
  readonly concurrency: number;
  readonly ordered: boolean;
  /** The most values that wait for their turn, where `ordered`. */
  readonly maxBuffered: number;
  /** Makes the result of each input of its last value, or of its error. Without it values pass, and an error is the end. */
  readonly settle?:
    | {
        readonly fulfilled: (value: R, input: T, index: number) => Out;
        readonly rejected: (reason: unknown, input: T, index: number) => Out;
      }
    | undefined;
}

/** One input on its way. */
interface Place<T, R, Out> {
  readonly input: T;
  readonly index: number;
  isOpen: boolean;
  /** With `settle`: the last value so far. */
  last: R | undefined;
  /** What waits for its turn. */
  waiting: Out[];
}

/**
 * Maps inputs, several at once: what `pullMap` and `mapSettled` have in common. An input is asked for only when a place is
 * free, and asking is a loop, not a call of a call: a million projects that end at once do not grow the stack.
 */
export class BoundedProjection<T, R, Out> {
  readonly #subscriber: Subscriber<Out>;
  readonly #how: Projecting<T, R, Out>;
  readonly #source: InputSource;
  // Where `ordered`: those whose turn has not passed.
  readonly #open = new Map<number, Place<T, R, Out>>();
  #index = 0;
  // Where `ordered`: whose values pass at once. All before it have ended.
  #turn = 0;
  #active = 0;
  #buffered = 0;
  #isAsking = false;
  #isLooping = false;
  #isTelling = false;
  #isEnded = false;
  #isFailed = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(subscriber: Subscriber<Out>, how: Projecting<T, R, Out>, source: InputSource) {
    this.#subscriber = subscriber;
    this.#how = how;
    this.#source = source;
  }

  /** Whether it has ended with an error of its own: of a project, or of a bound. */
  get isFailed(): boolean {
    return this.#isFailed;
  }

  /** Asks for as much as there are places; returns when the next input has to be waited for. */
  fill(): void {
    if (this.#isLooping) return;
    this.#isLooping = true;
    while (!this.#subscriber.closed && !this.#isEnded && !this.#isAsking && this.#hasPlace()) {
      this.#isAsking = true;
      this.#source.ask();
    }
    this.#isLooping = false;
    if (this.#isEnded && this.#active === 0 && !this.#isTelling && !this.#subscriber.closed) this.#finish();
  }

  /** The input that was asked for. */
  push(input: T): void {
    this.#isAsking = false;
    const index = this.#index;
    this.#index += 1;
    this.#active += 1;
    const place: Place<T, R, Out> = { input, index, isOpen: true, last: undefined, waiting: [] };
    if (this.#how.ordered) this.#open.set(index, place);
    let result: ObservableInput<R>;
    try {
      result = this.#how.project(input, index);
    } catch (error) {
      this.#fail(place, error);
      return;
    }
    // The project itself may have ended it all; a promise has to be heard all the same.
    if (this.#subscriber.closed && !(result instanceof Promise)) return;
    this.#subscribe(place, result);
    this.fill();
  }

  /** There are no more inputs; where there is an error, it is told when all that are on their way have ended. */
  end(failure?: { readonly error: unknown }): void {
    this.#isAsking = false;
    this.#isEnded = true;
    this.#failure = failure;
    this.fill();
  }

  #hasPlace(): boolean {
    const { concurrency, ordered } = this.#how;
    return this.#active < concurrency && (!ordered || this.#index - this.#turn <= concurrency);
  }

  #subscribe(place: Place<T, R, Out>, result: ObservableInput<R>): void {
    // A Promise needs no Observable around it: half of the time is saved.
    if (result instanceof Promise) {
      (result as Promise<R>).then(
        (value) => {
          if (this.#subscriber.closed) return;
          this.#take(place, value);
          this.#close(place);
        },
        (error: unknown) => {
          if (!this.#subscriber.closed) this.#fail(place, error);
        },
      );
      return;
    }
    try {
      const values = from(result).pipe(this.#how.settle === undefined ? identity : throwIfEmpty());
      subscribeWithin(this.#subscriber, values, {
        next: (value) => {
          this.#take(place, value);
        },
        error: (error: unknown) => {
          this.#fail(place, error);
        },
        complete: () => {
          this.#close(place);
        },
      });
    } catch (error) {
      // It was nothing that can be subscribed to.
      this.#fail(place, error);
    }
  }

  #take(place: Place<T, R, Out>, value: R): void {
    if (this.#how.settle !== undefined) place.last = value;
    // Without `settle` values pass as they are.
    else this.#emit(place, value as unknown as Out);
  }

  #emit(place: Place<T, R, Out>, out: Out): void {
    if (!this.#how.ordered || (place.index === this.#turn && !this.#isTelling)) {
      this.#subscriber.next(out);
      return;
    }
    place.waiting.push(out);
    this.#buffered += 1;
    if (this.#buffered <= this.#how.maxBuffered) return;
    const message = `More than ${this.#how.maxBuffered} values wait for those of an input before them (\`maxBuffered\`)`;
    this.#end(new RxMistralError({ kind: 'limit', message }));
  }

  #end(error: unknown): void {
    this.#isFailed = true;
    this.#subscriber.error(error);
  }

  #fail(place: Place<T, R, Out>, error: unknown): void {
    const { settle } = this.#how;
    if (settle === undefined) this.#end(error);
    else this.#settle(place, settle.rejected(error, place.input, place.index));
  }

  #close(place: Place<T, R, Out>): void {
    const { settle } = this.#how;
    if (settle === undefined) this.#leave(place);
    else this.#settle(place, settle.fulfilled(place.last as R, place.input, place.index));
  }

  #settle(place: Place<T, R, Out>, out: Out): void {
    this.#emit(place, out);
    this.#leave(place);
  }

  #leave(place: Place<T, R, Out>): void {
    if (this.#subscriber.closed) return;
    place.isOpen = false;
    this.#active -= 1;
    if (this.#how.ordered) this.#passTurn();
    this.fill();
  }

  // The places behind one that has ended: each tells what has waited, and the first that is open has its turn. What is
  // emitted while they are told waits behind it.
  #passTurn(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let place = this.#open.get(this.#turn); place !== undefined; place = this.#open.get(this.#turn)) {
      for (const out of place.waiting) {
        if (this.#subscriber.closed) return;
        this.#buffered -= 1;
        this.#subscriber.next(out);
      }
      place.waiting = [];
      if (place.isOpen) break;
      this.#open.delete(this.#turn);
      this.#turn += 1;
    }
    this.#isTelling = false;
  }

  #finish(): void {
    if (this.#failure === undefined) this.#subscriber.complete();
    else this.#subscriber.error(this.#failure.error);
  }
}
