/** Packed keys of up to 32 bits, found by open addressing; see group-index.ts. */
import type { GroupIndex } from "./group-index.ts";
import { hashCode, roomFor } from "./hash-code.ts";
import type { TableMemory } from "./table-memory.ts";
import type { CodeArray } from "./column-batch.ts";
import type { ValueTable } from "./interner.ts";
import type { KeyColumns } from "./key-columns.ts";
import { hasRoom, type KeyPacking, packedKey, packedKeys, packKeys } from "./key-packing.ts";

export class SparseIndex implements GroupIndex {
  readonly #columns: KeyColumns;
  readonly #packing: KeyPacking;
  readonly #memory: TableMemory;
  /** Pairs of a group plus one (0: free) and the hash of its key; at least twice as many as groups. */
  #slots: Int32Array;
  #room: number;

  constructor(columns: KeyColumns, packing: KeyPacking, memory: TableMemory) {
    this.#columns = columns;
    this.#packing = packing;
    this.#memory = memory;
    this.#room = roomFor(columns);
    this.#slots = new Int32Array(4 * this.#room);
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
    let slots = this.#slots;
    let mask = slots.length - 2;
    let count = 0;
    for (let i = from; i < to; i++) {
      const hash = hashCode(0, ids[i] as number);
      let slot = (hash << 1) & mask;
      let group = slots[slot] as number;
      while (group !== 0 && slots[slot + 1] !== hash) {
        slot = (slot + 2) & mask;
        group = slots[slot] as number;
      }
      if (group === 0) {
        fresh[count++] = i;
        group = size + count;
        slots[slot] = group;
        slots[slot + 1] = hash;
        if (group >= this.#room) {
          this.#grow();
          slots = this.#slots;
          mask = slots.length - 2;
        }
      }
      ids[i] = group - 1;
    }
    this.#columns.appendAll(keys, fresh, count);
  }

  find(keys: readonly CodeArray[], i: number): number {
    const key = packedKey(keys, this.#packing, i);
    return key === null ? -1 : (this.#slots[this.#slotOf(hashCode(0, key))] as number) - 1;
  }

  release(): void {}

  /** Hashes say all of a key: the slots are enough to make the larger ones. */
  #grow(): void {
    const old = this.#slots;
    this.#room *= 2;
    this.#slots = new Int32Array(4 * this.#room);
    for (let slot = 0; slot < old.length; slot += 2) {
      if (old[slot] !== 0) this.#enter((old[slot] as number) - 1, old[slot + 1] as number);
    }
  }

  #enter(group: number, hash: number): void {
    const slot = this.#slotOf(hash);
    this.#slots[slot] = group + 1;
    this.#slots[slot + 1] = hash;
  }

  #slotOf(hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 2;
    let slot = (hash << 1) & mask;
    while (slots[slot] !== 0 && slots[slot + 1] !== hash) slot = (slot + 2) & mask;
    return slot;
  }
}
