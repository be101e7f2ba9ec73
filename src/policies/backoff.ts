import { expectDuration, expectNumber, expectObject, expectOneOf, fail, maxTimerMs } from '../errors/expect.js';
import { randomBetween } from './randomBetween.js';

/** What a {@link Backoff} is asked with. */
export interface BackoffContext {
  /** Which retry this is, from 1. */
  readonly attempt: number;
  /** The source of chance: from 0 up to 1, like `Math.random`. */
  readonly random: () => number;
}

/** What a {@link Backoff} answers. */
export interface BackoffStep {
  /** How long to wait before this retry, in milliseconds. */
  readonly delayMs: number;
  /** The backoff to ask for the retry after this one. */
  readonly next: Backoff;
}

/**
 * How long to wait before each retry, as an immutable value: what it remembers of the past (decorrelated jitter knows
 * its last delay) is in the `next` that it hands out, so one value serves any number of calls at once.
 *
 * ```ts
 * const linear: Backoff = { next: ({ attempt }) => ({ delayMs: attempt * 1_000, next: linear }) };
 * ```
 */
export interface Backoff {
  next(context: BackoffContext): BackoffStep;
}

/**
 * Asks a backoff, which may be hand-made, for a delay that a timer can take: in whole milliseconds, rounded up, because
 * timers drop fractions, and at most 2,147,483,647.
 *
 * @throws TypeError when its delay is NaN or negative.
 */
export function nextDelay(backoff: Backoff, context: BackoffContext): BackoffStep {
  const { delayMs, next } = backoff.next(context);
  if (!(delayMs >= 0)) fail('delayMs', 'a number >= 0 from the backoff', delayMs);
  return { delayMs: Math.ceil(Math.min(delayMs, maxTimerMs)), next };
}

/**
 * The same delay before each retry.
 *
 * @param delayMs Milliseconds, from 0 to 2,147,483,647.
 * @throws TypeError when `delayMs` is anything else.
 */
export function constantBackoff(delayMs: number): Backoff {
  // The check lets `undefined` pass, as an option that was left out; this is no option.
  const given: unknown = delayMs;
  if (given === undefined) fail('delayMs', 'milliseconds', given);
  expectDuration('delayMs', given);
  const backoff: Backoff = { next: () => ({ delayMs, next: backoff }) };
  return backoff;
}

/** How chance spreads the delays of an {@link exponentialBackoff}. */
export type Jitter = 'full' | 'equal' | 'decorrelated' | 'none';

/** Options of {@link exponentialBackoff}. */
export interface ExponentialBackoffOptions {
  /**
   * The ceiling of the first delay, in milliseconds; with `decorrelated`, the least delay of all.
   * @defaultValue 500
   */
  readonly initial?: number | undefined;
  /**
   * No delay is longer than this, in milliseconds; at most 2,147,483,647.
   * @defaultValue 30,000
   */
  readonly max?: number | undefined;
  /**
   * What the ceiling is multiplied by from retry to retry, at least 1; with `decorrelated`, how far a delay may lie
   * above the one before it.
   * @defaultValue 2; 3 with `decorrelated`, as in the article
   */
  readonly factor?: number | undefined;
  /**
   * How chance spreads the delays. Without it, clients that failed together come back together.
   * @defaultValue 'full'
   */
  readonly jitter?: Jitter | undefined;
}

/**
 * Delays with a ceiling that grows exponentially up to `max`:
 *
 * | `jitter` | Delay before retry n, where ceiling = min(max, initial · factor^(n − 1)) |
 * |---|---|
 * | `full` | anything from 0 to the ceiling: the least work for the server |
 * | `equal` | half of the ceiling, and anything up to its other half: never very short |
 * | `decorrelated` | anything from `initial` to `factor` times the delay before, at most `max` |
 * | `none` | the ceiling |
 *
 * The formulas and their names are Marc Brooker's: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * ```ts
 * retryWithBackoff({ maxRetries: 5, backoff: exponentialBackoff({ initial: 1_000, jitter: 'equal' }) });
 * ```
 *
 * @throws TypeError when an option is out of its bounds.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
// Defaults elsewhere are made by it as their module is loaded: a bundler may leave those out that are not used.
/* @__NO_SIDE_EFFECTS__ */
export function exponentialBackoff(options: ExponentialBackoffOptions = {}): Backoff {
  expectObject('options', options);
  const { initial = defaultInitial, max = defaultMax, jitter = 'full' } = options;
  const { factor = jitter === 'decorrelated' ? 3 : 2 } = options;
  expectDuration('initial', initial);
  expectDuration('max', max);
  expectNumber('factor', factor, 1);
  expectOneOf('jitter', jitter, ['full', 'equal', 'decorrelated', 'none']);

  const least = Math.min(initial, max);
  return jitter === 'decorrelated'
    ? decorrelated(least, max, factor, least)
    : growing(initial, max, factor, certainShare[jitter]);
}

/**
 * What is waited where no backoff is given: as `exponentialBackoff()`. It stands apart so that a bundle which never
 * chooses a backoff does not carry the choice.
 */
export function defaultBackoff(): Backoff {
  return growing(defaultInitial, defaultMax, 2, 0);
}

const defaultInitial = 500;
const defaultMax = 30_000;

// The part of the ceiling that is waited in any case; the rest is left to chance.
const certainShare = { full: 0, equal: 1 / 2, none: 1 };

function growing(initial: number, max: number, factor: number, certain: number): Backoff {
  const backoff: Backoff = {
    next: ({ attempt, random }) => {
      // A power that overflows is held at the largest number: 0 times Infinity would be NaN.
      const ceiling = Math.min(max, initial * Math.min(factor ** (attempt - 1), Number.MAX_VALUE));
      return { delayMs: randomBetween(ceiling * certain, ceiling, random), next: backoff };
    },
  };
  return backoff;
}

function decorrelated(least: number, max: number, factor: number, previous: number): Backoff {
  return {
    next: ({ random }) => {
      const delayMs = Math.min(max, randomBetween(least, previous * factor, random));
      return { delayMs, next: decorrelated(least, max, factor, delayMs) };
    },
  };
}
