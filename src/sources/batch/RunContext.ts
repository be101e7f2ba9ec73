import type { CreateBatchJobRequest } from '@mistralai/mistralai/models/components/createbatchjobrequest.js';
import type { Observable } from 'rxjs';
import type { BatchEvent, BatchResult, MissingBatchResult, RejectedBatchResult } from '../../events/BatchEvent.js';
import type { BatchSpool } from '../../events/BatchSpool.js';
import type { MistralTransport } from '../../transport/MistralTransport.js';
import type { BatchResultsOptions } from '../batchResults.js';
import type { CallOptions } from '../CallOptions.js';
import type { WatchBatchOptions } from '../watchBatch.js';
import type { PartLimits } from './PartWriter.js';
import type { RunJournal } from './RunJournal.js';

/** What a run emits, before the types of the bodies are known. */
export type RunEvent = BatchEvent;

/** The options of a run, checked, with defaults. */
export interface BatchPlan {
  readonly job: Pick<CreateBatchJobRequest, 'endpoint' | 'agentId' | 'metadata' | 'timeoutHours'>;
  readonly limits: PartLimits;
  readonly inline: boolean;
  readonly concurrency: number;
  readonly rounds: number;
  readonly when: (result: RejectedBatchResult | MissingBatchResult) => boolean;
  readonly attach: readonly string[];
  readonly cancels: boolean;
  readonly cleanup: 'none' | 'input' | 'all';
  readonly check: ((request: unknown, place: number) => Observable<unknown>) | undefined;
  readonly spool: BatchSpool;
  readonly call: CallOptions;
  readonly watch: WatchBatchOptions;
  readonly results: BatchResultsOptions<undefined, unknown>;
}

/** How a job has ended, for the requests that have no result. */
export interface JobEnd {
  /** Whether it will not answer them any more. */
  readonly isOver: boolean;
  readonly reason: string;
  readonly retryable: boolean;
}

/** Where a job stands in a run. */
export interface JobPlace {
  readonly part: number;
  readonly round: number;
  readonly jobId: string;
  readonly key: string;
}

/** What the parts of a run have in common. */
export interface RunContext {
  readonly transport: MistralTransport;
  readonly plan: BatchPlan;
  readonly journal: RunJournal;
  readonly tally: { fulfilled: number; rejected: number; missing: number; resubmitted: number; surplus: number };
  /** The jobs that have not ended, by key; without an id while one is being created. */
  readonly live: Map<string, string | undefined>;
  /** The files that were uploaded. */
  readonly inputFiles: Set<string>;
  /** What every job is created with. */
  readonly jobRequest: BatchPlan['job'] & Pick<CreateBatchJobRequest, 'model'>;
  /** Whether what has no result after this round of a part may be sent again. */
  mayRepeat(part: number, round: number): boolean;
  /**
   * Watches a job to its end and reads its results.
   *
   * @param take Makes the event of a result, if there is to be one.
   * @param then What follows, when it is known how the job has ended.
   */
  follow(
    place: JobPlace,
    take: (result: BatchResult) => RunEvent | undefined,
    then: (end: JobEnd) => Observable<RunEvent>,
  ): Observable<RunEvent>;
}
