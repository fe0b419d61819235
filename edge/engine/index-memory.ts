/** What the indexes of one state share, so that closing one and opening the next allocates nothing. */
/**
 * By packed key: a number above `used`, from which the group follows; anything up to `used` was left there by an earlier index,
 * and says nothing. So an array is used again without being cleared.
 */
export interface DenseArray {
  readonly groups: Int32Array;
  readonly used: number;
}

const DENSE_NUMBERS_MAX = 2 ** 31 - 2 ** 17;

export class IndexMemory {
  /** Places of keys that were seen for the first time. */
  #fresh = new Uint32Array(0);
  /** Dense arrays that nobody uses. */
  readonly #dense: DenseArray[] = [];

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
    // An index has at most 2^16 groups: it takes ten thousands of them before numbers run out.
    if (used > DENSE_NUMBERS_MAX) groups.fill(0);
    this.#dense.push({ groups, used: used > DENSE_NUMBERS_MAX ? 0 : used });
  }
}
