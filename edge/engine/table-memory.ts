/**
 * What the tables of one state share: arrays for those that are open. They are used again and again, so that opening a table
 * allocates nothing, and what a fold writes to stays in the processor's cache.
 */

/**
 * What an index looks its groups up in: a number above `used`, from which the group follows; anything up to `used` was left there
 * by an earlier index, and says nothing. So an array is used again without being cleared.
 */
export interface IndexArray {
  readonly numbers: Int32Array;
  readonly used: number;
}

/** From here on an array is cleared: a table may take so many more numbers before they run out. */
const NUMBERS_MAX = 2 ** 30;

export class TableMemory {
  /** Places of keys that were seen for the first time. */
  #fresh = new Uint32Array(0);
  /** By length: arrays of dense and of sparse indexes that nobody uses. They are not exchanged: sparse ones hold hashes too. */
  readonly #dense = new Map<number, IndexArray[]>();
  readonly #sparse = new Map<number, IndexArray[]>();
  /** By length: arrays of codes and, all zero, of counts. */
  readonly #codes = new Map<number, Uint32Array[]>();
  readonly #counts = new Map<number, Float64Array[]>();

  fresh(length: number): Uint32Array {
    if (this.#fresh.length < length) this.#fresh = new Uint32Array(2 * length);
    return this.#fresh;
  }

  takeDense(length: number): IndexArray {
    return this.#dense.get(length)?.pop() ?? { numbers: new Int32Array(length), used: 0 };
  }

  /** @param used the greatest number that was written into it */
  giveDense(array: IndexArray, used: number): void {
    give(this.#dense, array.numbers.length, usedUpTo(array, used));
  }

  takeSparse(length: number): IndexArray {
    return this.#sparse.get(length)?.pop() ?? { numbers: new Int32Array(length), used: 0 };
  }

  giveSparse(array: IndexArray, used: number): void {
    give(this.#sparse, array.numbers.length, usedUpTo(array, used));
  }

  takeCodes(length: number): Uint32Array {
    return this.#codes.get(length)?.pop() ?? new Uint32Array(length);
  }

  giveCodes(codes: Uint32Array): void {
    give(this.#codes, codes.length, codes);
  }

  takeCounts(length: number): Float64Array {
    return this.#counts.get(length)?.pop() ?? new Float64Array(length);
  }

  /** @param used how many of them, from the first one on, may not be zero */
  giveCounts(counts: Float64Array, used: number): void {
    counts.fill(0, 0, used);
    give(this.#counts, counts.length, counts);
  }
}

function give<T>(free: Map<number, T[]>, length: number, array: T): void {
  const sameLength = free.get(length);
  if (sameLength === undefined) free.set(length, [array]);
  else sameLength.push(array);
}

function usedUpTo({ numbers }: IndexArray, used: number): IndexArray {
  if (used <= NUMBERS_MAX) return { numbers, used };
  numbers.fill(0);
  return { numbers, used: 0 };
}
