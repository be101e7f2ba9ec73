import { describe, expect, it } from 'vitest';
import { decideJobOutcome, type JobPolicy } from '../../src/bullmq/JobOutcome.js';
import { RxMistralError, type RxMistralErrorInit } from '../../src/index.js';
import { constantBackoff, exponentialBackoff } from '../../src/policies/backoff.js';
import { isRetryableError } from '../../src/policies/retryable.js';

const policy: JobPolicy = { attempts: 3, backoff: constantBackoff(100), isRetryable: isRetryableError, maxRetryAfter: 10_000, random: () => 0 };
const errorOf = (init: Partial<RxMistralErrorInit>): RxMistralError => new RxMistralError({ kind: 'http', message: 'm', retryable: true, ...init });

describe('what becomes of an attempt that has failed', () => {
  it.each<[string, number, Partial<RxMistralErrorInit>, string, number | undefined]>([
    ['the first of three', 1, {}, 'job-retry', 100],
    ['the second of three', 2, {}, 'job-retry', 100],
    ['the last one', 3, {}, 'job-failed', undefined],
    ['one that no attempt helps', 1, { retryable: false }, 'job-failed', undefined],
    ['told to wait by the server', 1, { retryAfterMs: 2_000 }, 'job-retry', 2_000],
    ['told to wait for less than the backoff', 1, { retryAfterMs: 20 }, 'job-retry', 100],
    ['told to wait for too long', 1, { retryAfterMs: 10_001 }, 'job-failed', undefined],
    ['a 429', 1, { kind: 'rate-limit', retryAfterMs: 700 }, 'job-paused', 700],
    ['a 429 of the last attempt', 3, { kind: 'rate-limit', retryAfterMs: 700 }, 'job-paused', 700],
    ['a 429 without a time', 1, { kind: 'rate-limit' }, 'job-paused', 5_000],
    ['a 429 for no time', 1, { kind: 'rate-limit', retryAfterMs: 0 }, 'job-paused', 1],
    ['a 429 for a part of a millisecond', 1, { kind: 'rate-limit', retryAfterMs: 0.2 }, 'job-paused', 1],
    ['a 429 for too long', 1, { kind: 'rate-limit', retryAfterMs: 10_001 }, 'job-failed', undefined],
    ['a 429 with a zero allowance', 1, { kind: 'rate-limit', retryable: false }, 'job-failed', undefined],
  ])('%s', (_, attempt, init, type, delayMs) => {
    const error = errorOf(init);
    const outcome = decideJobOutcome(policy, attempt, error);
    expect(outcome.type).toBe(type);
    expect('delayMs' in outcome ? outcome.delayMs : undefined).toBe(delayMs);
    expect(outcome.error).toBe(error);
  });

  it('asks a backoff for the attempt that it is, in whichever process', () => {
    const backoff = exponentialBackoff({ initial: 100, max: 60_000, jitter: 'none' });
    const delays = [1, 2, 3, 4].map((attempt) => decideJobOutcome({ ...policy, attempts: 9, backoff }, attempt, errorOf({})));
    expect(delays.map((outcome) => 'delayMs' in outcome && outcome.delayMs)).toEqual([100, 200, 400, 800]);
  });
});
