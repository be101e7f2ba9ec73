import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { RxMistralError } from '../errors/RxMistralError.js';
import type { BatchProgress } from './BatchProgress.js';

/** One request of a batch. */
export interface BatchRequest {
  /**
   * Tells the result from the others, so no two may be the same.
   * @defaultValue `request-1`, `request-2`, …, by its place among all
   */
  readonly customId?: string | undefined;
  /** The wire JSON, snake_case, as the API takes it. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A request was answered. */
export interface FulfilledBatchResult<Body> {
  readonly status: 'fulfilled';
  /** `undefined` where the line names no request. */
  readonly customId: string | undefined;
  /** The wire JSON, snake_case, as the API gives it; what the schema made of it where there is one. */
  readonly body: Body;
}

/** A request failed, or its answer cannot be read. */
export interface RejectedBatchResult {
  readonly status: 'rejected';
  /** `undefined` where the line names no request, or is too broken to tell. */
  readonly customId: string | undefined;
  /** Whether the same request may succeed the next time is its `retryable`. */
  readonly error: RxMistralError;
}

/** What one line of an output or error file says. */
export type BatchResult<Body = unknown> = FulfilledBatchResult<Body> | RejectedBatchResult;

/** A request has no result at all. */
export interface MissingBatchResult {
  readonly status: 'missing';
  readonly customId: string;
  /** In words: the job that failed, or files that do not name the request. */
  readonly reason: string;
  /** Whether the same request may succeed the next time. */
  readonly retryable: boolean;
}

/** A part of the requests stands in the spool, checked. Comes before anything is sent. */
export interface FilePreparedEvent {
  readonly type: 'file-prepared';
  /** Counts the parts from 0. */
  readonly part: number;
  readonly requests: number;
  readonly bytes: number;
}

/** A part's file is on the server. */
export interface FileUploadedEvent {
  readonly type: 'file-uploaded';
  readonly part: number;
  readonly fileId: string;
  readonly bytes: number;
}

/** A part's job runs on the server: it was created, or found again after a restart. */
export interface JobCreatedEvent {
  readonly type: 'job-created';
  readonly part: number;
  /** 0 for the first job of the part; 1 and on where failed requests are sent again. */
  readonly round: number;
  readonly jobId: string;
  readonly requests: number;
  /** Whether the job was there before: attached, in the journal, or found after a lost answer. */
  readonly found: boolean;
}

/** A job has changed. */
export interface JobProgressEvent extends BatchProgress {
  readonly type: 'job-progress';
  readonly part: number;
  readonly round: number;
  readonly jobId: string;
}

/** A job has made no progress for `stuckAfter`. */
export interface JobStuckEvent {
  readonly type: 'job-stuck';
  readonly part: number;
  readonly round: number;
  readonly jobId: string;
  readonly job: BatchJob;
}

/** How one request ended: exactly one for each request. */
export type BatchResultEvent<Body = unknown> = {
  readonly type: 'result';
  readonly part: number;
  readonly round: number;
  readonly jobId: string | undefined;
  readonly customId: string;
} & (FulfilledBatchResult<Body> | RejectedBatchResult | MissingBatchResult);

/** Requests of a part failed in a way that may pass, or are missing: they are sent again, as a job of their own. */
export interface ResubmittedEvent {
  readonly type: 'resubmitted';
  readonly part: number;
  /** The round that begins, from 1. */
  readonly round: number;
  readonly requests: number;
}

/** All is done. `fulfilled + rejected + missing` is `requests`. */
export interface BatchCompleteEvent {
  readonly type: 'complete';
  readonly requests: number;
  readonly fulfilled: number;
  readonly rejected: number;
  readonly missing: number;
  /** How many requests were sent again, counted once for each time. */
  readonly resubmitted: number;
  /** Lines of result files that belong to no request, or to one that had its result. */
  readonly surplus: number;
  /** All jobs, in the order in which they were created or found. */
  readonly jobs: readonly string[];
  /** Files that `cleanup` should have deleted and could not. */
  readonly undeleted: readonly string[];
}

/** What `runBatch` emits. */
export type BatchEvent<Body = unknown> =
  | FilePreparedEvent
  | FileUploadedEvent
  | JobCreatedEvent
  | JobProgressEvent
  | JobStuckEvent
  | BatchResultEvent<Body>
  | ResubmittedEvent
  | BatchCompleteEvent;
