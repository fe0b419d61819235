/** Packed keys of up to 32 bits, found by open addressing; see group-index.ts. */
import type { GroupIndex } from "./group-index.ts";
import { hashCode, roomFor } from "./hash-code.ts";
import type { IndexArray, TableMemory } from "./table-memory.ts";
import type { CodeArray, IntegerColumn } from "./column-batch.ts";
import type { ValueTable } from "./interner.ts";
import type { KeyColumns } from "./key-columns.ts";
import { hasRoom, type KeyPacking, packedKey, packedKeys, packKeys } from "./key-packing.ts";

export class SparseIndex implements GroupIndex {
  readonly #columns: KeyColumns;
  readonly #packing: KeyPacking;
  readonly #memory: TableMemory;
  /** Pairs of a group's number and the hash of its key; at least twice as many as groups. */
  #array: IndexArray;
  #room: number;

  constructor(columns: KeyColumns, packing: KeyPacking, memory: TableMemory) {
    this.#columns = columns;
    this.#packing = packing;
    this.#memory = memory;
    this.#room = roomFor(columns);
    this.#array = memory.takeSparse(4 * this.#room);
    const packed = packedKeys(columns, packing);
    for (let group = 0; group < packed.length; group++) this.#enter(group, hashCode(0, packed[group] as number));
  }

  fits(interners: readonly ValueTable[]): boolean {
    return hasRoom(this.#packing, interners);
  }

  assign(keys: readonly Uint32Array[], from: number, to: number, ids: Int32Array): void {
    packKeys(keys, this.#packing, from, to, ids);
    const fresh = this.#memory.fresh(to - from);
    const { size } = this.#columns;
    let { numbers, used } = this.#array;
    let mask = numbers.length - 2;
    let count = 0;
    for (let i = from; i < to; i++) {
      const hash = hashCode(0, ids[i] as number);
      let slot = (hash << 1) & mask;
      let number = numbers[slot] as number;
      while (number > used && numbers[slot + 1] !== hash) {
        slot = (slot + 2) & mask;
        number = numbers[slot] as number;
      }
      if (number > used) {
        ids[i] = number - used - 1;
        continue;
      }
      fresh[count++] = i;
      numbers[slot] = used + size + count;
      numbers[slot + 1] = hash;
      ids[i] = size + count - 1;
      if (size + count >= this.#room) {
        this.#grow(size + count);
        ({ numbers, used } = this.#array);
        mask = numbers.length - 2;
      }
    }
    this.#columns.appendAll(keys, fresh, count);
  }

  /** The same as finding the groups and counting for them, in one loop; see dense-index.ts. */
  count(keys: Uint32Array, { base, deltas }: IntegerColumn, from: number, to: number): void {
    const columns = this.#columns;
    columns.open(columns.size + to - from);
    const counts = columns.openCounts;
    const codes = columns.columns[0] as CodeArray;
    let { numbers, used } = this.#array;
    let mask = numbers.length - 2;
    let size = columns.size;
    for (let i = from; i < to; i++) {
      const key = keys[i] as number;
      const hash = hashCode(0, key);
      let slot = (hash << 1) & mask;
      let number = numbers[slot] as number;
      while (number > used && numbers[slot + 1] !== hash) {
        slot = (slot + 2) & mask;
        number = numbers[slot] as number;
      }
      let group = number - used - 1;
      if (group < 0) {
        group = size++;
        numbers[slot] = used + size;
        numbers[slot + 1] = hash;
        codes[group] = key;
        if (size >= this.#room) {
          this.#grow(size);
          ({ numbers, used } = this.#array);
          mask = numbers.length - 2;
        }
      }
      counts[group] = (counts[group] as number) + base + (deltas === null ? 0 : (deltas[i] as number));
    }
    columns.appended(size - columns.size);
  }

  find(keys: readonly CodeArray[], i: number): number {
    const key = packedKey(keys, this.#packing, i);
    if (key === null) return -1;
    const { numbers, used } = this.#array;
    return Math.max(-1, (numbers[this.#slotOf(hashCode(0, key))] as number) - used - 1);
  }

  release(): void {
    this.#memory.giveSparse(this.#array, this.#array.used + this.#columns.size);
  }

  /** Hashes say all of a key: the slots of so many groups are enough to make the larger ones. */
  #grow(groups: number): void {
    const { numbers, used } = this.#array;
    const before = this.#array;
    this.#room *= 2;
    this.#array = this.#memory.takeSparse(4 * this.#room);
    for (let slot = 0; slot < numbers.length; slot += 2) {
      const number = numbers[slot] as number;
      if (number > used) this.#enter(number - used - 1, numbers[slot + 1] as number);
    }
    this.#memory.giveSparse(before, used + groups);
  }

  #enter(group: number, hash: number): void {
    const slot = this.#slotOf(hash);
    this.#array.numbers[slot] = this.#array.used + group + 1;
    this.#array.numbers[slot + 1] = hash;
  }

  #slotOf(hash: number): number {
    const { numbers, used } = this.#array;
    const mask = numbers.length - 2;
    let slot = (hash << 1) & mask;
    while ((numbers[slot] as number) > used && numbers[slot + 1] !== hash) slot = (slot + 2) & mask;
    return slot;
  }
}
