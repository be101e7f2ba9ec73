import { createHash } from 'node:crypto';

/** A deterministic source of chance. */
export interface Random {
  /** From 0 up to, and without, 1. */
  next(): number;
  /** From `least` to `most`, both included. */
  integer(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<Value>(values: readonly [Value, ...Value[]]): Value;
  /** So many characters of `alphabet`. */
  text(length: number, alphabet: string): string;
}

export const hexDigits = '0123456789abcdef';
export const lettersAndDigits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * A generator that depends on `key` alone: independent draws take different keys, so that the order in which requests
 * happen to arrive changes none of them.
 *
 * The generator is sfc32, Chris Doty-Humphrey's "small fast counting" generator from PractRand (public domain); its state
 * is filled from a SHA-256 of the key.
 */
export function randomFrom(...key: readonly (string | number)[]): Random {
  const digest = createHash('sha256').update(JSON.stringify(key)).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);

  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  const integer = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));

  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    pick: (values) => values[integer(0, values.length - 1)] ?? values[0],
    text: (length, alphabet) => {
      let text = '';
      for (let i = 0; i < length; i += 1) text += alphabet.charAt(integer(0, alphabet.length - 1));
      return text;
    },
  };
}

/** An id in the form of a UUID of version 7. */
export function uuidFrom(random: Random): string {
  const hex = random.text(32, hexDigits);
  return [hex.slice(0, 8), hex.slice(8, 12), `7${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join('-');
}

/** The numbers from 0 up to, and without, `count`, in any order (Fisher and Yates's shuffle, as Durstenfeld wrote it). */
export function shuffled(count: number, random: Random): Uint32Array {
  const numbers = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = random.integer(0, i);
    const number = numbers[i] ?? 0;
    numbers[i] = numbers[j] ?? 0;
    numbers[j] = number;
  }
  return numbers;
}
