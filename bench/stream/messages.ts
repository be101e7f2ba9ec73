/** Where each scenario is served, and how many bytes its body has. From the server's process. */
export type Served = Readonly<Record<string, { readonly url: string; readonly bytes: number }>>;

/** What a client's process is told to do. */
export interface Task {
  readonly contender: string;
  readonly scenario: string;
  readonly served: Served;
}

/** What a client's process has measured, over all its calls after the warm-up. */
export interface Measurement {
  /** Microseconds of CPU, user and system, of all threads of the process. */
  readonly cpuPerEvent: number;
  readonly eventsPerSecond: number;
}
