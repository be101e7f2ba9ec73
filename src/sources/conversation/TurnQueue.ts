import { BehaviorSubject, concat, defer, EMPTY, finalize, type Observable, ReplaySubject, tap, throwError } from 'rxjs';
import { RxMistralError } from '../../errors/RxMistralError.js';

/**
 * Lets one turn run at a time, in the order in which they were subscribed to.
 *
 * ```
 * add(a): ^--a-a-|
 * add(b): ^------b-b-|      waits for a's end, however that comes
 * ```
 */
export class TurnQueue {
  readonly #size = new BehaviorSubject(0);
  readonly #maxWaiting: number;
  #last: Observable<never> = EMPTY;

  /** How many run or wait. */
  readonly size$: Observable<number> = this.#size.asObservable();

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** The turn, when those before it have ended. One that is unsubscribed from while it waits is passed over. */
  add<T>(turn: Observable<T>): Observable<T> {
    return defer(() => {
      if (this.#size.value > this.#maxWaiting) {
        const message = `More than ${this.#maxWaiting} turns wait for the one that is running`;
        return throwError(() => new RxMistralError({ kind: 'limit', message }));
      }
      const before = this.#last;
      const ended = new ReplaySubject<never>(1);
      this.#last = ended;
      this.#size.next(this.#size.value + 1);
      // Whoever hears of its end may add the next one at once.
      const leave = (): void => {
        this.#size.next(this.#size.value - 1);
      };
      // Left while it waited: the next one still waits for those before it.
      const letNext = (): void => {
        before.subscribe(ended);
      };
      return concat(before, turn).pipe(tap({ complete: leave, error: leave, unsubscribe: leave }), finalize(letNext));
    });
  }
}
