/**
 * What every accumulator can do. An accumulator is the state of one measure for all groups of one window, as columns
 * indexed by group. Its content is a function of the multiset of values it was given: adding and absorbing in any order
 * leaves the same answer, to the bit.
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";

export interface Accumulator {
  /** Makes room for groups below `capacity`; what is new holds nothing. Never shrinks. */
  resize(capacity: number): void;
  /** Adds what `from` holds of its group `rows[i]` to the group `ids[i]`, for i below `count`. */
  absorb(from: Accumulator, rows: Uint32Array, ids: Int32Array, count: number): void;
  /** Writes groups [from, to). */
  write(writer: ByteWriter, from: number, to: number): void;
  /** Reads what {@link write} wrote into the first `count` groups of an accumulator that holds nothing yet. */
  read(reader: ByteReader, count: number): void;
  /** At most as many bytes does {@link write} need for a group, a constant for the whole column aside. */
  bytesOf(group: number): number;
  /** Gives a group's content to a digest, so that equal contents give equal words. */
  digest(group: number, sink: DigestSink): void;
}

/** An accumulator over numbers. */
export interface NumberAccumulator extends Accumulator {
  /** Adds `values[rows[i]]` to the group `ids[i]`, for i in [from, to). NaN is absent. */
  add(values: Float64Array, rows: Uint32Array, ids: Int32Array, from: number, to: number): void;
}

export interface DigestSink {
  number(value: number): void;
  words(low: number, high: number): void;
}

/** `array` with room for `capacity` elements; the new ones are `fill`. */
export function grown(array: Float64Array<ArrayBuffer>, capacity: number, fill = 0): Float64Array<ArrayBuffer> {
  if (capacity <= array.length) return array;
  const longer = new Float64Array(capacity);
  longer.set(array);
  if (fill !== 0) longer.fill(fill, array.length);
  return longer;
}
