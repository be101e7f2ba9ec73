import { RxMistralError } from '../errors/RxMistralError.js';
import { redisError } from '../redis/redisError.js';

/** What a worker of BullMQ tells, as an error of this family. */
export function workerError(error: unknown): RxMistralError {
  // BullMQ's own: "could not renew lock for job 17", "Missing lock for job 17".
  const isLock = error instanceof Error && error.name === 'Error' && error.message.includes(' lock for job ');
  return isLock ? new RxMistralError({ kind: 'conflict', message: `A job is not this worker's any more: ${error.message}` }) : redisError(error);
}
