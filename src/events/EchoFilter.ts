/**
 * Takes the echo off a continued answer. A model that is given the beginning of its answer (`prefix: true`) repeats it
 * before it goes on, sometimes without the white space at its end, which it then generates again; or it does not.
 *
 * What comes is held back for as long as it is a prefix of what was received:
 *
 * ```
 * received:  'Once upon a '
 * exact:     'Once' ' upon a ' 'time'         ->  'time'
 * trimmed:   'Once' ' upon a' ' time'         ->  'time'
 * none:      'time'                           ->  'time'
 * ```
 *
 * Held text is at most as long as what was received. What cannot be told: a continuation without an echo that itself
 * begins with all of what was received.
 */
export class EchoFilter {
  readonly #received: string;
  // What of `received` an echo repeats for certain: the white space at its end may have been trimmed.
  readonly #certain: number;
  #held = '';
  #decided: boolean;

  constructor(received: string) {
    this.#received = received;
    this.#certain = received.trimEnd().length;
    this.#decided = received === '';
  }

  /** Takes the next piece; returns what is new of all that was held, `''` while that cannot be told. */
  take(piece: string): string {
    if (this.#decided) return piece;
    this.#held += piece;
    const isEchoSoFar = this.#held.length < this.#received.length && this.#received.startsWith(this.#held);
    return isEchoSoFar ? '' : this.#decide();
  }

  /** The answer is finished: returns what was held and is no echo after all. */
  end(): string {
    return this.#decided ? '' : this.#decide();
  }

  #decide(): string {
    this.#decided = true;
    const held = this.#held;
    this.#held = '';
    const shared = sharedLength(held, this.#received);
    // As far as it goes, the white space behind the echo is that which was received; a finished answer that is shorter
    // than the echo would have to be is none.
    return shared >= this.#certain ? held.slice(shared) : held;
  }
}

function sharedLength(a: string, b: string): number {
  const limit = Math.min(a.length, b.length);
  let length = 0;
  while (length < limit && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}
