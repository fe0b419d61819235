/** The keys of a table's groups: a column of codes for each groupBy attribute, by group. Lacks any way of finding one. */
const CAPACITY_MIN = 8;

export class KeyColumns {
  readonly columns: Uint32Array[];
  #size = 0;
  #capacity = 0;

  constructor(columnCount: number, capacity: number) {
    this.columns = Array.from({ length: columnCount }, () => new Uint32Array(0));
    this.reserve(capacity);
  }

  /** The number of groups. */
  get size(): number {
    return this.#size;
  }

  /** Groups that there is room for. A power of two. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Appends the key `keys[…][i]`, and returns its group. */
  append(keys: readonly Uint32Array[], i: number): number {
    this.reserve(this.#size + 1);
    for (let k = 0; k < keys.length; k++) {
      (this.columns[k] as Uint32Array)[this.#size] = (keys[k] as Uint32Array)[i] as number;
    }
    return this.#size++;
  }

  /** Appends the keys `keys[…][places[j]]` for j below `count`. */
  appendAll(keys: readonly Uint32Array[], places: Uint32Array, count: number): void {
    this.reserve(this.#size + count);
    for (let k = 0; k < keys.length; k++) {
      const column = this.columns[k] as Uint32Array;
      const codes = keys[k] as Uint32Array;
      for (let j = 0; j < count; j++) column[this.#size + j] = codes[places[j] as number] as number;
    }
    this.#size += count;
  }

  /** Takes over the first `count` keys of some columns; there must be none yet. */
  restore(keys: readonly Uint32Array[], count: number): void {
    keys.forEach((codes, k) => (this.columns[k] = codes));
    this.#size = count;
    this.#capacity = 0;
    this.reserve(count);
  }

  /** Makes room for `capacity` groups in all. */
  reserve(capacity: number): void {
    if (capacity <= this.#capacity) return;
    this.#capacity = CAPACITY_MIN;
    while (this.#capacity < capacity) this.#capacity *= 2;
    this.columns.forEach((codes, k) => {
      const longer = new Uint32Array(this.#capacity);
      longer.set(codes.subarray(0, this.#size));
      this.columns[k] = longer;
    });
  }
}
