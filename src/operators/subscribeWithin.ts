import { type Observable, type Observer, type Subscriber, Subscription } from 'rxjs';

/**
 * Subscribes to `source` as a part of `subscriber`'s subscription, and ends with it: also where the source is synchronous
 * and never ends, which emits before `subscribe` has returned anything to unsubscribe from.
 */
export function subscribeWithin<T>(subscriber: Subscriber<unknown>, source: Observable<T>, observer: Observer<T>): void {
  source.subscribe(new LinkedObserver(subscriber, observer));
}

/**
 * An observer that is its own subscription, and a part of another one before its source is subscribed to. rxjs takes an
 * observer that is a subscription too for a subscriber; its own class of them has no public constructor.
 */
class LinkedObserver<T> extends Subscription implements Observer<T> {
  readonly #observer: Observer<T>;

  constructor(whole: Subscription, observer: Observer<T>) {
    super();
    this.#observer = observer;
    whole.add(this);
  }

  next(value: T): void {
    if (!this.closed) this.#observer.next(value);
  }

  error(error: unknown): void {
    this.#end(() => {
      this.#observer.error(error);
    });
  }

  complete(): void {
    this.#end(() => {
      this.#observer.complete();
    });
  }

  // What the source has held is given back before anybody goes on.
  #end(tell: () => void): void {
    if (this.closed) return;
    try {
      this.unsubscribe();
    } finally {
      tell();
    }
  }
}
