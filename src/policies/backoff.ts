import { expectDuration, expectNumber, expectObject, expectOneOf, fail } from '../errors/expect.js';

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
export function exponentialBackoff(options: ExponentialBackoffOptions = {}): Backoff {
  expectObject('options', options);
  const { initial = 500, max = 30_000, jitter = 'full' } = options;
  const { factor = jitter === 'decorrelated' ? 3 : 2 } = options;
  expectDuration('initial', initial);
  expectDuration('max', max);
  expectNumber('factor', factor, 1);
  expectOneOf('jitter', jitter, ['full', 'equal', 'decorrelated', 'none']);

  const least = Math.min(initial, max);
  if (jitter === 'decorrelated') return decorrelated(least, max, factor, least);
  const backoff: Backoff = {
    next: ({ attempt, random }) => {
      // A power that overflows is held at the largest number: 0 times Infinity would be NaN.
      const ceiling = Math.min(max, initial * Math.min(factor ** (attempt - 1), Number.MAX_VALUE));
      return { delayMs: spread(ceiling, jitter, random), next: backoff };
    },
  };
  return backoff;
}

function spread(ceiling: number, jitter: Exclude<Jitter, 'decorrelated'>, random: () => number): number {
  switch (jitter) {
    case 'full':
      return between(0, ceiling, random);
    case 'equal':
      return between(ceiling / 2, ceiling, random);
    case 'none':
      return ceiling;
  }
}

function decorrelated(least: number, max: number, factor: number, previous: number): Backoff {
  return {
    next: ({ random }) => {
      const delayMs = Math.min(max, between(least, previous * factor, random));
      return { delayMs, next: decorrelated(least, max, factor, delayMs) };
    },
  };
}

// A number from `low` to `high`, whatever a hand-made `random` returns, NaN too.
function between(low: number, high: number, random: () => number): number {
  const chance = random();
  return chance > 0 ? low + (high - low) * Math.min(chance, 1) : low;
}
