/**
 * What an error tells of a batch job: the job as the server gave it, without its metadata and its results, which are
 * the user's own (this room imports nothing, so the shape is written out; a type test holds the two together).
 */
export interface FailedBatchJob {
  readonly id: string;
  /** `FAILED`, `TIMEOUT_EXCEEDED`, `CANCELLED`; the last one known, where the watch itself came to an end. */
  readonly status: string;
  readonly endpoint: string;
  readonly model?: string | null | undefined;
  readonly inputFiles: readonly string[];
  readonly outputFile?: string | null | undefined;
  readonly errorFile?: string | null | undefined;
  /** The server's own reasons, and how many requests each concerns; 20 at most. */
  readonly errors: readonly { readonly message: string; readonly count: number }[];
  readonly totalRequests: number;
  readonly completedRequests: number;
  readonly succeededRequests: number;
  readonly failedRequests: number;
}
