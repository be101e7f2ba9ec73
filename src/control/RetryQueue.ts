import { defer, finalize, type Observable, of, type SchedulerLike, Subject, Subscription } from 'rxjs';

/** What a {@link RetryQueue} is made from. */
export interface RetryQueueOptions {
  /** The most that wait at once. */
  readonly maxWaiting: number;
  /** Takes a retry; `false` where there is none. */
  readonly take: () => boolean;
  /** Takes back a retry that nobody wants any more. */
  readonly giveBack: () => void;
  /** The time until there is one without anybody's doing, in milliseconds that a timer takes. */
  readonly dueIn: () => number;
  /** Runs what is let go. */
  readonly scheduler: SchedulerLike;
  /** Called when one joined, went or left, but for those that `letGo` was called for. */
  readonly onChange: () => void;
}

/**
 * Those who wait for a retry, first come, first served.
 *
 * ```
 * retries  ----r--------r-r----
 * join 1   ----(t|)                 t: true
 * join 2     ------!                unsubscribed: its place is gone, nothing is lost
 * join 3       ---------(t|)
 * join 4         ---------(t|)
 * ```
 *
 * Whoever is let go runs in an action of the scheduler, one behind the other in a loop, never on the stack of the
 * success that let it go: attempts that succeed while they are being started would else each stand on the stack of the
 * one before. The timer runs only while somebody waits.
 */
export class RetryQueue {
  readonly #options: RetryQueueOptions;
  // Sets keep the order, and a place in the middle is given up at no cost.
  readonly #places = new Set<Subject<boolean>>();
  readonly #leaving = new Set<Subject<boolean>>();
  #alarm = Subscription.EMPTY;
  #isRunDue = false;

  constructor(options: RetryQueueOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#places.size;
  }

  /**
   * Waits from its subscription on. Emits `true` when there is a retry for it (at once, where there is one and nobody
   * waits), or `false` at once where `maxWaiting` wait already; then completes. Unsubscribing gives up the place.
   */
  join(): Observable<boolean> {
    return defer(() => {
      const { maxWaiting, take, onChange } = this.#options;
      if (this.#places.size === 0 && this.#leaving.size === 0 && take()) {
        onChange();
        return of(true);
      }
      if (this.#places.size >= maxWaiting) return of(false);
      const place = new Subject<boolean>();
      this.#places.add(place);
      if (this.#places.size === 1) this.#runWhenDue();
      onChange();
      return place.pipe(
        finalize(() => {
          this.#leave(place);
        }),
      );
    });
  }

  /** Lets those go who have waited longest, at most `count`. Returns how many these were. */
  letGo(count: number): number {
    let gone = 0;
    for (const place of this.#places) {
      if (gone === count) break;
      gone += 1;
      this.#places.delete(place);
      this.#leaving.add(place);
    }
    if (gone > 0 && !this.#isRunDue) {
      this.#isRunDue = true;
      this.#runIn(0);
    }
    return gone;
  }

  /** Lets as many go as there are retries, and looks again when the next is due. */
  release(): void {
    while (this.#places.size > 0 && this.#options.take()) {
      this.letGo(1);
      this.#options.onChange();
    }
    if (this.#places.size > 0) this.#runWhenDue();
  }

  #runWhenDue(): void {
    if (!this.#isRunDue) this.#runIn(this.#options.dueIn());
  }

  #runIn(delayMs: number): void {
    this.#alarm.unsubscribe();
    this.#alarm = this.#options.scheduler.schedule(() => {
      this.#run();
    }, delayMs);
  }

  #run(): void {
    // Attempts that succeed at once let others go meanwhile: these are in the set before the loop is at its end.
    this.#isRunDue = true;
    this.release();
    for (const place of this.#leaving) {
      this.#leaving.delete(place);
      place.next(true);
      place.complete();
    }
    this.#isRunDue = false;
    if (this.#places.size > 0) this.#runWhenDue();
  }

  #leave(place: Subject<boolean>): void {
    const { giveBack, onChange } = this.#options;
    if (this.#leaving.delete(place)) {
      // Its retry is the next one's.
      if (this.letGo(1) === 0) giveBack();
    } else if (!this.#places.delete(place)) {
      return;
    }
    if (this.#places.size === 0 && this.#leaving.size === 0) {
      this.#alarm.unsubscribe();
      this.#isRunDue = false;
    }
    onChange();
  }
}
