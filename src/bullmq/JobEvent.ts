import type { RxMistralError } from '../errors/RxMistralError.js';

/** Where an event of a job stands. */
export interface JobEventPlace {
  readonly jobId: string;
  /** Its place in the log of the job: what `since` and `Last-Event-ID` name. `''` where the job has no log (any more). */
  readonly id: string;
  /** Which attempt it is of, from 1. One that used none up (a pause, a worker that was stopped or killed) counts again. */
  readonly attempt: number;
}

/** An attempt begins. */
export interface JobStartEvent extends JobEventPlace {
  readonly type: 'job-start';
}

/** What the job's own Observable has emitted: a token, a step. */
export interface JobValueEvent<E> extends JobEventPlace {
  readonly type: 'job-value';
  readonly value: E;
}

/** The attempt has failed, and the next one begins after `delayMs`. */
export interface JobRetryEvent extends JobEventPlace {
  readonly type: 'job-retry';
  readonly delayMs: number;
  readonly error: RxMistralError;
}

/** The server has no room (429): the whole queue waits for `delayMs`, and the attempt is made again. */
export interface JobPausedEvent extends JobEventPlace {
  readonly type: 'job-paused';
  readonly delayMs: number;
  readonly error: RxMistralError;
}

/** The worker was stopped, and has put the job back: the attempt is made again. */
export interface JobReleasedEvent extends JobEventPlace {
  readonly type: 'job-released';
}

/** The job has come to its end. */
export interface JobCompleteEvent extends JobEventPlace {
  readonly type: 'job-complete';
  readonly result: unknown;
}

/** The job has failed for good. */
export interface JobFailedEvent extends JobEventPlace {
  readonly type: 'job-failed';
  readonly error: RxMistralError;
}

/** What becomes of a job, in order. Every one survives JSON, its errors through `RxMistralError.fromJSON`. */
export type JobEvent<E = unknown> =
  | JobStartEvent
  | JobValueEvent<E>
  | JobRetryEvent
  | JobPausedEvent
  | JobReleasedEvent
  | JobCompleteEvent
  | JobFailedEvent;

type WithoutPlace<T> = T extends JobEventPlace ? Omit<T, keyof JobEventPlace> : never;

/** An event before it has a place. */
export type JobNews<E = unknown> = WithoutPlace<JobEvent<E>>;
