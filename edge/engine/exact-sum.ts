/**
 * Exact sums of doubles, one a group, rounded once when they are read. Floating-point addition is not associative, so a sum
 * that rounds at each step depends on the order of the records, and a replay could not be compared with what was live.
 *
 * A sum is kept as an unevaluated sum of doubles, its *partials*. Adding a number to a partial gives the rounded result and,
 * exactly, the error (Knuth's TwoSum); the error is carried to the next partial, so that nothing is ever lost. Two
 * partials lie in columns, which is all that sums of prices need; more of them, in a map beside.
 *
 *   J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997, and
 *   Raymond Hettinger's use of it in Python's math.fsum, from which the last rounding is taken.
 *
 * TwoSum fails where it overflows. So numbers of 2^960 and more (all of them integers) are added up as one big integer
 * instead, and what stays in the partials cannot reach 2^1024 with fewer than 2^63 numbers. One such number makes a group
 * slow, never wrong.
 */
import { assert } from "#protocol";
import { type Accumulator, type DigestSink, grown, type NumberAccumulator } from "./accumulator.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { toUnits, unitsQuotient } from "./exact-rounding.ts";

const HUGE = 2 ** 960;

export class ExactSums implements NumberAccumulator {
  #high = new Float64Array(0);
  #low = new Float64Array(0);
  /** Partials of what high and low cannot hold, increasing in magnitude and not overlapping. */
  readonly #rest = new Map<number, number[]>();
  /** Sums of the numbers of at least {@link HUGE}; never zero. */
  readonly #huge = new Map<number, bigint>();

  resize(capacity: number): void {
    this.#high = grown(this.#high, capacity);
    this.#low = grown(this.#low, capacity);
  }

  add(values: Float64Array, rows: Uint32Array, ids: Int32Array, from: number, to: number): void {
    const high = this.#high;
    for (let i = from; i < to; i++) {
      const value = values[rows[i] as number] as number;
      const group = ids[i] as number;
      if (value < HUGE && value > -HUGE) {
        const before = high[group] as number;
        const sum = before + value;
        const added = sum - before;
        const error = before - (sum - added) + (value - added);
        high[group] = sum;
        if (error !== 0) this.#addLow(group, error);
      } else if (value === value) {
        this.#addHuge(group, BigInt(value));
      }
    }
  }

  absorb(from: Accumulator, rows: Uint32Array, ids: Int32Array, count: number): void {
    assert(from instanceof ExactSums, "accumulators of one kind merge");
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      const group = ids[i] as number;
      this.#addPartial(group, from.#high[row] as number);
      this.#addPartial(group, from.#low[row] as number);
      if (from.#rest.size > 0) for (const partial of from.#rest.get(row) ?? []) this.#addPartial(group, partial);
      if (from.#huge.size > 0) this.#addHuge(group, from.#huge.get(row) ?? 0n);
    }
  }

  /** The sum, rounded half to even; null beyond the range of a double. */
  valueOf(group: number): number | null {
    if (this.#huge.has(group)) return this.#quotient(group, 1);
    const high = this.#high[group] as number;
    const low = this.#low[group] as number;
    const rest = this.#rest.get(group);
    if (rest === undefined) return high + low;
    const partials = [...rest];
    grow(partials, low);
    grow(partials, high);
    return roundPartials(partials);
  }

  /** The sum divided by `count`, which the sum's leaving the range of a double does not spoil. */
  meanOf(group: number, count: number): number | null {
    const sum = this.valueOf(group);
    return sum === null ? this.#quotient(group, count) : sum / count;
  }

  write(writer: ByteWriter, from: number, to: number): void {
    writer.doubles(this.#high, from, to);
    writer.doubles(this.#low, from, to);
    const restGroups: number[] = [];
    const restLengths: number[] = [];
    const partials: number[] = [];
    const hugeGroups: number[] = [];
    const hugeTexts: string[] = [];
    for (let group = from; group < to; group++) {
      const rest = this.#rest.get(group);
      if (rest !== undefined) {
        restGroups.push(group - from);
        restLengths.push(rest.length);
        partials.push(...rest);
      }
      const huge = this.#huge.get(group);
      if (huge !== undefined) {
        hugeGroups.push(group - from);
        hugeTexts.push(huge.toString());
      }
    }
    writer.uint32(restGroups.length);
    writer.uint32(partials.length);
    writer.integers(restGroups, 0, restGroups.length);
    writer.integers(restLengths, 0, restLengths.length);
    writer.doubles(Float64Array.from(partials), 0, partials.length);
    writer.uint32(hugeGroups.length);
    writer.integers(hugeGroups, 0, hugeGroups.length);
    writer.texts(hugeTexts);
  }

  read(reader: ByteReader, count: number): void {
    this.#high.set(reader.doubles(count));
    this.#low.set(reader.doubles(count));
    const restCount = reader.uint32();
    const partialCount = reader.uint32();
    const restGroups = reader.integers(restCount);
    const restLengths = reader.integers(restCount);
    const partials = reader.doubles(partialCount);
    let at = 0;
    restGroups.forEach((group, i) => {
      this.#rest.set(group, Array.from(partials.subarray(at, (at += restLengths[i] as number))));
    });
    const hugeGroups = reader.integers(reader.uint32());
    reader.texts().forEach((text, i) => this.#huge.set(hugeGroups[i] as number, BigInt(text)));
  }

  bytesOf(group: number): number {
    const rest = this.#rest.get(group);
    const huge = this.#huge.get(group);
    return (
      16 + (rest === undefined ? 0 : 16 + 8 * rest.length) + (huge === undefined ? 0 : 16 + huge.toString().length)
    );
  }

  digest(group: number, sink: DigestSink): void {
    const sum = this.valueOf(group);
    // Beyond the range: a pattern that no number has.
    if (sum === null) sink.words(0xffffffff, 0xffffffff);
    else sink.number(sum);
  }

  /** Whether a group of another one has exactly the same sum, in whatever partials. */
  isSameSum(group: number, other: ExactSums, otherGroup: number): boolean {
    if (!this.#isPair(group) || !other.#isPair(otherGroup)) return this.#units(group) === other.#units(otherGroup);
    const high = this.#high[group] as number;
    const low = this.#low[group] as number;
    const otherHigh = other.#high[otherGroup] as number;
    const otherLow = other.#low[otherGroup] as number;
    const sum = high + low;
    // One rounded value and one error: two sums are equal if both are.
    return sum === otherHigh + otherLow && errorOf(high, low, sum) === errorOf(otherHigh, otherLow, sum);
  }

  #isPair(group: number): boolean {
    return !this.#rest.has(group) && !this.#huge.has(group);
  }

  /** TwoSum into the column of high partials. Partials of other sums come here too: together they stay in range. */
  #addPartial(group: number, value: number): void {
    const before = this.#high[group] as number;
    const sum = before + value;
    const added = sum - before;
    const error = before - (sum - added) + (value - added);
    this.#high[group] = sum;
    if (error !== 0) this.#addLow(group, error);
  }

  #addLow(group: number, value: number): void {
    const before = this.#low[group] as number;
    const sum = before + value;
    const added = sum - before;
    const error = before - (sum - added) + (value - added);
    this.#low[group] = sum;
    if (error === 0) return;
    const rest = this.#rest.get(group) ?? [];
    grow(rest, error);
    if (rest.length > 0) this.#rest.set(group, rest);
    else this.#rest.delete(group);
  }

  #addHuge(group: number, value: bigint): void {
    const sum = (this.#huge.get(group) ?? 0n) + value;
    if (sum === 0n) this.#huge.delete(group);
    else this.#huge.set(group, sum);
  }

  /** The slow and obvious way: all of the sum in one big integer, divided and rounded. */
  #quotient(group: number, divisor: number): number | null {
    return unitsQuotient(this.#units(group), BigInt(divisor));
  }

  #units(group: number): bigint {
    let units = toUnits(this.#high[group] as number) + toUnits(this.#low[group] as number);
    for (const partial of this.#rest.get(group) ?? []) units += toUnits(partial);
    const huge = this.#huge.get(group);
    if (huge !== undefined) units += huge * toUnits(1);
    return units;
  }
}

/** What rounding `a + b` to `sum` has left out: the second half of TwoSum. */
function errorOf(a: number, b: number, sum: number): number {
  const added = sum - a;
  return a - (sum - added) + (b - added);
}

/** Adds a number to partials that increase in magnitude and do not overlap, keeping them so (Shewchuk's Grow-Expansion). */
function grow(partials: number[], value: number): void {
  let kept = 0;
  let sum = value;
  for (const partial of partials) {
    const before = sum;
    sum = before + partial;
    const added = sum - before;
    const error = before - (sum - added) + (partial - added);
    if (error !== 0) partials[kept++] = error;
  }
  partials.length = kept;
  if (sum !== 0) partials.push(sum);
}

/** The exact value of partials, rounded half to even. */
function roundPartials(partials: readonly number[]): number {
  let at = partials.length - 1;
  let high = partials[at] ?? 0;
  let low = 0;
  while (at > 0 && low === 0) {
    const before = high;
    const next = partials[--at] as number;
    high = before + next;
    low = next - (high - before);
  }
  // If `low` is exactly half a unit of `high`'s last place, the rounding above broke a tie; what lies below decides it.
  const below = partials[at - 1] ?? 0;
  if (low !== 0 && low < 0 === below < 0 && below !== 0) {
    const twice = 2 * low;
    const away = high + twice;
    if (away - high === twice) return away;
  }
  return high;
}
