/**
 * Merging tables and states of equal shape: partitions into an answer, a delta into a stored window, pieces into a whole.
 * Exact, associative and commutative: whatever is merged in whatever order, the answer is the same to the bit.
 */
import { type FoldState, windowOf } from "./fold-state.ts";
import type { GroupTable } from "./group-table.ts";
import type { Shape } from "./plan.ts";

/** Adds all of `from` to `into`. `from` is left as it was, and shares nothing with `into` afterwards. */
export function mergeState(shape: Shape, into: FoldState, from: FoldState): void {
  for (const table of from.windows.values()) mergeWindow(shape, into, table);
}

/** Adds a window to the same window of a state, and keeps the state's count of groups. */
export function mergeWindow(shape: Shape, into: FoldState, from: GroupTable): void {
  const table = windowOf(shape, into, from.start);
  const sizeBefore = table.size;
  mergeTable(shape, table, from);
  into.groups += table.size - sizeBefore;
}

/** Adds all of `from` to `into`. They may belong to different states. */
export function mergeTable(shape: Shape, into: GroupTable, from: GroupTable): void {
  const rows = allGroups(from);
  const columns = from.interners.map((_, k) => k);
  absorbGroups(
    into,
    from,
    columns,
    shape.accumulators.map((_, i) => i),
    rows,
    rows.length,
  );
}

/** Every group of a table, as the rows that {@link absorbGroups} takes. */
export function allGroups(table: GroupTable): Uint32Array {
  const rows = new Uint32Array(table.size);
  for (let group = 0; group < rows.length; group++) rows[group] = group;
  return rows;
}

/**
 * Adds some groups of `from` to `into`, under a key of some of their columns.
 *
 * @param columns which of `from`'s key columns makes each of `into`'s
 * @param sources which of `from`'s accumulators goes into each of `into`'s
 * @param rows groups of `from`, the first `count` of which are added
 */
export function absorbGroups(
  into: GroupTable,
  from: GroupTable,
  columns: readonly number[],
  sources: readonly number[],
  rows: Uint32Array,
  count: number,
): void {
  const keys = columns.map((column, k) => {
    const codes = new Uint32Array(count);
    const source = from.interners[column];
    const interner = into.interners[k];
    const sourceCodes = from.keys[column];
    if (source === undefined || interner === undefined || sourceCodes === undefined) return codes;
    // A dictionary that only grows may be shared: nothing of the other table is.
    if (source.home !== null) interner.settle(source.home);
    if (source === interner) for (let i = 0; i < count; i++) codes[i] = sourceCodes[rows[i] as number] as number;
    else interner.translateRows(source, sourceCodes, rows, count, codes);
    return codes;
  });
  const ids = new Int32Array(count);
  into.assign(keys, 0, count, ids);
  into.absorb(from, sources, rows, ids, count);
}
