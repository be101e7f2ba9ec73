import { Subscription, type SchedulerLike } from 'rxjs';

/**
 * Calls back when something has lasted for too long. It may begin anew with every event of a stream: that costs a look at
 * the clock, because the timer that runs already is looked at when it fires, and only then made longer.
 */
export class Watchdog {
  readonly #limitMs: number;
  readonly #scheduler: SchedulerLike;
  readonly #onLimit: () => void;
  #since: number | undefined;
  #timer = Subscription.EMPTY;

  /** @param limitMs Milliseconds; `Infinity` never calls back. */
  constructor(limitMs: number, scheduler: SchedulerLike, onLimit: () => void) {
    this.#limitMs = limitMs;
    this.#scheduler = scheduler;
    this.#onLimit = onLimit;
  }

  /** The time counts from now on. */
  start(): void {
    if (this.#limitMs === Infinity) return;
    this.#since = this.#scheduler.now();
    if (this.#timer.closed) this.#schedule(this.#limitMs);
  }

  /** Nothing is waited for. */
  pause(): void {
    this.#since = undefined;
  }

  /** Ends its timer. */
  stop(): void {
    this.#since = undefined;
    this.#timer.unsubscribe();
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#scheduler.schedule(() => {
      this.#timer = Subscription.EMPTY;
      this.#look();
    }, delayMs);
  }

  #look(): void {
    if (this.#since === undefined) return;
    const leftMs = this.#since + this.#limitMs - this.#scheduler.now();
    if (leftMs > 0) this.#schedule(leftMs);
    else this.#onLimit();
  }
}
