import type { BatchFault } from './batchFaults.js';
import type { Fault } from './faults.js';
import type { RecordedRequest } from './recordedRequest.js';

/** What a rule may add to a fault: on which requests (or jobs) it strikes. Without any of these it strikes on every one. */
export interface FaultCondition<Subject = RecordedRequest> {
  /**
   * What it strikes on: the number of a request (from 0, counted since these faults were set; at first that is
   * `RecordedRequest.index`), several numbers, or a predicate that is called once the body has been read. Jobs are counted
   * likewise, in the order in which they were made.
   */
  readonly on?: number | readonly number[] | ((subject: Subject, n: number) => boolean) | undefined;
  /** How often it strikes at most. @defaultValue no bound */
  readonly times?: number | undefined;
  /** The chance of striking, 0 to 1, drawn from the simulator's seed and the number. @defaultValue 1 */
  readonly probability?: number | undefined;
}

/** A fault with its condition; `{ fault: [...] }` strikes with several together. */
export type RuleOf<AFault, Subject> =
  | (AFault & FaultCondition<Subject>)
  | (FaultCondition<Subject> & { readonly kind?: undefined; readonly fault: AFault | readonly AFault[] });

/** Which faults strike when: rules (all that match strike together), or a function of the request or job. */
export type ScriptOf<AFault, Subject> =
  | RuleOf<AFault, Subject>
  | readonly RuleOf<AFault, Subject>[]
  | ((subject: Subject, n: number) => AFault | readonly AFault[] | undefined);

/** A fault of responses, with its condition. */
export type FaultRule = RuleOf<Fault, RecordedRequest>;

/** What goes wrong with responses. */
export type FaultScript = ScriptOf<Fault, RecordedRequest>;

/** A batch job, as the faults' predicates see it when it is made. */
export interface BatchJobInfo {
  readonly id: string;
  readonly endpoint: string;
  readonly model: string | null;
  readonly agentId: string | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly totalRequests: number;
}

/** A fault of batch jobs, with its condition. */
export type BatchFaultRule = RuleOf<BatchFault, BatchJobInfo>;

/** What goes wrong with batch jobs. */
export type BatchFaultScript = ScriptOf<BatchFault, BatchJobInfo>;
