/**
 * The groups of one window: a number for each combination of key codes that occurs, and accumulators as columns indexed by
 * that number.
 *
 * One table a window, not one for all windows: records come nearly in the order of event time, so that the few windows which
 * are written to at a time stay in the processor's cache. That is worth a factor of five over a batch engine's single table.
 * For the same reason the way from keys to groups (group-index.ts) is no part of a table that nobody writes to: it is made
 * when a table is opened, and goes when it is closed. What stays is what an answer needs.
 */
import { assert } from "#protocol";
import { type Accumulator, grown } from "./accumulator.ts";
import type { IntegerColumn } from "./column-batch.ts";
import { DistinctSets } from "./distinct.ts";
import { ExactSums } from "./exact-sum.ts";
import type { GroupIndex } from "./group-index.ts";
import { IndexMemory } from "./index-memory.ts";
import type { Interner } from "./interner.ts";
import { KeyColumns } from "./key-columns.ts";
import { openIndex } from "./open-index.ts";
import { addCounts, Extremes, NumberCounts } from "./number-columns.ts";
import type { AccumulatorKind, Shape } from "./plan.ts";

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
  /** Records of each group: exact integers up to 2^53. */
  records = new Float64Array(0);

  readonly #keys: KeyColumns;
  readonly #memory: IndexMemory;
  #capacity = 0;
  #index: GroupIndex | null = null;

  /**
   * @param capacity groups to make room for at once
   * @param memory what its index works with, shared by the tables of a state
   */
  constructor(
    start: number,
    shape: Shape,
    interners: readonly Interner[],
    capacity = 0,
    memory: IndexMemory = new IndexMemory(),
  ) {
    assert(interners.length === shape.groupBy.length, "an interner for each key column");
    this.start = start;
    this.interners = interners;
    this.#memory = memory;
    this.#keys = new KeyColumns(interners.length, capacity);
    this.accumulators = shape.accumulators.map(({ kind }) => createAccumulator(kind));
    this.#followKeys();
  }

  /** The number of groups. */
  get size(): number {
    return this.#keys.size;
  }

  /** Codes of each key column, by group; more may follow behind the last one. */
  get keys(): readonly Uint32Array[] {
    return this.#keys.columns;
  }

  /** The group of each key `keys[…][i]`, for i in [from, to), to `ids[i]`; new groups are made as needed. */
  assign(keys: readonly Uint32Array[], from: number, to: number, ids: Int32Array): void {
    this.#openIndex().assign(keys, from, to, ids);
    this.#followKeys();
  }

  /** The group of the key `keys[…][i]`, or -1 if there is none. */
  find(keys: readonly Uint32Array[], i: number): number {
    return this.#openIndex().find(keys, i);
  }

  /** Lets go of the way from keys to groups, until it is needed again. */
  close(): void {
    this.#index?.release();
    for (const accumulator of this.accumulators) if (accumulator instanceof DistinctSets) accumulator.settle();
    this.#index = null;
  }

  /** Enters the first `count` groups, all different, into a table that has none: they come back from where they were kept. */
  restore(keys: readonly Uint32Array[], count: number): void {
    assert(this.size === 0, "a table that has no groups yet");
    this.#keys.restore(keys, count);
    this.#followKeys();
  }

  /** Counts one record for each group of `ids[from..to)`. */
  countRecords(ids: Int32Array, from: number, to: number): void {
    const { records } = this;
    for (let i = from; i < to; i++) records[ids[i] as number] = (records[ids[i] as number] as number) + 1;
  }

  /** Counts `lengths[i]` records for the group `ids[i]`, for i in [from, to). */
  countRuns(ids: Int32Array, { base, deltas }: IntegerColumn, from: number, to: number): void {
    const { records } = this;
    if (deltas === null) {
      for (let i = from; i < to; i++) records[ids[i] as number] = (records[ids[i] as number] as number) + base;
    } else {
      for (let i = from; i < to; i++) {
        const group = ids[i] as number;
        records[group] = (records[group] as number) + base + (deltas[i] as number);
      }
    }
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

  /** The index, made anew if there is none, or if keys have outgrown it. */
  #openIndex(): GroupIndex {
    if (this.#index === null || !this.#index.fits(this.interners)) {
      this.close();
      this.#index = openIndex(this.#keys, this.interners, this.#memory);
    }
    return this.#index;
  }

  /** Makes room for the accumulators of as many groups as there is room for keys. */
  #followKeys(): void {
    if (this.#capacity === this.#keys.capacity) return;
    this.#capacity = this.#keys.capacity;
    this.records = grown(this.records, this.#capacity);
    for (const accumulator of this.accumulators) accumulator.resize(this.#capacity);
  }
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
