/**
 * Click spam: a record is invalid if an earlier one of its partition with the same key, valid or not, lies less than `within`
 * from it in event time; one that lacks an attribute of the key never is. The only rule that needs the order of offsets: every
 * record that a view's `where` lets through is judged, in that order, whatever window it falls into.
 */
import { type ColumnBatch, timeAt } from "./column-batch.ts";
import { identity } from "./identity.ts";
import type { KeyedStretches } from "./keyed-stretches.ts";
import { addTime } from "./near-times.ts";
import { keysOfRows } from "./record-keys.ts";
import type { HashSeed } from "./siphash.ts";
import type { SpamRule } from "./spec.ts";

/** What was judged of a record. */
export const VERDICT = { unseen: 0, valid: 1, invalid: 2 } as const;

/**
 * Judges records of a batch, in the order of their offsets.
 *
 * @param verdicts by row: 1 where the record is to be judged. Of these, the invalid ones become 2
 * @param start first row of a batch in offset order; all rows of a grouped one are judged
 */
export function judge(
  { by, within }: SpamRule,
  memory: KeyedStretches,
  seed: HashSeed,
  batch: ColumnBatch,
  start: number,
  end: number,
  verdicts: Uint8Array,
): void {
  const keys = keysOfRows(by, batch, seed, start, end, verdicts);
  const rows = batch.grouping === null ? identity(end) : rowsByArrival(batch.grouping.arrival);
  for (let i = start; i < end; i++) {
    const row = rows[i] as number;
    if (verdicts[row] !== VERDICT.valid) continue;
    const low = keys[2 * row] as number;
    const high = keys[2 * row + 1] as number;
    if (low === 0 && high === 0) continue;
    if (addTime(memory, within, low, high, timeAt(batch, row))) verdicts[row] = VERDICT.invalid;
  }
}

function rowsByArrival(arrival: ArrayLike<number>): Uint32Array {
  const rows = new Uint32Array(arrival.length);
  for (let row = 0; row < rows.length; row++) rows[arrival[row] as number] = row;
  return rows;
}
