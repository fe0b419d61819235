/** Keys of more than 32 bits, found by open addressing and compared column by column; see group-index.ts. */
import type { GroupIndex } from "./group-index.ts";
import type { CodeArray } from "./column-batch.ts";
import { hashCode, roomFor } from "./hash-code.ts";
import type { KeyColumns } from "./key-columns.ts";

export class WideIndex implements GroupIndex {
  readonly #columns: KeyColumns;
  /** As in a sparse index; but equal hashes need not be equal keys. */
  #slots = new Int32Array(0);
  #room = 0;

  constructor(columns: KeyColumns) {
    this.#columns = columns;
    this.#resize(roomFor(columns));
  }

  /** Keys only become wider. */
  fits(): boolean {
    return true;
  }

  assign(keys: readonly Uint32Array[], from: number, to: number, ids: Int32Array): void {
    for (let i = from; i < to; i++) {
      const hash = hashKey(keys, i);
      const slot = this.#slotOf(keys, i, hash);
      const known = this.#slots[slot] as number;
      if (known !== 0) {
        ids[i] = known - 1;
        continue;
      }
      const group = this.#columns.append(keys, i);
      this.#slots[slot] = group + 1;
      this.#slots[slot + 1] = hash;
      ids[i] = group;
      if (group + 1 >= this.#room) this.#resize(2 * this.#room);
    }
  }

  find(keys: readonly CodeArray[], i: number): number {
    return (this.#slots[this.#slotOf(keys, i, hashKey(keys, i))] as number) - 1;
  }

  release(): void {}

  #resize(room: number): void {
    this.#room = room;
    this.#slots = new Int32Array(4 * room);
    const { columns, size } = this.#columns;
    const mask = this.#slots.length - 2;
    for (let group = 0; group < size; group++) {
      const hash = hashKey(columns, group);
      let slot = (hash << 1) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 2) & mask;
      this.#slots[slot] = group + 1;
      this.#slots[slot + 1] = hash;
    }
  }

  /** Where a key stands, or the free slot where it would. */
  #slotOf(keys: readonly CodeArray[], i: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 2;
    let slot = (hash << 1) & mask;
    for (let group = slots[slot] as number; group !== 0; group = slots[slot] as number) {
      if (slots[slot + 1] === hash && this.#hasKey(group - 1, keys, i)) break;
      slot = (slot + 2) & mask;
    }
    return slot;
  }

  #hasKey(group: number, keys: readonly CodeArray[], i: number): boolean {
    const { columns } = this.#columns;
    let k = 0;
    while (k < keys.length && (columns[k] as CodeArray)[group] === (keys[k] as CodeArray)[i]) k++;
    return k === keys.length;
  }
}

/** The hash of a key of several columns. */
function hashKey(keys: readonly CodeArray[], i: number): number {
  let hash = 0;
  for (let k = 0; k < keys.length; k++) hash = hashCode(hash, (keys[k] as CodeArray)[i] as number);
  return hash;
}
