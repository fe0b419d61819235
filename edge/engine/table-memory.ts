/**
 * What the tables of one state share: arrays for those that are open. They are used again and again, so that opening a table
 * allocates nothing, and what a fold writes to stays in the processor's cache.
 */

/**
 * By packed key: a number above `used`, from which the group follows; anything up to `used` was left there by an earlier index,
 * and says nothing. So an array is used again without being cleared.
 */
export interface DenseArray {
  readonly groups: Int32Array;
  readonly used: number;
}

/** From here on a dense array is cleared: numbers would run out, 2^17 being more than one table takes. */
const DENSE_NUMBERS_MAX = 2 ** 31 - 2 ** 17;

export class TableMemory {
  /** Places of keys that were seen for the first time. */
  #fresh = new Uint32Array(0);
  /** Dense arrays that nobody uses. */
  readonly #dense: DenseArray[] = [];
  /** By length: arrays of codes and, all zero, of counts. */
  readonly #codes = new Map<number, Uint32Array[]>();
  readonly #counts = new Map<number, Float64Array[]>();

  fresh(length: number): Uint32Array {
    if (this.#fresh.length < length) this.#fresh = new Uint32Array(2 * length);
    return this.#fresh;
  }

  takeDense(length: number): DenseArray {
    for (let array = this.#dense.pop(); array !== undefined; array = this.#dense.pop()) {
      // One of another length is from before keys became wider, and is let go of.
      if (array.groups.length === length) return array;
    }
    return { groups: new Int32Array(length), used: 0 };
  }

  /** @param used the greatest number that was written into it */
  giveDense({ groups }: DenseArray, used: number): void {
    if (used > DENSE_NUMBERS_MAX) groups.fill(0);
    this.#dense.push({ groups, used: used > DENSE_NUMBERS_MAX ? 0 : used });
  }

  takeCodes(length: number): Uint32Array {
    return this.#codes.get(length)?.pop() ?? new Uint32Array(length);
  }

  giveCodes(codes: Uint32Array): void {
    give(this.#codes, codes);
  }

  takeCounts(length: number): Float64Array {
    return this.#counts.get(length)?.pop() ?? new Float64Array(length);
  }

  /** @param used how many of them, from the first one on, may not be zero */
  giveCounts(counts: Float64Array, used: number): void {
    counts.fill(0, 0, used);
    give(this.#counts, counts);
  }
}

function give<T extends { readonly length: number }>(free: Map<number, T[]>, array: T): void {
  const sameLength = free.get(array.length);
  if (sameLength === undefined) free.set(array.length, [array]);
  else sameLength.push(array);
}
