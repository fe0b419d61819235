/** Dice with a seed: the same numbers on every machine, so that every run measures the same events. */

/** xoshiro128** (Blackman and Vigna, https://prng.di.unimi.it/xoshiro128starstar.c), its state from a seed by splitmix32. */
export class Random {
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    let mixed = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let word = mixed;
      word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.#state[i] = word ^ (word >>> 15);
    }
  }

  /** A whole number, 0 <= n < 2^32. */
  word(): number {
    const state = this.#state;
    const s1 = state[1] as number;
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s1 << 9;
    state[2] = (state[2] as number) ^ (state[0] as number);
    state[3] = (state[3] as number) ^ s1;
    state[1] = s1 ^ (state[2] as number);
    state[0] = (state[0] as number) ^ (state[3] as number);
    state[2] = (state[2] as number) ^ shifted;
    const s3 = state[3] as number;
    state[3] = (s3 << 11) | (s3 >>> 21);
    return result;
  }

  /** 0 <= x < 1. */
  fraction(): number {
    return this.word() / 2 ** 32;
  }

  /** A whole number, 0 <= n < bound. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }
}

/**
 * Draws from any distribution over 0 … n-1 in constant time: the alias method (Walker 1974), built as by Vose (1991). Each of
 * n columns, all equally likely, holds a share of its own number and the rest of one other number.
 */
export class AliasTable {
  readonly #own: Float64Array;
  readonly #other: Uint32Array;

  constructor(weights: Float64Array) {
    const size = weights.length;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const scaled = weights.map((weight) => (weight * size) / total);
    this.#own = new Float64Array(size).fill(1);
    this.#other = Uint32Array.from(scaled, (_, i) => i);
    const small: number[] = [];
    const large: number[] = [];
    scaled.forEach((share, i) => (share < 1 ? small : large).push(i));
    for (;;) {
      const low = small.pop();
      const high = large.pop();
      // What is left of either list is a whole column, but for rounding.
      if (low === undefined || high === undefined) break;
      this.#own[low] = scaled[low] as number;
      this.#other[low] = high;
      scaled[high] = (scaled[high] as number) + (scaled[low] as number) - 1;
      ((scaled[high] as number) < 1 ? small : large).push(high);
    }
  }

  draw(random: Random): number {
    const column = random.below(this.#own.length);
    return random.fraction() < (this.#own[column] as number) ? column : (this.#other[column] as number);
  }
}

/** Zipf: the k-th most frequent is 1/k^exponent as frequent as the first. Exponent 0: all are alike. */
export const zipf = (size: number, exponent: number): AliasTable =>
  new AliasTable(Float64Array.from({ length: size }, (_, rank) => (rank + 1) ** -exponent));
