/** The groups of selected rows: the codes of their keys, and the group that each combination has in its window's table. */
import { assert } from "#protocol";
import type { AttributeColumns, ColumnBatch, Grouping } from "./column-batch.ts";
import { type FoldState, windowOf } from "./fold-state.ts";
import type { GroupTable } from "./group-table.ts";
import type { Interner } from "./interner.ts";
import type { FoldPlan } from "./plan.ts";
import type { Scratch } from "./scratch.ts";
import type { Selection, WindowRows } from "./select-rows.ts";
import { runsOfRows } from "./spread-runs.ts";
import type { Value } from "./value.ts";

/** Finds the groups of the selected rows, window by window. */
export function forWindows(
  plan: FoldPlan,
  state: FoldState,
  batch: ColumnBatch,
  { rows, windows }: Selection,
  visit: (table: GroupTable, window: WindowRows) => void,
): void {
  const { keys } = state.scratch;
  const count = windows.at(-1)?.to ?? 0;
  plan.groupBy.forEach((name, k) => {
    const columns = batch.attributes.get(name);
    const interner = state.interners[k] as Interner;
    if (isFewOfRuns(batch, name, count)) runCodes(interner, batch, rows, count, state.scratch, keys[k] as Uint32Array);
    else keyCodes(interner, columns, rows, count, keys[k] as Uint32Array);
  });
  for (const window of windows) {
    const table = windowOf(plan, state, window.start);
    assignGroups(state, table, window.from, window.to);
    visit(table, window);
  }
}

export function assignGroups(state: FoldState, table: GroupTable, from: number, to: number): void {
  const sizeBefore = table.size;
  table.assign(state.scratch.keys, from, to, state.scratch.ids);
  state.groups += table.size - sizeBefore;
}

/** Whether the runs say all that the batch has of an attribute. */
export function areRunsOf({ attributes }: ColumnBatch, { attribute }: Grouping, name: string): boolean {
  const columns = attributes.get(name);
  return attribute === name && columns?.numbers === undefined && columns?.hashes === undefined;
}

/** Whether the attribute makes the runs of the batch, and most of its rows are not selected. */
const isFewOfRuns = (batch: ColumnBatch, name: string, selected: number): boolean =>
  4 * selected < batch.count && batch.grouping !== null && areRunsOf(batch, batch.grouping, name);

/** The codes of the attribute that makes the runs, for a few rows: by walking along the runs, instead of having it spread to all. */
function runCodes(
  interner: Interner,
  { grouping }: ColumnBatch,
  rows: Uint32Array,
  count: number,
  { sorted: runs }: Scratch,
  out: Uint32Array,
): void {
  assert(grouping !== null && grouping.dictionary !== null, "runs are made of codes");
  runsOfRows(grouping.runLengths, rows, count, runs);
  interner.settle(grouping.dictionary);
  interner.translateRows(grouping.dictionary, grouping.runCodes, runs, count, out);
}

/** The codes of one groupBy attribute for the selected rows. */
function keyCodes(
  interner: Interner,
  columns: AttributeColumns | undefined,
  rows: Uint32Array,
  count: number,
  out: Uint32Array,
): void {
  if (columns?.codes === undefined) {
    out.fill(0, 0, count);
  } else {
    interner.settle(columns.codes.dictionary);
    interner.translateRows(columns.codes.dictionary, columns.codes.codes, rows, count, out);
  }
  if (columns?.numbers !== undefined) {
    const { numbers } = columns;
    for (let i = 0; i < count; i++) {
      const value = numbers[rows[i] as number] as number;
      if (value === value) out[i] = interner.intern(value);
    }
  }
  if (columns?.hashes !== undefined) {
    const { words } = columns.hashes;
    const values = columns.hashes.values();
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      if (words[2 * row] !== 0 || words[2 * row + 1] !== 0) out[i] = interner.intern(values[row] as Value);
    }
  }
}
