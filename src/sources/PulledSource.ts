import { isObservable, type SchedulerLike, type Subscriber, type Subscription, throwError } from 'rxjs';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { InputSource } from '../operators/BoundedProjection.js';

/** What values can be asked of, one by one. */
export type Pullable<T> = Iterable<T> | AsyncIterable<T> | ReadableStream<T>;

/** Whether values can be asked of `source`. Text is no source of its characters here: it is a mistake. */
export function isPullable(source: unknown): source is Pullable<unknown> {
  if (typeof source !== 'object' || source === null || isObservable(source)) return false;
  return hasMethod(source, 'getReader') || hasMethod(source, Symbol.asyncIterator) || hasMethod(source, Symbol.iterator);
}

/** Takes what was asked for. */
interface Receiver<T> {
  readonly push: (input: T) => void;
  readonly end: (failure?: { readonly error: unknown }) => void;
  readonly fill: () => void;
  readonly isFailed: boolean;
}

// The event loop gets a turn when this long has passed; the clock is looked at every so often.
const turnMs = 20;
const asksPerLook = 64;

/** An iterator or reader, asked for one value at a time and closed when nobody listens any more. */
export class PulledSource<T> implements InputSource {
  readonly #source: Pullable<T>;
  readonly #scheduler: SchedulerLike;
  readonly #subscriber: Subscriber<unknown>;
  #receiver: Receiver<T> | undefined;
  #iterator: Pick<AsyncIterator<T> | Iterator<T>, 'next' | 'return'> | undefined;
  #isEnded = false;
  // A generator that is running cannot be closed; one that awaits can be told to.
  #isRunning = false;
  #isAwaited = false;
  #asks = 0;
  #turnEndsAt = 0;
  #pause: Subscription | undefined;

  constructor(source: Pullable<T>, scheduler: SchedulerLike, subscriber: Subscriber<unknown>) {
    this.#source = source;
    this.#scheduler = scheduler;
    this.#subscriber = subscriber;
  }

  /** Begins to iterate, and gives `receiver` what it asks for. */
  open(receiver: Receiver<T>): void {
    this.#receiver = receiver;
    try {
      this.#iterator = iteratorOf(this.#source);
    } catch (error) {
      this.#end({ error });
      return;
    }
    this.#turnEndsAt = this.#scheduler.now() + turnMs;
    this.#subscriber.add(() => {
      this.#pause?.unsubscribe();
      if (!this.#isRunning) this.#close();
    });
    receiver.fill();
  }

  ask(): void {
    this.#asks += 1;
    if (this.#asks % asksPerLook === 0 && this.#scheduler.now() >= this.#turnEndsAt) {
      // A timer, because promises and immediate values alone never let one fire.
      this.#pause = this.#scheduler.schedule(() => {
        this.#turnEndsAt = this.#scheduler.now() + turnMs;
        this.#next();
      }, 0);
    } else {
      this.#next();
    }
  }

  #next(): void {
    let result: IteratorResult<T> | PromiseLike<IteratorResult<T>> | undefined;
    try {
      this.#isRunning = true;
      result = this.#iterator?.next();
    } catch (error) {
      this.#isRunning = false;
      this.#end({ error });
      return;
    }
    this.#isRunning = false;
    if (isPromiseLike(result)) {
      this.#isAwaited = true;
      result.then(
        (settled) => {
          this.#isAwaited = false;
          this.#take(settled);
        },
        (error: unknown) => {
          this.#end({ error });
        },
      );
      // Its own step has ended it all.
      if (this.#subscriber.closed) this.#close();
    } else {
      this.#take(result);
    }
  }

  #take(result: IteratorResult<T, T> | undefined): void {
    let next: { readonly done: boolean; readonly value: T };
    try {
      next = readResult(result);
    } catch (error) {
      this.#end({ error });
      return;
    }
    if (next.done) this.#end();
    else if (this.#subscriber.closed) this.#close();
    else this.#receiver?.push(next.value);
  }

  #end(failure?: { readonly error: unknown }): void {
    this.#isEnded = true;
    this.#receiver?.end(failure);
  }

  #close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const source = this.#source;
    // What is waited for may never come, and the `return()` of such a stream waits with it.
    if (this.#isAwaited && hasMethod(source, 'destroy')) source.destroy();
    try {
      const closed: unknown = this.#iterator?.return?.();
      if (isPromiseLike(closed)) {
        closed.then(undefined, (error: unknown) => {
          this.#report(error);
        });
      }
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    // As in a loop of the language: the error that closes it is the one that counts.
    if (this.#receiver?.isFailed) return;
    // Rxjs reports what nobody handles.
    throwError(() => error).subscribe();
  }
}

// Getters of a hand-made result may throw.
function readResult<T>(result: IteratorResult<T, T> | undefined): { readonly done: boolean; readonly value: T } {
  if (typeof result !== 'object') throw new TypeError('The iterator of `source` gave a result that is no object');
  const { done, value } = result;
  return { done: Boolean(done), value };
}

const read = new WeakSet();

function iteratorOf<T>(source: Pullable<T>): Pick<AsyncIterator<T> | Iterator<T>, 'next' | 'return'> {
  if ('getReader' in source) {
    expectUnread(source);
    return readerOf(source);
  }
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  // A generator object is its own iterator; a stream of Node is consumed by the first.
  if ((iterator as unknown) === source || hasMethod(source, 'destroy')) expectUnread(source);
  return iterator;
}

function expectUnread(source: object): void {
  if (read.has(source)) {
    throw new RxMistralError({ kind: 'validation', message: '`source` can be read only once: give an iterable that begins anew' });
  }
  read.add(source);
}

function readerOf<T>(stream: ReadableStream<T>): Pick<AsyncIterator<T>, 'next' | 'return'> {
  const reader = stream.getReader();
  return {
    async next() {
      let isRead = false;
      try {
        const { done, value } = await reader.read();
        if (done) return { done, value: undefined };
        isRead = true;
        return { done, value };
      } finally {
        // Ended or broken: it is its owner's again.
        if (!isRead) reader.releaseLock();
      }
    },
    async return() {
      try {
        await reader.cancel();
      } finally {
        reader.releaseLock();
      }
      return { done: true, value: undefined };
    },
  };
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && hasMethod(value, 'then');
}

function hasMethod<Name extends PropertyKey>(value: object, name: Name): value is Record<Name, () => unknown> {
  return typeof Reflect.get(value, name) === 'function';
}
