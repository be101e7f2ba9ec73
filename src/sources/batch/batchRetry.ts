import type { RetryConfig } from '../../control/retryPlan.js';
import { exponentialBackoff } from '../../policies/backoff.js';

/**
 * How the calls of a batch are repeated, where the user does not say. A job lasts for hours, so, unlike elsewhere, the
 * default is to retry: for about ten minutes.
 */
export const batchRetry: RetryConfig = {
  maxRetries: 20,
  backoff: exponentialBackoff({ initial: 1_000, max: 60_000 }),
};
