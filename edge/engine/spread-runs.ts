/**
 * From runs to rows. Runs are of one, two or three rows, at random: a loop over the rows of each would guess wrong where it ends
 * most of the time, and a wrong guess costs more than a row. So the places where runs begin are marked, and one loop over all
 * rows counts the marks, without a branch.
 */
import type { IntegerColumn } from "./column-batch.ts";

type Integers = Uint8Array | Uint16Array | Uint32Array | Int32Array;

let marks = new Uint8Array(0);

/**
 * Writes `values[run]`, for each run in [from, to), to all of its rows in `out`.
 *
 * @param row where the first run begins
 * @returns where the last one ends
 */
export function spreadRuns(
  { base, deltas }: IntegerColumn,
  from: number,
  to: number,
  row: number,
  values: Integers,
  out: Integers,
): number {
  let end = row;
  if (marks.length < out.length + 1) marks = new Uint8Array(2 * out.length + 1);
  for (let run = from; run < to; run++) {
    marks[end] = 1;
    end += base + (deltas === null ? 0 : (deltas[run] as number));
  }
  let run = from - 1;
  for (let at = row; at < end; at++) {
    run += marks[at] as number;
    out[at] = values[run] as number;
  }
  marks.fill(0, row, end);
  return end;
}

/** The runs in which some rows lie, `rows[0..count)` in rising order, to `runs[0..count)`. */
export function runsOfRows({ base, deltas }: IntegerColumn, rows: Uint32Array, count: number, runs: Uint32Array): void {
  let run = -1;
  let end = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i] as number;
    while (end <= row) {
      run++;
      end += base + (deltas === null ? 0 : (deltas[run] as number));
    }
    runs[i] = run;
  }
}
