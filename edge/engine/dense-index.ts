/** Packed keys of few bits, found by indexing an array; see group-index.ts. */
import type { GroupIndex } from "./group-index.ts";
import type { IndexArray, TableMemory } from "./table-memory.ts";
import type { CodeArray, IntegerColumn } from "./column-batch.ts";
import type { ValueTable } from "./interner.ts";
import type { KeyColumns } from "./key-columns.ts";
import { hasRoom, type KeyPacking, packedKey, packedKeys, packKeys } from "./key-packing.ts";

export const DENSE_BITS_MAX = 16;

export class DenseIndex implements GroupIndex {
  readonly #columns: KeyColumns;
  readonly #packing: KeyPacking;
  readonly #memory: TableMemory;
  readonly #array: IndexArray;

  constructor(columns: KeyColumns, packing: KeyPacking, memory: TableMemory) {
    this.#columns = columns;
    this.#packing = packing;
    this.#memory = memory;
    this.#array = memory.takeDense(2 ** packing.bits);
    const { numbers, used } = this.#array;
    const packed = packedKeys(columns, packing);
    for (let group = 0; group < packed.length; group++) numbers[packed[group] as number] = used + group + 1;
  }

  fits(interners: readonly ValueTable[]): boolean {
    return hasRoom(this.#packing, interners);
  }

  assign(keys: readonly Uint32Array[], from: number, to: number, ids: Int32Array): void {
    packKeys(keys, this.#packing, from, to, ids);
    const { numbers, used } = this.#array;
    const fresh = this.#memory.fresh(to - from);
    const last = used + this.#columns.size;
    let count = 0;
    for (let i = from; i < to; i++) {
      const key = ids[i] as number;
      let number = numbers[key] as number;
      if (number <= used) {
        fresh[count++] = i;
        number = last + count;
        numbers[key] = number;
      }
      ids[i] = number - used - 1;
    }
    this.#columns.appendAll(keys, fresh, count);
  }

  /**
   * Counts `lengths[i]` records for the key `keys[i]`, for i in [from, to), of a table with one key column. The same as finding the
   * groups and counting for them, in one loop: most questions are just that.
   */
  count(keys: Uint32Array, { base, deltas }: IntegerColumn, from: number, to: number): void {
    const columns = this.#columns;
    const { numbers, used } = this.#array;
    columns.open(Math.min(columns.size + to - from, numbers.length));
    const counts = columns.openCounts;
    const codes = columns.columns[0] as CodeArray;
    let size = columns.size;
    for (let i = from; i < to; i++) {
      const key = keys[i] as number;
      let group = (numbers[key] as number) - used - 1;
      if (group < 0) {
        group = size++;
        numbers[key] = used + size;
        codes[group] = key;
      }
      counts[group] = (counts[group] as number) + base + (deltas === null ? 0 : (deltas[i] as number));
    }
    columns.appended(size - columns.size);
  }

  find(keys: readonly CodeArray[], i: number): number {
    const key = packedKey(keys, this.#packing, i);
    const { numbers, used } = this.#array;
    return key === null ? -1 : Math.max(-1, (numbers[key] as number) - used - 1);
  }

  release(): void {
    this.#memory.giveDense(this.#array, this.#array.used + this.#columns.size);
  }
}
