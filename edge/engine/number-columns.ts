/**
 * The simplest accumulators: how many numbers a group has seen, and the least or greatest of them.
 */
import { assert } from "#protocol";
import { type Accumulator, type DigestSink, grown, type NumberAccumulator } from "./accumulator.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { CodeArray } from "./column-batch.ts";

/** How many records of a group have a number in the attribute: what an average divides by. Or how many were invalid. */
export class NumberCounts implements NumberAccumulator {
  /** Exact integers up to 2^53; 32 bits would not hold a year of a busy stream. */
  counts = new Float64Array(0);

  resize(capacity: number): void {
    this.counts = grown(this.counts, capacity);
  }

  add(values: Float64Array, rows: Uint32Array, ids: Int32Array, from: number, to: number): void {
    const { counts } = this;
    for (let i = from; i < to; i++) {
      const value = values[rows[i] as number] as number;
      if (value === value) counts[ids[i] as number] = (counts[ids[i] as number] as number) + 1;
    }
  }

  /** Counts one record for each group of `ids[from..to)`. */
  count(ids: Int32Array, from: number, to: number): void {
    const { counts } = this;
    for (let i = from; i < to; i++) counts[ids[i] as number] = (counts[ids[i] as number] as number) + 1;
  }

  absorb(from: Accumulator, rows: Uint32Array, ids: Int32Array, count: number): void {
    assert(from instanceof NumberCounts, "accumulators of one kind merge");
    addCounts(this.counts, from.counts, rows, ids, count);
  }

  write(writer: ByteWriter, from: number, to: number): void {
    writer.integers(this.counts, from, to);
  }

  read(reader: ByteReader, count: number): void {
    this.counts.set(reader.integers(count));
  }

  bytesOf(): number {
    return 8;
  }

  digest(group: number, sink: DigestSink): void {
    sink.number(this.counts[group] as number);
  }
}

/** Whole numbers that are added and taken back: exact up to 2^53. */
export class SignedSums implements Accumulator {
  values = new Float64Array(0);

  resize(capacity: number): void {
    this.values = grown(this.values, capacity);
  }

  /** Adds `amounts[i]` to the group `ids[i]`, for i in [from, to). */
  addAmounts(amounts: Float64Array, ids: Int32Array, from: number, to: number): void {
    const { values } = this;
    for (let i = from; i < to; i++)
      values[ids[i] as number] = (values[ids[i] as number] as number) + (amounts[i] as number);
  }

  absorb(from: Accumulator, rows: Uint32Array, ids: Int32Array, count: number): void {
    assert(from instanceof SignedSums, "accumulators of one kind merge");
    addCounts(this.values, from.values, rows, ids, count);
  }

  write(writer: ByteWriter, from: number, to: number): void {
    writer.doubles(this.values, from, to);
  }

  read(reader: ByteReader, count: number): void {
    this.values.set(reader.doubles(count));
  }

  bytesOf(): number {
    return 8;
  }

  digest(group: number, sink: DigestSink): void {
    sink.number(this.values[group] as number);
  }
}

/** Adds `source[rows[i]]` to `target[ids[i]]`, for i below `count`. */
export function addCounts(
  target: Float64Array,
  source: CodeArray | Float64Array,
  rows: Uint32Array,
  ids: Int32Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const group = ids[i] as number;
    target[group] = (target[group] as number) + (source[rows[i] as number] as number);
  }
}

/** The least or the greatest number of each group; of none, the infinity that any number replaces. */
export class Extremes implements NumberAccumulator {
  readonly #sign: 1 | -1;
  readonly #none: number;
  extremes = new Float64Array(0);

  constructor(kind: "min" | "max") {
    this.#sign = kind === "min" ? 1 : -1;
    this.#none = kind === "min" ? Infinity : -Infinity;
  }

  resize(capacity: number): void {
    this.extremes = grown(this.extremes, capacity, this.#none);
  }

  /** The group's extreme, or null if it has seen no number. */
  valueOf(group: number): number | null {
    const value = this.extremes[group] as number;
    return value === this.#none ? null : value;
  }

  add(values: Float64Array, rows: Uint32Array, ids: Int32Array, from: number, to: number): void {
    const { extremes } = this;
    const sign = this.#sign;
    for (let i = from; i < to; i++) {
      const value = values[rows[i] as number] as number;
      // NaN compares false: an absent value changes nothing.
      if (sign * value < sign * (extremes[ids[i] as number] as number)) extremes[ids[i] as number] = value;
    }
  }

  absorb(from: Accumulator, rows: Uint32Array, ids: Int32Array, count: number): void {
    assert(from instanceof Extremes && from.#sign === this.#sign, "accumulators of one kind merge");
    this.add(from.extremes, rows, ids, 0, count);
  }

  write(writer: ByteWriter, from: number, to: number): void {
    writer.doubles(this.extremes, from, to);
  }

  read(reader: ByteReader, count: number): void {
    this.extremes.set(reader.doubles(count));
  }

  bytesOf(): number {
    return 8;
  }

  digest(group: number, sink: DigestSink): void {
    sink.number(this.extremes[group] as number);
  }
}
