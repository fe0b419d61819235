/**
 * Distinct values of each group, by their 64-bit hashes: an exact set up to 1,024 members, then the registers of a HyperLogLog.
 * Which of the two a group has, and what is in it, depends on the set of hashes alone: not on their order, nor on how they
 * were split and merged.
 *
 * Most groups of a window have a handful of members, so that a set object for each would cost far more than the members. All
 * sets of a table share one open-addressing table of (group, hash); a linked list through the entries leads to the members
 * of one group. A group that outgrows its set takes 2^14 registers of a byte each, and leaves its entries behind as
 * garbage until the table is next rebuilt.
 */
import { assert } from "#protocol";
import type { Accumulator, DigestSink } from "./accumulator.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { addToRegisters, emptyRegisters, estimate, mergeRegisters, REGISTERS } from "./hyperloglog.ts";

/** Largest exact set. */
export const EXACT_MAX = 1_024;
/** In the column of sizes: this group has registers. */
const PROMOTED = 0xffff;

/** Registers that are mostly zero are stored as (index, value) pairs of 2 and 1 bytes. */
const SPARSE_MAX = REGISTERS / 4;

const ENTRIES_MIN = 16;

export class DistinctSets implements Accumulator {
  #sizes = new Uint16Array(0);
  /** The last entry of each group, plus one; 0 for none. */
  #heads = new Uint32Array(0);
  readonly #registers = new Map<number, Uint8Array>();

  #entryCount = 0;
  #entryGroups = new Uint32Array(ENTRIES_MIN);
  #entryWords = new Uint32Array(2 * ENTRIES_MIN);
  /** The entry of the same group before this one, plus one; 0 ends the list. */
  #entryNexts = new Uint32Array(ENTRIES_MIN);
  /** Entries by hash, plus one: twice as many slots as there is room for entries. */
  #slots = new Uint32Array(2 * ENTRIES_MIN);

  resize(capacity: number): void {
    if (capacity <= this.#sizes.length) return;
    const sizes = new Uint16Array(capacity);
    sizes.set(this.#sizes);
    this.#sizes = sizes;
    const heads = new Uint32Array(capacity);
    heads.set(this.#heads);
    this.#heads = heads;
  }

  /** Adds the hash at `words[2 * rows[i]]` to the group `ids[i]`, for i in [from, to). (0, 0) is absent. */
  add(words: Uint32Array, rows: Uint32Array, ids: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const row = rows[i] as number;
      this.addHash(ids[i] as number, words[2 * row] as number, words[2 * row + 1] as number);
    }
  }

  /** Adds the hash of each record's code to its group. Code 0 is absent. */
  addCodes(
    codes: Uint8Array | Uint16Array | Uint32Array,
    words: Uint32Array,
    rows: Uint32Array,
    ids: Int32Array,
    from: number,
    to: number,
  ): void {
    for (let i = from; i < to; i++) {
      const code = codes[rows[i] as number] as number;
      if (code !== 0) this.addHash(ids[i] as number, words[2 * code] as number, words[2 * code + 1] as number);
    }
  }

  addHash(group: number, low: number, high: number): void {
    if (low === 0 && high === 0) return;
    const size = this.#sizes[group] as number;
    if (size === PROMOTED) {
      addToRegisters(this.#registersOf(group), low, high);
      return;
    }
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = slotOf(group, low, mask);
    for (let entry = slots[slot] as number; entry !== 0; entry = slots[slot] as number) {
      const at = entry - 1;
      if (
        this.#entryWords[2 * at] === low &&
        this.#entryWords[2 * at + 1] === high &&
        this.#entryGroups[at] === group
      ) {
        return;
      }
      slot = (slot + 1) & mask;
    }
    if (size === EXACT_MAX) {
      addToRegisters(this.#promote(group), low, high);
      return;
    }
    slots[slot] = this.#append(group, low, high) + 1;
    this.#sizes[group] = size + 1;
    if (this.#entryCount === this.#entryGroups.length) this.#rebuild();
  }

  absorb(from: Accumulator, rows: Uint32Array, ids: Int32Array, count: number): void {
    assert(from instanceof DistinctSets, "accumulators of one kind merge");
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      const group = ids[i] as number;
      const registers = from.#registers.get(row);
      if (registers !== undefined) {
        mergeRegisters(this.#sizes[group] === PROMOTED ? this.#registersOf(group) : this.#promote(group), registers);
      } else {
        from.#forEachMember(row, (low, high) => this.addHash(group, low, high));
      }
    }
  }

  /** How many distinct values the group has: exact up to 1,024, then estimated within 3 %. */
  valueOf(group: number): number {
    const registers = this.#registers.get(group);
    // More than 1,024 is certain, whatever the estimate says.
    return registers === undefined
      ? (this.#sizes[group] as number)
      : Math.max(EXACT_MAX + 1, Math.round(estimate(registers)));
  }

  write(writer: ByteWriter, from: number, to: number): void {
    writer.integers(this.#sizes, from, to);
    const members: number[] = [];
    for (let group = from; group < to; group++) {
      if (this.#sizes[group] !== PROMOTED) this.#forEachMember(group, (low, high) => members.push(low, high));
    }
    writer.bytes(new Uint8Array(Uint32Array.from(members).buffer));
    for (let group = from; group < to; group++) {
      const registers = this.#registers.get(group);
      if (registers !== undefined) writeRegisters(writer, registers);
    }
  }

  read(reader: ByteReader, count: number): void {
    const sizes = reader.integers(count);
    let members = 0;
    for (const size of sizes) if (size !== PROMOTED) members += size;
    this.#reserve(members);
    const bytes = reader.bytes(8 * members);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * members);
    let at = 0;
    sizes.forEach((size, group) => {
      if (size === PROMOTED) return;
      for (const end = at + 2 * size; at < end; at += 2) {
        this.addHash(group, words[at] as number, words[at + 1] as number);
      }
    });
    sizes.forEach((size, group) => {
      if (size !== PROMOTED) return;
      this.#sizes[group] = PROMOTED;
      this.#registers.set(group, readRegisters(reader));
    });
  }

  bytesOf(group: number): number {
    const size = this.#sizes[group] as number;
    return 16 + (size === PROMOTED ? REGISTERS : 8 * size);
  }

  digest(group: number, sink: DigestSink): void {
    const registers = this.#registers.get(group);
    if (registers !== undefined) {
      const words = new Uint32Array(registers.buffer, registers.byteOffset, REGISTERS / 4);
      for (let i = 0; i < words.length; i += 2) sink.words(words[i] as number, words[i + 1] as number);
      return;
    }
    // Members come in any order: sort them.
    const members: [number, number][] = [];
    this.#forEachMember(group, (low, high) => members.push([low, high]));
    members.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    sink.number(members.length);
    for (const [low, high] of members) sink.words(low, high);
  }

  #forEachMember(group: number, visit: (low: number, high: number) => void): void {
    for (let entry = this.#heads[group] as number; entry !== 0; entry = this.#entryNexts[entry - 1] as number) {
      visit(this.#entryWords[2 * (entry - 1)] as number, this.#entryWords[2 * (entry - 1) + 1] as number);
    }
  }

  #registersOf(group: number): Uint8Array {
    const registers = this.#registers.get(group);
    assert(registers !== undefined, "a promoted group has registers");
    return registers;
  }

  /** Turns a group's set into registers. */
  #promote(group: number): Uint8Array {
    const registers = emptyRegisters();
    this.#forEachMember(group, (low, high) => addToRegisters(registers, low, high));
    this.#registers.set(group, registers);
    this.#sizes[group] = PROMOTED;
    this.#heads[group] = 0;
    return registers;
  }

  /** Appends an entry to the list of its group, and returns it. */
  #append(group: number, low: number, high: number): number {
    const entry = this.#entryCount++;
    this.#entryGroups[entry] = group;
    this.#entryWords[2 * entry] = low;
    this.#entryWords[2 * entry + 1] = high;
    this.#entryNexts[entry] = this.#heads[group] as number;
    this.#heads[group] = entry + 1;
    return entry;
  }

  /** Drops the entries of promoted groups, and makes the table twice as large as the rest needs. */
  #rebuild(): void {
    let live = 0;
    for (let entry = 0; entry < this.#entryCount; entry++) {
      const group = this.#entryGroups[entry] as number;
      if (this.#sizes[group] === PROMOTED) continue;
      this.#entryGroups[live] = group;
      this.#entryWords.copyWithin(2 * live, 2 * entry, 2 * entry + 2);
      live++;
    }
    this.#entryCount = live;
    this.#reserve(live + 1);
  }

  /** Makes room for `entries` entries in all, and threads the ones that are there anew. */
  #reserve(entries: number): void {
    let capacity = ENTRIES_MIN;
    while (capacity < 2 * entries) capacity *= 2;
    const { length } = this.#entryGroups;
    if (capacity > length) {
      const words = this.#entryWords;
      const groups = this.#entryGroups;
      this.#entryWords = new Uint32Array(2 * capacity);
      this.#entryWords.set(words);
      this.#entryGroups = new Uint32Array(capacity);
      this.#entryGroups.set(groups);
      this.#entryNexts = new Uint32Array(capacity);
      this.#slots = new Uint32Array(2 * capacity);
    } else {
      this.#slots.fill(0);
    }
    this.#heads.fill(0);
    const count = this.#entryCount;
    this.#entryCount = 0;
    for (let entry = 0; entry < count; entry++) {
      const group = this.#entryGroups[entry] as number;
      const low = this.#entryWords[2 * entry] as number;
      const mask = this.#slots.length - 1;
      let slot = slotOf(group, low, mask);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = this.#append(group, low, this.#entryWords[2 * entry + 1] as number) + 1;
    }
  }
}

/** Hashes are even already; the group is spread over all bits, so that one value in many groups does not pile up. */
function slotOf(group: number, low: number, mask: number): number {
  const mixed = Math.imul(low ^ Math.imul(group + 1, 0x9e3779b1), 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) & mask;
}

function writeRegisters(writer: ByteWriter, registers: Uint8Array): void {
  const indexes: number[] = [];
  registers.forEach((value, index) => {
    if (value !== 0) indexes.push(index);
  });
  const sparse = indexes.length <= SPARSE_MAX;
  writer.uint32(sparse ? indexes.length : REGISTERS);
  if (!sparse) {
    writer.bytes(registers);
    return;
  }
  writer.integers(indexes, 0, indexes.length);
  writer.bytes(Uint8Array.from(indexes, (index) => registers[index] as number));
}

function readRegisters(reader: ByteReader): Uint8Array {
  const registers = emptyRegisters();
  const count = reader.uint32();
  if (count === REGISTERS) {
    registers.set(reader.bytes(REGISTERS));
  } else {
    const indexes = reader.integers(count);
    const values = reader.bytes(count);
    indexes.forEach((register, i) => (registers[register] = values[i] as number));
  }
  return registers;
}
