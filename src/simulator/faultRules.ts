import type { Fault } from './faults.js';
import type { RecordedRequest } from './recordedRequest.js';

/** What a rule may add to a fault: on which requests it strikes. Without any of these it strikes on every request. */
export interface FaultCondition {
  /**
   * The requests it strikes on: the number of one (from 0, counted since these faults were set; at first that is
   * `RecordedRequest.index`), several numbers, or a predicate that is called once the body has been read.
   */
  readonly on?: number | readonly number[] | ((request: RecordedRequest, n: number) => boolean) | undefined;
  /** How often it strikes at most. @defaultValue no bound */
  readonly times?: number | undefined;
  /** The chance of striking, 0 to 1, drawn from the simulator's seed and the request's number. @defaultValue 1 */
  readonly probability?: number | undefined;
}

/** A fault with its condition; `{ fault: [...] }` strikes with several together. */
export type FaultRule =
  | (Fault & FaultCondition)
  | (FaultCondition & { readonly kind?: undefined; readonly fault: Fault | readonly Fault[] });

/** Which faults strike when: rules (all that match a request strike together), or a function of the request. */
export type FaultScript =
  | FaultRule
  | readonly FaultRule[]
  | ((request: RecordedRequest, n: number) => Fault | readonly Fault[] | undefined);
