/**
 * The groups of one window: a number for each combination of key codes that occurs, and accumulators as columns indexed by
 * that number. Open addressing in typed arrays, linear probing, at most half full.
 *
 * One table a window, not one for all windows: records come nearly in the order of event time, so that the few windows which
 * are open at a time stay in the processor's cache. That is worth a factor of five over a batch engine's single table.
 */
import { assert } from "#protocol";
import { type Accumulator, grown } from "./accumulator.ts";
import { DistinctSets } from "./distinct.ts";
import { ExactSums } from "./exact-sum.ts";
import type { Interner } from "./interner.ts";
import { addCounts, Extremes, NumberCounts } from "./number-columns.ts";
import type { AccumulatorKind, Shape } from "./plan.ts";

const CAPACITY_MIN = 8;
/** 2^32 divided by the golden ratio: spreads codes that count up from 1 (Knuth's multiplicative hashing). */
const GOLDEN = 0x9e3779b1;

export type AnyAccumulator = NumberCounts | ExactSums | Extremes | DistinctSets;

export class GroupTable {
  /** Start of the window, in milliseconds since the epoch. */
  readonly start: number;
  /** What the codes of each key column mean. Tables of one state share them. */
  readonly interners: readonly Interner[];
  readonly accumulators: readonly AnyAccumulator[];
  /**
   * No record that was folded into this window was logged later, in milliseconds since the epoch. It may be greater by as
   * much time as one batch spans: it is for retention, and no part of what the window says.
   */
  changedAt = 0;
  /** Codes of each key column, by group. */
  readonly keys: Uint32Array<ArrayBuffer>[];
  /** Records of each group: exact integers up to 2^53. */
  records = new Float64Array(0);

  #size = 0;
  #capacity = 0;
  /** Pairs of a group plus one (0: free) and the hash of its key; twice as many as there is room for groups. */
  #slots = new Int32Array(0);

  /** @param capacity groups to make room for at once */
  constructor(start: number, shape: Shape, interners: readonly Interner[], capacity = CAPACITY_MIN) {
    assert(interners.length === shape.groupBy.length, "an interner for each key column");
    this.start = start;
    this.interners = interners;
    this.keys = interners.map(() => new Uint32Array(0));
    this.accumulators = shape.accumulators.map(({ kind }) => createAccumulator(kind));
    this.#resize(capacity);
  }

  /** The number of groups. */
  get size(): number {
    return this.#size;
  }

  /** The group of each key `keys[…][i]`, for i in [from, to), to `ids[i]`; new groups are made as needed. */
  assign(keys: readonly Uint32Array[], from: number, to: number, ids: Int32Array): void {
    if (from === to) return;
    const [first, ...others] = keys;
    if (first === undefined) ids.fill(this.#insert(keys, from, 0), from, to);
    else if (others.length === 0) this.#assignSingle(first, from, to, ids);
    else for (let i = from; i < to; i++) ids[i] = this.#insert(keys, i, hashKey(keys, i));
  }

  /** The group of the key `keys[…][i]`, or -1 if there is none. */
  find(keys: readonly Uint32Array[], i: number): number {
    const slot = this.#slotOf(keys, i, hashKey(keys, i));
    return (this.#slots[slot] as number) - 1;
  }

  /** Enters the first `count` groups, all different, into a table that has none: they come back from where they were kept. */
  restore(keys: readonly Uint32Array[], count: number): void {
    assert(this.#size === 0, "a table that has no groups yet");
    keys.forEach((codes, k) => {
      const column = new Uint32Array(Math.max(this.#capacity, count));
      column.set(codes.subarray(0, count));
      this.keys[k] = column;
    });
    this.#size = count;
    this.#resize(count + 1);
  }

  /** Counts one record for each group of `ids[from..to)`. */
  countRecords(ids: Int32Array, from: number, to: number): void {
    const { records } = this;
    for (let i = from; i < to; i++) records[ids[i] as number] = (records[ids[i] as number] as number) + 1;
  }

  /**
   * Adds what `from` holds of its groups `rows[i]` to the groups `ids[i]`, for i below `count`.
   *
   * @param sources which of `from`'s accumulators goes into each of ours
   */
  absorb(from: GroupTable, sources: readonly number[], rows: Uint32Array, ids: Int32Array, count: number): void {
    addCounts(this.records, from.records, rows, ids, count);
    this.accumulators.forEach((accumulator: Accumulator, i) => {
      const source = from.accumulators[sources[i] as number];
      assert(source !== undefined, "every accumulator has a source");
      accumulator.absorb(source, rows, ids, count);
    });
    this.changedAt = Math.max(this.changedAt, from.changedAt);
  }

  /** The loop of the commonest case, one key column, written out. Different codes have different hashes: see below. */
  #assignSingle(keys: Uint32Array, from: number, to: number, ids: Int32Array): void {
    let slots = this.#slots;
    let mask = slots.length - 2;
    for (let i = from; i < to; i++) {
      const code = keys[i] as number;
      const hash = hashCode(0, code);
      let slot = (hash << 1) & mask;
      let entry = slots[slot] as number;
      while (entry !== 0 && slots[slot + 1] !== hash) {
        slot = (slot + 2) & mask;
        entry = slots[slot] as number;
      }
      if (entry === 0) {
        (this.keys[0] as Uint32Array)[this.#size] = code;
        entry = this.#append(slot, hash) + 1;
        slots = this.#slots;
        mask = slots.length - 2;
      }
      ids[i] = entry - 1;
    }
  }

  #insert(keys: readonly Uint32Array[], i: number, hash: number): number {
    const slot = this.#slotOf(keys, i, hash);
    const known = this.#slots[slot] as number;
    if (known !== 0) return known - 1;
    for (let k = 0; k < keys.length; k++) {
      (this.keys[k] as Uint32Array)[this.#size] = (keys[k] as Uint32Array)[i] as number;
    }
    return this.#append(slot, hash);
  }

  /** Where a key stands, or the free slot where it would. */
  #slotOf(keys: readonly Uint32Array[], i: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 2;
    let slot = (hash << 1) & mask;
    for (let entry = slots[slot] as number; entry !== 0; entry = slots[slot] as number) {
      if (slots[slot + 1] === hash && this.#hasKey(entry - 1, keys, i)) break;
      slot = (slot + 2) & mask;
    }
    return slot;
  }

  #hasKey(group: number, keys: readonly Uint32Array[], i: number): boolean {
    let k = 0;
    while (k < keys.length && (this.keys[k] as Uint32Array)[group] === (keys[k] as Uint32Array)[i]) k++;
    return k === keys.length;
  }

  /** A new group at a free slot, whose key has been entered. There is always room for one more. */
  #append(slot: number, hash: number): number {
    const group = this.#size++;
    this.#slots[slot] = group + 1;
    this.#slots[slot + 1] = hash;
    if (this.#size === this.#capacity) this.#resize(2 * this.#capacity);
    return group;
  }

  #resize(capacity: number): void {
    this.#capacity = CAPACITY_MIN;
    while (this.#capacity < capacity) this.#capacity *= 2;
    this.keys.forEach((codes, k) => {
      const longer = new Uint32Array(this.#capacity);
      longer.set(codes);
      this.keys[k] = longer;
    });
    this.records = grown(this.records, this.#capacity);
    for (const accumulator of this.accumulators) accumulator.resize(this.#capacity);
    this.#slots = new Int32Array(4 * this.#capacity);
    const mask = this.#slots.length - 2;
    for (let group = 0; group < this.#size; group++) {
      const hash = hashKey(this.keys, group);
      let slot = (hash << 1) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 2) & mask;
      this.#slots[slot] = group + 1;
      this.#slots[slot + 1] = hash;
    }
  }
}

/** One step of a key's hash. From 0 it is a bijection, so that a single code is found by its hash alone. */
function hashCode(hash: number, code: number): number {
  const mixed = Math.imul(hash ^ code, GOLDEN);
  return mixed ^ (mixed >>> 15);
}

/** The hash of a key. Of no columns, 0. */
function hashKey(keys: readonly Uint32Array[], i: number): number {
  let hash = 0;
  for (let k = 0; k < keys.length; k++) hash = hashCode(hash, (keys[k] as Uint32Array)[i] as number);
  return hash;
}

function createAccumulator(kind: AccumulatorKind): AnyAccumulator {
  switch (kind) {
    case "numbers":
      return new NumberCounts();
    case "sum":
      return new ExactSums();
    case "min":
    case "max":
      return new Extremes(kind);
    case "distinct":
      return new DistinctSets();
  }
}
