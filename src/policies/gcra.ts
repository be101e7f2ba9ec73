/** What a {@link Gcra} allows. */
export interface GcraOptions {
  /** How many units an interval has room for. */
  readonly limit: number;
  /** In milliseconds. */
  readonly interval: number;
  /** How many units may come at once after a quiet time. */
  readonly burst: number;
}

/**
 * The generic cell rate algorithm, in its form of virtual scheduling: units are planned `interval / limit` apart, and one
 * may come as much before its plan as `burst` allows. What costs several units may begin when one of them could, and is
 * paid off before the next; so nothing is too large to come at all.
 *
 * In any stretch of time of W milliseconds, its start included and its end not, there are at most
 * `burst + W · limit / interval` units of those that cost one; of larger ones, as much more as the largest costs above 1.
 *
 * Pure arithmetic: the caller brings the time. A clock that is set back makes no wait longer.
 *
 * @see ITU-T I.371, Annex A: https://www.itu.int/rec/T-REC-I.371
 */
export class Gcra {
  readonly #spacing: number;
  readonly #tolerance: number;
  readonly #burst: number;
  // The theoretical arrival time: when the next unit would come if all came as planned.
  #planned = -Infinity;
  #lookedAt = -Infinity;

  /** @param before The one whose place it takes: what is planned stays planned. */
  constructor({ limit, interval, burst }: GcraOptions, before?: Gcra) {
    if (before !== undefined) {
      this.#planned = before.#planned;
      this.#lookedAt = before.#lookedAt;
    }
    this.#spacing = interval / limit;
    this.#tolerance = (burst - 1) * this.#spacing;
    this.#burst = burst;
  }

  /** The earliest time at which something may come. */
  earliest(now: number): number {
    this.#look(now);
    return this.#planned - this.#tolerance;
  }

  /** How many units could come at `now`, at once. */
  available(now: number): number {
    const early = now - this.earliest(now);
    return early < -roundingError ? 0 : Math.min(this.#burst, Math.floor(early / this.#spacing + roundingError) + 1);
  }

  /**
   * Something of `cost` units comes at `now`.
   *
   * @returns until when it is planned.
   */
  take(cost: number, now: number): number {
    this.#look(now);
    this.#planned = Math.max(this.#planned, now) + cost * this.#spacing;
    return this.#planned;
  }

  /** Gives back what was taken until `end` and never came: only what has not passed meanwhile. */
  giveBack(cost: number, end: number, now: number): void {
    this.#planned -= Math.max(0, Math.min(cost * this.#spacing, end - now));
  }

  /** Adds `cost` units to what has come; takes them back where they are negative. */
  adjust(cost: number, now: number): void {
    if (cost > 0) this.take(cost, now);
    else this.#planned += cost * this.#spacing;
  }

  // A clock that is set back takes the plan with it.
  #look(now: number): void {
    if (now < this.#lookedAt) this.#planned -= this.#lookedAt - now;
    this.#lookedAt = now;
  }
}

// Sums of fractions of milliseconds are a hair less than whole.
const roundingError = 1e-6;
