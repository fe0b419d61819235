/**
 * The one number by which a row of windows is known: what would be a key of several columns, packed into the rowid. A table
 * with a key of several columns and no rowid holds its rows in the nodes of an index, which SQLite is slow at when they are as
 * long as a page; a rowid beside an index would be two rows to pay for. A rowid made of the key is neither.
 *
 *   window_rows       generation 19 bits | start 26 bits, in minutes | part 8 bits
 *   comparison_rows   generation 19 bits | day 16 bits | part 16 bits | side 2 bits
 *   rule_memories     generation 19 bits | row 16 bits
 *
 * At most 53 bits each: what a number of JavaScript holds exactly. Rows are ordered as by the columns one after the other, so that a
 * range of windows is a range of keys. 19 bits are half a million generations that were promoted in one partition: those
 * that were not give their number to the next. 26 bits of minutes, and 16 of days, last until 2097.
 */
import { assert } from "#protocol";
import { PARTITION_LIMITS } from "./limits.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const GENERATIONS = 2 ** 19;
const MINUTES = 2 ** 26;
const DAYS = 2 ** 16;
const COMPARISON_PARTS = 2 ** 16;
const SIDES = 2 ** 2;
const MEMORY_ROWS = 2 ** 16;
const WINDOW_PARTS: number = PARTITION_LIMITS.windowRowsMax;

/** Of part `part` of the window of a generation that starts at `start`, in milliseconds since the epoch. */
export const windowKey = (generation: number, start: number, part: number): number =>
  pack(pack(within(generation, GENERATIONS), start / MINUTE_MS, MINUTES), part, WINDOW_PARTS);

/** The least key of a window that starts at or after `from`, which may be any number: one behind the last is the end of all. */
export const windowKeyFrom = (generation: number, from: number): number => {
  const minute = Math.min(Math.max(0, Math.ceil(from / MINUTE_MS)), MINUTES);
  return (within(generation, GENERATIONS) * MINUTES + minute) * WINDOW_PARTS;
};

/** The start of the window that a key is of. */
export const startOfKey = (key: number): number => (Math.floor(key / WINDOW_PARTS) % MINUTES) * MINUTE_MS;

/** Where a row stands in a frozen comparison. */
export interface ComparisonPlace {
  /** Start of a UTC day, in milliseconds since the epoch. */
  readonly day: number;
  readonly part: number;
  readonly side: number;
}

export const comparisonKey = (generation: number, { day, part, side }: ComparisonPlace): number =>
  pack(pack(pack(within(generation, GENERATIONS), day / DAY_MS, DAYS), part, COMPARISON_PARTS), side, SIDES);

/** The least key of a row of a day at or after `day`, which may be any number. */
export const comparisonKeyFrom = (generation: number, day: number): number => {
  const index = Math.min(Math.max(0, Math.ceil(day / DAY_MS)), DAYS);
  return (within(generation, GENERATIONS) * DAYS + index) * COMPARISON_PARTS * SIDES;
};

export const comparisonPlaceOf = (key: number): ComparisonPlace => ({
  day: (Math.floor(key / (SIDES * COMPARISON_PARTS)) % DAYS) * DAY_MS,
  part: Math.floor(key / SIDES) % COMPARISON_PARTS,
  side: key % SIDES,
});

/** Of row `row` of what the rule of a generation remembers. */
export const memoryKey = (generation: number, row: number): number => pack(generation, row, MEMORY_ROWS);

/** Puts a number behind those that are packed already. */
const pack = (packed: number, value: number, bound: number): number => packed * bound + within(value, bound);

function within(value: number, bound: number): number {
  assert(Number.isInteger(value) && value >= 0 && value < bound, "a part of a row's key that has its bits");
  return value;
}
