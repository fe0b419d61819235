/**
 * Click spam: a record is invalid if an earlier one of its partition with the same key, valid or not, lies less than `within`
 * from it in event time; one that lacks an attribute of the key never is. The only rule that needs the order of offsets: every
 * record that a view's `where` lets through is judged, in that order, whatever window it falls into.
 */
import { assert } from "#protocol";
import { type AttributeColumns, type ColumnBatch, timeAt } from "./column-batch.ts";
import { identity } from "./identity.ts";
import { ENGINE_LIMITS } from "./limits.ts";
import { RecentTimes } from "./recent-times.ts";
import { type HashSeed, hashText, siphash13 } from "./siphash.ts";
import type { SpamRule } from "./spec.ts";
import { taggedText } from "./value.ts";

/** What was judged of a record. */
export const VERDICT = { unseen: 0, valid: 1, invalid: 2 } as const;

/** What a rule remembers, before it has seen anything. */
export const newMemory = ({ within }: SpamRule): RecentTimes =>
  new RecentTimes(within, ENGINE_LIMITS.rememberedTimesMax);

/**
 * Judges records of a batch, in the order of their offsets.
 *
 * @param verdicts by row: 1 where the record is to be judged. Of these, the invalid ones become 2
 * @param start first row of a batch in offset order; all rows of a grouped one are judged
 */
export function judge(
  { by }: SpamRule,
  memory: RecentTimes,
  seed: HashSeed,
  batch: ColumnBatch,
  start: number,
  end: number,
  verdicts: Uint8Array,
): void {
  const keys = keysOf(by, batch, seed, start, end, verdicts);
  const rows = batch.grouping === null ? identity(end) : rowsByArrival(batch.grouping.arrival);
  for (let i = start; i < end; i++) {
    const row = rows[i] as number;
    if (verdicts[row] !== VERDICT.valid) continue;
    const low = keys[2 * row] as number;
    const high = keys[2 * row + 1] as number;
    if (low === 0 && high === 0) continue;
    if (memory.add(low, high, timeAt(batch, row))) verdicts[row] = VERDICT.invalid;
  }
}

function rowsByArrival(arrival: ArrayLike<number>): Uint32Array {
  const rows = new Uint32Array(arrival.length);
  for (let row = 0; row < rows.length; row++) rows[arrival[row] as number] = row;
  return rows;
}

/** The key of each row as a 64-bit hash, two words; (0, 0) where an attribute is absent. */
function keysOf(
  by: readonly string[],
  batch: ColumnBatch,
  seed: HashSeed,
  start: number,
  end: number,
  verdicts: Uint8Array,
): Uint32Array {
  const columns = by.map((name) => hashesOf(batch.attributes.get(name), batch.count, seed));
  const [first] = columns;
  assert(first !== undefined, "a rule has a key");
  if (columns.length === 1) return first;
  const keys = new Uint32Array(2 * batch.count);
  const words = new Uint32Array(2 * columns.length);
  const bytes = new Uint8Array(words.buffer);
  for (let row = start; row < end; row++) {
    if (verdicts[row] !== VERDICT.valid) continue;
    let isWhole = true;
    for (let k = 0; k < columns.length; k++) {
      const column = columns[k] as Uint32Array;
      const low = column[2 * row] as number;
      const high = column[2 * row + 1] as number;
      if (low === 0 && high === 0) isWhole = false;
      words[2 * k] = low;
      words[2 * k + 1] = high;
    }
    if (!isWhole) continue;
    siphash13(seed, bytes, bytes.length, keys, 2 * row);
    if (keys[2 * row] === 0 && keys[2 * row + 1] === 0) keys[2 * row] = 1;
  }
  return keys;
}

/** The hash of an attribute's value in each row, two words, whichever column has it; (0, 0) where it is absent. */
function hashesOf(columns: AttributeColumns | undefined, count: number, seed: HashSeed): Uint32Array {
  const words = new Uint32Array(2 * count);
  if (columns?.hashes !== undefined) words.set(columns.hashes.words.subarray(0, 2 * count));
  if (columns?.codes !== undefined) {
    const { codes, dictionary } = columns.codes;
    const hashes = dictionary.hashes();
    for (let row = 0; row < count; row++) {
      const code = codes[row] as number;
      if (code === 0) continue;
      words[2 * row] = hashes[2 * code] as number;
      words[2 * row + 1] = hashes[2 * code + 1] as number;
    }
  }
  if (columns?.numbers !== undefined) {
    const { numbers } = columns;
    for (let row = 0; row < count; row++) {
      const value = numbers[row] as number;
      if (value === value) hashText(seed, taggedText(value), words, 2 * row);
    }
  }
  return words;
}
