/**
 * Counts by code: what a table of one key column is while it does nothing but count. An answer that is one window is made of many
 * stored ones, and each of its groups is come to dozens of times: an array of counts that the code itself is the index of takes
 * one access each time, where a group has to be found first and counted then. Groups are made of it once, at the end, in the
 * order of their codes.
 *
 * For a window of its own it would not pay: reading and clearing all codes takes as long as counting ten thousand groups.
 */
import type { CodeArray } from "./column-batch.ts";
import { countsUpTo } from "./key-columns.ts";

/** Codes that there is room for: counts of so many stay in the processor's second cache. */
export const TALLY_CODES_MAX = 2 ** 16;

/** All zero: for whoever tallies next. Fetching new pages from the system takes as long as a hundred thousand groups. */
let spare: Float64Array | null = null;

export class Tally {
  /** Exact integers up to 2^53. A group has one record at least: 0 is none. */
  readonly #totals: Float64Array;
  #size = 0;

  constructor() {
    this.#totals = spare ?? new Float64Array(TALLY_CODES_MAX);
    spare = null;
  }

  /** The number of groups. */
  get size(): number {
    return this.#size;
  }

  /**
   * Counts `counts[i]` records for the code `codes[i]`, for i below `count`. Whether a group is new is as good as random, and guessing
   * wrong would take longer than all the rest: hence no branch.
   */
  add(codes: CodeArray, counts: CodeArray | Float64Array, count: number): void {
    const totals = this.#totals;
    let fresh = 0;
    for (let i = 0; i < count; i++) {
      const code = codes[i] as number;
      const total = totals[code] as number;
      fresh += Number(total === 0);
      totals[code] = total + (counts[i] as number);
    }
    this.#size += fresh;
  }

  /** The same for `codes[rows[i]]` and `counts[rows[i]]`. */
  addRows(codes: CodeArray, counts: CodeArray | Float64Array, rows: Uint32Array, count: number): void {
    const totals = this.#totals;
    let fresh = 0;
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      const code = codes[row] as number;
      const total = totals[code] as number;
      fresh += Number(total === 0);
      totals[code] = total + (counts[row] as number);
    }
    this.#size += fresh;
  }

  /**
   * The groups, in columns as narrow as can be. It is of no use afterwards.
   *
   * @param codes that there are by now: all that were counted are below
   */
  finish(codes: number): { readonly codes: Uint16Array; readonly counts: CodeArray | Float64Array } {
    const totals = this.#totals;
    const end = Math.min(codes, totals.length);
    // One more than groups: what is no group is written there, and over it the next one. Again no branch.
    const found = new Uint16Array(this.#size + 1);
    let size = 0;
    for (let code = 0; code < end; code++) {
      found[size] = code;
      size += Number(totals[code] !== 0);
    }
    let greatest = 0;
    for (let group = 0; group < size; group++) greatest = Math.max(greatest, totals[found[group] as number] as number);
    const counts = countsUpTo(greatest, size);
    for (let group = 0; group < size; group++) counts[group] = totals[found[group] as number] as number;
    totals.fill(0, 0, end);
    spare = totals;
    return { codes: found.subarray(0, size), counts };
  }
}
