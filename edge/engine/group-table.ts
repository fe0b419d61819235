/**
 * The groups of one window: a number for each combination of key codes that occurs, and accumulators as columns indexed by
 * that number.
 *
 * One table a window, not one for all windows: records come nearly in the order of event time, so that the few windows which
 * are written to at a time stay in the processor's cache. That is worth a factor of five over a batch engine's single table.
 * For the same reason a table that nobody writes to is closed: the way from keys to groups (group-index.ts) goes, and keys
 * and counts are copied to columns as narrow as can be. Writing to it opens it again.
 */
import { assert } from "#protocol";
import type { Accumulator } from "./accumulator.ts";
import type { CodeArray, IntegerColumn } from "./column-batch.ts";
import { DistinctSets } from "./distinct.ts";
import { ExactSums } from "./exact-sum.ts";
import { TableMemory } from "./table-memory.ts";
import type { Interner } from "./interner.ts";
import { KeyColumns } from "./key-columns.ts";
import { type AnyIndex, openIndex } from "./open-index.ts";
import { addCounts, Extremes, NumberCounts, SignedSums } from "./number-columns.ts";
import type { AccumulatorKind, Shape } from "./plan.ts";
import { Tally, TALLY_CODES_MAX } from "./tally.ts";
import { WideIndex } from "./wide-index.ts";

export type AnyAccumulator = NumberCounts | SignedSums | ExactSums | Extremes | DistinctSets;

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
  readonly #columns: KeyColumns;
  readonly #memory: TableMemory;
  readonly #capacity: number;
  #index: AnyIndex | null = null;
  /** All groups, while there is one. */
  #tally: Tally | null = null;

  /**
   * @param capacity groups to make room for at once
   * @param memory what it works with while it is open, shared by the tables of a state
   */
  constructor(
    start: number,
    shape: Shape,
    interners: readonly Interner[],
    capacity = 0,
    memory: TableMemory = new TableMemory(),
  ) {
    assert(interners.length === shape.groupBy.length, "an interner for each key column");
    this.start = start;
    this.interners = interners;
    this.#memory = memory;
    this.#capacity = capacity;
    this.#columns = new KeyColumns(interners.length, memory);
    this.accumulators = shape.accumulators.map(({ kind }) => createAccumulator(kind));
  }

  /** The number of groups. */
  get size(): number {
    return this.#tally?.size ?? this.#columns.size;
  }

  /** Codes of each key column, by group; more may follow behind the last one. */
  get keys(): readonly CodeArray[] {
    return this.#keys.columns;
  }

  /** Records of each group: exact integers up to 2^53. */
  get records(): CodeArray | Float64Array {
    return this.#keys.counts;
  }

  /** The group of each key `keys[…][i]`, for i in [from, to), to `ids[i]`; new groups are made as needed. */
  assign(keys: readonly Uint32Array[], from: number, to: number, ids: Int32Array): void {
    this.#keys.open(Math.max(this.#capacity, this.size));
    this.#openIndex().assign(keys, from, to, ids);
    for (const accumulator of this.accumulators) accumulator.resize(this.#keys.capacity);
  }

  /** Counts `lengths[i]` records for the key `keys[…][i]`, for i in [from, to): for a table that does nothing but count. */
  count(keys: readonly Uint32Array[], lengths: IntegerColumn, from: number, to: number, ids: Int32Array): void {
    assert(this.accumulators.length === 0, "nothing to do for each record");
    this.#keys.open(Math.max(this.#capacity, this.size));
    const index = this.#openIndex();
    const [only] = keys;
    if (!(index instanceof WideIndex) && only !== undefined && keys.length === 1) {
      index.count(only, lengths, from, to);
    } else {
      index.assign(keys, from, to, ids);
      this.countRuns(ids, lengths, from, to);
    }
  }

  /** Whether {@link tally} can be called: for a table of one key column that does nothing but count, from its beginning on. */
  get canTally(): boolean {
    const [interner] = this.interners;
    if (interner === undefined || this.interners.length > 1 || this.accumulators.length > 0) return false;
    return interner.size <= TALLY_CODES_MAX && (this.#tally !== null || this.#columns.size === 0);
  }

  /**
   * Counts `counts[row]` records for the key `codes[row]`, for the first `count` of some rows; see tally.ts.
   *
   * @param rows null: the first `count` of all
   */
  tally(codes: CodeArray, counts: CodeArray | Float64Array, rows: Uint32Array | null, count: number): void {
    assert(this.canTally, "a table that counts by code");
    if (this.#tally === null) this.#closeIndex();
    this.#tally ??= new Tally();
    if (rows === null) this.#tally.add(codes, counts, count);
    else this.#tally.addRows(codes, counts, rows, count);
  }

  /** The group of the key `keys[…][i]`, or -1 if there is none. */
  find(keys: readonly CodeArray[], i: number): number {
    return this.#openIndex().find(keys, i);
  }

  /** Lets go of all that only writing needs, until it is written to again. */
  close(): void {
    this.#closeIndex();
    this.#keys.close(this.interners);
    for (const accumulator of this.accumulators) if (accumulator instanceof DistinctSets) accumulator.close();
  }

  /** Takes over `count` groups, all different: they come back from where they were kept, but for their accumulators. */
  restore(keys: readonly CodeArray[], records: CodeArray | Float64Array, count: number): void {
    this.#keys.restore(keys, records, count);
    for (const accumulator of this.accumulators) accumulator.resize(count);
  }

  /** Counts one record for each group of `ids[from..to)`. */
  countRecords(ids: Int32Array, from: number, to: number): void {
    const records = this.#keys.openCounts;
    for (let i = from; i < to; i++) records[ids[i] as number] = (records[ids[i] as number] as number) + 1;
  }

  /** Counts `lengths[i]` records for the group `ids[i]`, for i in [from, to). */
  countRuns(ids: Int32Array, { base, deltas }: IntegerColumn, from: number, to: number): void {
    const records = this.#keys.openCounts;
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
    addCounts(this.#keys.openCounts, from.records, rows, ids, count);
    this.accumulators.forEach((accumulator: Accumulator, i) => {
      const source = from.accumulators[sources[i] as number];
      assert(source !== undefined, "every accumulator has a source");
      accumulator.absorb(source, rows, ids, count);
    });
  }

  /** Keys and counts, with what has only been tallied so far. */
  get #keys(): KeyColumns {
    if (this.#tally !== null) {
      const { codes, counts } = this.#tally.finish((this.interners[0] as Interner).size);
      this.#tally = null;
      this.#columns.restore([codes], counts, codes.length);
    }
    return this.#columns;
  }

  /** The index, made anew if there is none, or if keys have outgrown it. */
  #openIndex(): AnyIndex {
    if (this.#index === null || !this.#index.fits(this.interners)) {
      this.#closeIndex();
      this.#index = openIndex(this.#keys, this.interners, this.#memory);
    }
    return this.#index;
  }

  #closeIndex(): void {
    this.#index?.release();
    this.#index = null;
  }
}

function createAccumulator(kind: AccumulatorKind): AnyAccumulator {
  switch (kind) {
    case "numbers":
    case "invalid":
      return new NumberCounts();
    case "sessions":
    case "sessionMs":
    case "sessionRecords":
      return new SignedSums();
    case "sum":
      return new ExactSums();
    case "min":
    case "max":
      return new Extremes(kind);
    case "distinct":
      return new DistinctSets();
  }
}
