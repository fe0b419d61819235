/** Packed keys of few bits, found by indexing an array; see group-index.ts. */
import type { GroupIndex } from "./group-index.ts";
import type { TableMemory } from "./table-memory.ts";
import type { CodeArray, IntegerColumn } from "./column-batch.ts";
import type { ValueTable } from "./interner.ts";
import type { KeyColumns } from "./key-columns.ts";
import { hasRoom, type KeyPacking, packedKey, packedKeys, packingOf, packKeys } from "./key-packing.ts";

/** Groups of one index, each a number of 16 bits that is not 0: half the memory of numbers of 32 bits, and so more of it in the cache. */
const GROUPS_MAX = 2 ** 16 - 1;

/** Whether all keys that there can be, fit an index of this form. */
export const fitsDense = (columns: readonly ValueTable[]): boolean =>
  columns.reduce((keys, { size }) => keys * size, 1) <= GROUPS_MAX && (packingOf(columns)?.bits ?? Infinity) <= 16;

export class DenseIndex implements GroupIndex {
  readonly #columns: KeyColumns;
  readonly #packing: KeyPacking;
  readonly #memory: TableMemory;
  /** By packed key: its group's number + 1, 0 where there is none. */
  readonly #numbers: Uint16Array;

  constructor(columns: KeyColumns, packing: KeyPacking, memory: TableMemory) {
    this.#columns = columns;
    this.#packing = packing;
    this.#memory = memory;
    this.#numbers = memory.takeDense(2 ** packing.bits);
    const packed = packedKeys(columns, packing);
    for (let group = 0; group < packed.length; group++) this.#numbers[packed[group] as number] = group + 1;
  }

  fits(interners: readonly ValueTable[]): boolean {
    return hasRoom(this.#packing, interners) && fitsDense(interners);
  }

  assign(keys: readonly Uint32Array[], from: number, to: number, ids: Int32Array): void {
    packKeys(keys, this.#packing, from, to, ids);
    const numbers = this.#numbers;
    const fresh = this.#memory.fresh(to - from);
    const { size } = this.#columns;
    let count = 0;
    for (let i = from; i < to; i++) {
      const key = ids[i] as number;
      let number = numbers[key] as number;
      if (number === 0) {
        fresh[count++] = i;
        number = size + count;
        numbers[key] = number;
      }
      ids[i] = number - 1;
    }
    this.#columns.appendAll(keys, fresh, count);
  }

  /**
   * Counts `lengths[i]` records for the key `keys[i]`, for i in [from, to), of a table with one key column. The same as finding the
   * groups and counting for them, in one loop: most questions are just that.
   */
  count(keys: Uint32Array, { base, deltas }: IntegerColumn, from: number, to: number): void {
    const columns = this.#columns;
    const numbers = this.#numbers;
    columns.open(Math.min(columns.size + to - from, numbers.length));
    const counts = columns.openCounts;
    const codes = columns.columns[0] as CodeArray;
    let size = columns.size;
    for (let i = from; i < to; i++) {
      const key = keys[i] as number;
      let group = (numbers[key] as number) - 1;
      if (group < 0) {
        group = size++;
        numbers[key] = size;
        codes[group] = key;
      }
      counts[group] = (counts[group] as number) + base + (deltas === null ? 0 : (deltas[i] as number));
    }
    columns.appended(size - columns.size);
  }

  find(keys: readonly CodeArray[], i: number): number {
    const key = packedKey(keys, this.#packing, i);
    return key === null ? -1 : (this.#numbers[key] as number) - 1;
  }

  release(): void {
    const packed = packedKeys(this.#columns, this.#packing);
    for (let group = 0; group < packed.length; group++) this.#numbers[packed[group] as number] = 0;
    this.#memory.giveDense(this.#numbers);
  }
}
