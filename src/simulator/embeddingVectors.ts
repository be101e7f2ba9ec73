import { randomFrom } from './random.js';

// 16 MB of numbers.
const mostNumbersKept = 2_000_000;

/** Vectors of texts: drawn from the seed and the text, of length 1. The latest are kept, to be cheap where texts are repeated. */
export class EmbeddingVectors {
  readonly #seed: number | string;
  readonly #kept = new Map<string, readonly number[]>();
  #numbersKept = 0;

  constructor(seed: number | string) {
    this.#seed = seed;
  }

  of(model: string, text: string, dimension: number): readonly number[] {
    const key = JSON.stringify([model, dimension, text]);
    const kept = this.#kept.get(key);
    if (kept) return kept;
    const random = randomFrom(this.#seed, 'embedding', key);
    const drawn = Array.from({ length: dimension }, () => random.next() * 2 - 1);
    const length = Math.sqrt(drawn.reduce((sum, value) => sum + value * value, 0));
    // Short numbers are cheaper to write.
    const vector = drawn.map((value) => Math.round((value / length) * 1e7) / 1e7);
    this.#keep(key, vector);
    return vector;
  }

  #keep(key: string, vector: readonly number[]): void {
    this.#kept.set(key, vector);
    this.#numbersKept += vector.length;
    for (const [oldKey, oldVector] of this.#kept) {
      if (this.#numbersKept <= mostNumbersKept) break;
      this.#kept.delete(oldKey);
      this.#numbersKept -= oldVector.length;
    }
  }
}
