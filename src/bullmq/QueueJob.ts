import type { Job } from 'bullmq';
import type { PartialMessage } from '../errors/PartialMessage.js';

/** What a worker gives to its project. */
export interface QueueJob<Data> {
  readonly id: string;
  readonly name: string;
  readonly data: Data;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /**
   * The answer as far as earlier attempts had streamed it, on whatever machine: for `continueFrom` of `chatStream`. `undefined` where
   * nothing had come, or the log is gone.
   */
  readonly partial: PartialMessage | undefined;
  /** BullMQ's own. */
  readonly bullJob: Job<Data>;
}
