/**
 * Distinct values of each group, by their 64-bit hashes: an exact set up to 1,024 members, then the registers of a HyperLogLog.
 * Which of the two a group has, and what is in it, depends on the set of hashes alone: not on their order, nor on how they
 * were split and merged.
 *
 * Hashes are not looked up when they come. They are *pending*, appended to one list with the group that they belong to, until
 * there are about as many as members, or somebody asks. Then the list is sorted by group, and each group takes its own in
 * one go (settle): what it has and what it is given fit the processor's first cache, where a lookup costs next to nothing. A
 * lookup in one large table, for each hash as it comes, would miss every cache. As the list is as long as what there is, each
 * member is moved a constant number of times. A group that has registers needs none of that: adding to them is a lookup less.
 *
 * Members of all groups lie in one array, by group.
 */
import { assert } from "#protocol";
import type { Accumulator, DigestSink } from "./accumulator.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { CodeArray } from "./column-batch.ts";
import { addToRegisters, emptyRegisters, estimate, mergeRegisters, REGISTERS } from "./hyperloglog.ts";
import { PendingHashes } from "./pending-hashes.ts";
import { readRegisters, writeRegisters } from "./register-bytes.ts";
import { SmallSet } from "./small-set.ts";

/** Largest exact set. */
export const EXACT_MAX = 1_024;
/** In the column of sizes: this group has registers. */
const PROMOTED = 0xffff;

/** What a group's hashes are told apart by while it settles. */
const seen = new SmallSet(EXACT_MAX);

export class DistinctSets implements Accumulator {
  /** Members of each group, or PROMOTED. */
  #sizes = new Uint16Array(0);
  /** Where the members of each group begin, in pairs of words; of one that was promoted, which registers it has. */
  #starts = new Uint32Array(0);
  #members = new Uint32Array(0);
  /** Places in `#members` that are taken. */
  #memberCount = 0;
  /** Whether some of them are of groups that were promoted since they were settled. */
  #hasGaps = false;
  readonly #registers: Uint8Array[] = [];

  readonly #pending = new PendingHashes();

  resize(capacity: number): void {
    if (capacity <= this.#sizes.length) return;
    const sizes = new Uint16Array(capacity);
    sizes.set(this.#sizes);
    this.#sizes = sizes;
    const starts = new Uint32Array(capacity).fill(this.#memberCount);
    starts.set(this.#starts);
    this.#starts = starts;
  }

  /** Adds the hash at `words[2 * rows[i]]` to the group `ids[i]`, for i in [from, to). (0, 0) is absent. */
  add(words: Uint32Array, rows: Uint32Array, ids: Int32Array, from: number, to: number): void {
    this.#reserve(to - from);
    let { count } = this.#pending;
    const { groups, words: pending } = this.#pending;
    let group = -1;
    let registers: Uint8Array | null = null;
    for (let i = from; i < to; i++) {
      const at = 2 * (rows[i] as number);
      const low = words[at] as number;
      const high = words[at + 1] as number;
      // Neighbours often share their group.
      if (ids[i] !== group) registers = this.#registersIfAny((group = ids[i] as number));
      if (registers !== null) {
        if ((low | high) !== 0) addToRegisters(registers, low, high);
        continue;
      }
      pending[2 * count] = low;
      pending[2 * count + 1] = high;
      groups[count] = group;
      // What is absent is written over.
      if ((low | high) !== 0) count++;
    }
    this.#pending.count = count;
  }

  /** Adds the hash of each record's code to its group. Code 0 is absent. */
  addCodes(codes: CodeArray, words: Uint32Array, rows: Uint32Array, ids: Int32Array, from: number, to: number): void {
    this.#reserve(to - from);
    let { count } = this.#pending;
    const { groups, words: pending } = this.#pending;
    let group = -1;
    let registers: Uint8Array | null = null;
    for (let i = from; i < to; i++) {
      const code = codes[rows[i] as number] as number;
      const low = words[2 * code] as number;
      const high = words[2 * code + 1] as number;
      if (ids[i] !== group) registers = this.#registersIfAny((group = ids[i] as number));
      if (registers !== null) {
        if (code !== 0) addToRegisters(registers, low, high);
        continue;
      }
      pending[2 * count] = low;
      pending[2 * count + 1] = high;
      groups[count] = group;
      if (code !== 0) count++;
    }
    this.#pending.count = count;
  }

  addHash(group: number, low: number, high: number): void {
    if (low === 0 && high === 0) return;
    if (this.#sizes[group] === PROMOTED) {
      addToRegisters(this.#registersOf(group), low, high);
      return;
    }
    this.#reserve(1);
    this.#pending.push(group, low, high);
  }

  absorb(from: Accumulator, rows: Uint32Array, ids: Int32Array, count: number): void {
    assert(from instanceof DistinctSets, "accumulators of one kind merge");
    from.settle();
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      const group = ids[i] as number;
      if (from.#sizes[row] === PROMOTED) {
        this.#hasGaps ||= this.#sizes[group] !== PROMOTED;
        if (this.#sizes[group] !== PROMOTED) this.#promote(group);
        mergeRegisters(this.#registersOf(group), from.#registersOf(row));
        continue;
      }
      const first = from.#starts[row] as number;
      const size = from.#sizes[row] as number;
      for (let m = 2 * first; m < 2 * (first + size); m += 2) {
        this.addHash(group, from.#members[m] as number, from.#members[m + 1] as number);
      }
    }
  }

  /** How many distinct values the group has: exact up to 1,024, then estimated within 3 %. */
  valueOf(group: number): number {
    this.settle();
    const size = this.#sizes[group] as number;
    // More than 1,024 is certain, whatever the estimate says.
    return size === PROMOTED ? Math.max(EXACT_MAX + 1, Math.round(estimate(this.#registersOf(group)))) : size;
  }

  write(writer: ByteWriter, from: number, to: number): void {
    this.settle();
    writer.integers(this.#sizes, from, to);
    // Those of neighbours lie side by side: the first group that has any says where.
    let first = 0;
    let count = 0;
    for (let group = from; group < to; group++) {
      const size = this.#sizes[group] as number;
      if (size === PROMOTED) continue;
      if (count === 0) first = this.#starts[group] as number;
      count += size;
    }
    const members = this.#members.subarray(2 * first, 2 * (first + count));
    writer.bytes(new Uint8Array(members.buffer, members.byteOffset, members.byteLength));
    for (let group = from; group < to; group++) {
      if (this.#sizes[group] === PROMOTED) writeRegisters(writer, this.#registersOf(group));
    }
  }

  read(reader: ByteReader, count: number): void {
    const sizes = reader.integers(count);
    let members = 0;
    for (let group = 0; group < this.#sizes.length; group++) {
      const size = group < count ? (sizes[group] as number) : 0;
      this.#sizes[group] = size;
      this.#starts[group] = members;
      if (size !== PROMOTED) members += size;
    }
    const bytes = reader.bytes(8 * members);
    this.#members = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * members).slice();
    this.#memberCount = members;
    sizes.forEach((size, group) => {
      if (size === PROMOTED) this.#giveRegisters(group, readRegisters(reader));
    });
  }

  bytesOf(group: number): number {
    this.settle();
    const size = this.#sizes[group] as number;
    return 16 + (size === PROMOTED ? REGISTERS : 8 * size);
  }

  digest(group: number, sink: DigestSink): void {
    this.settle();
    if (this.#sizes[group] === PROMOTED) {
      const registers = this.#registersOf(group);
      const words = new Uint32Array(registers.buffer, registers.byteOffset, REGISTERS / 4);
      for (let i = 0; i < words.length; i += 2) sink.words(words[i] as number, words[i + 1] as number);
      return;
    }
    // Members come in any order: sort them.
    const first = this.#starts[group] as number;
    const members = Array.from({ length: this.#sizes[group] as number }, (_, i) => {
      const at = 2 * (first + i);
      return [this.#members[at] as number, this.#members[at + 1] as number] as const;
    });
    members.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    sink.number(members.length);
    for (const [low, high] of members) sink.words(low, high);
  }

  /** Nothing will be added for a while. */
  close(): void {
    this.settle();
    this.#pending.release();
  }

  /** Gives every group what is pending for it. Afterwards members lie by group, without a gap. */
  settle(): void {
    if (this.#pending.count === 0 && !this.#hasGaps) return;
    const { words, ends } = this.#pending.sorted(this.#sizes.length);
    const before = this.#members;
    this.#members = new Uint32Array(2 * (this.#memberCount + this.#pending.count));
    this.#memberCount = 0;
    this.#pending.count = 0;
    this.#hasGaps = false;
    let pending = 0;
    for (let group = 0; group < this.#sizes.length; group++) {
      const end = ends[group] as number;
      this.#settleGroup(group, before, words, pending, end);
      pending = end;
    }
    // Most was known already: the room is given back.
    if (3 * this.#memberCount < this.#members.length) this.#members = this.#members.slice(0, 2 * this.#memberCount);
  }

  /** Moves a group's members from `before` to the end of the new ones, and adds to them `words[from..to)`, in pairs. */
  #settleGroup(group: number, before: Uint32Array, words: Uint32Array, from: number, to: number): void {
    const size = this.#sizes[group] as number;
    if (size === PROMOTED) {
      // Only what came before it was promoted is pending.
      if (to > from) addAll(this.#registersOf(group), words, from, to);
      return;
    }
    const first = this.#memberCount;
    const old = 2 * (this.#starts[group] as number);
    this.#starts[group] = first;
    const members = this.#members;
    for (let i = 0; i < 2 * size; i++) members[2 * first + i] = before[old + i] as number;
    this.#memberCount += size;
    if (from === to) return;
    const distinct = seen.addAll(members, first, size, words, from, to);
    if (distinct <= EXACT_MAX) {
      this.#sizes[group] = distinct;
      this.#memberCount = first + distinct;
    } else {
      this.#promote(group);
      addAll(this.#registersOf(group), words, from, to);
      this.#memberCount = first;
    }
  }

  #registersIfAny(group: number): Uint8Array | null {
    return this.#sizes[group] === PROMOTED ? this.#registersOf(group) : null;
  }

  /** The registers of a group that was promoted. */
  #registersOf(group: number): Uint8Array {
    return this.#registers[this.#starts[group] as number] as Uint8Array;
  }

  /** Turns a group's set into registers. What is pending for it comes to them when it is settled. */
  #promote(group: number): void {
    const registers = emptyRegisters();
    const first = this.#starts[group] as number;
    addAll(registers, this.#members, first, first + (this.#sizes[group] as number));
    this.#giveRegisters(group, registers);
  }

  #giveRegisters(group: number, registers: Uint8Array): void {
    this.#sizes[group] = PROMOTED;
    this.#starts[group] = this.#registers.push(registers) - 1;
  }

  /** Makes room for `count` pending hashes more: by settling, if there are as many of them as members. */
  #reserve(count: number): void {
    if (count <= this.#pending.free) return;
    if (this.#pending.count >= Math.max(this.#sizes.length, this.#memberCount)) this.settle();
    this.#pending.reserve(count);
  }
}

/** Adds the hashes at places [from, to). */
function addAll(registers: Uint8Array, words: Uint32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) addToRegisters(registers, words[2 * i] as number, words[2 * i + 1] as number);
}
