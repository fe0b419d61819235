/**
 * Merging tables and states of equal shape: partitions into an answer, a delta into a stored window, pieces into a whole.
 * Exact, associative and commutative: whatever is merged in whatever order, the answer is the same to the bit.
 */
import { assert } from "#protocol";
import { type FoldState, windowOf } from "./fold-state.ts";
import type { GroupTable } from "./group-table.ts";
import { identity } from "./identity.ts";
import type { Shape } from "./plan.ts";

/** Adds all of `from` to `into`. `from` is left as it was, and shares nothing with `into` afterwards. */
export function mergeState(shape: Shape, into: FoldState, from: FoldState): void {
  for (const table of from.windows.values()) mergeWindow(shape, into, table);
}

/**
 * Adds a window to one of a state, and keeps the state's count of groups.
 *
 * @param start of the window that it is added to: its own, or that of a wider one that holds it
 */
export function mergeWindow(shape: Shape, into: FoldState, from: GroupTable, start = from.start): void {
  const table = windowOf(shape, into, start);
  const sizeBefore = table.size;
  mergeTable(shape, table, from);
  into.groups += table.size - sizeBefore;
}

/** Adds all of `from` to `into`. They may belong to different states. */
export function mergeTable(shape: Shape, into: GroupTable, from: GroupTable): void {
  const columns = from.interners.map((_, k) => k);
  absorbGroups(
    into,
    from,
    columns,
    shape.accumulators.map((_, i) => i),
    identity(from.size),
    from.size,
  );
}

/**
 * Adds some groups of `from` to `into`, under a key of some of their columns.
 *
 * @param columns which of `from`'s key columns makes each of `into`'s
 * @param sources which of `from`'s accumulators goes into each of `into`'s
 * @param rows groups of `from`, the first `count` of which are added; as many as there are: all of them, in their order
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
    const codes = keyScratch(k, count);
    const source = from.interners[column];
    const interner = into.interners[k];
    const sourceCodes = from.keys[column];
    assert(source !== undefined && interner !== undefined && sourceCodes !== undefined, "columns of both tables");
    // A dictionary that only grows may be shared: nothing of the other table is.
    if (source.home !== null) interner.settle(source.home);
    if (source === interner) for (let i = 0; i < count; i++) codes[i] = sourceCodes[rows[i] as number] as number;
    else interner.translateRows(source, sourceCodes, rows, count, codes);
    return codes;
  });
  if (ids.length < count) ids = new Int32Array(roomFor(count));
  if (into.accumulators.length === 0 && count === from.size) {
    into.count(keys, { base: 0, deltas: from.records }, 0, count, ids);
  } else {
    into.assign(keys, 0, count, ids);
    into.absorb(from, sources, rows, ids, count);
  }
  into.changedAt = Math.max(into.changedAt, from.changedAt);
}

/**
 * The same for a table that only counts, and is all of an answer; see tally.ts.
 *
 * @param column the key column
 * @param rows null: all groups
 * @returns false, and nothing is added, if the table cannot count by code
 */
export function tallyGroups(
  into: GroupTable,
  from: GroupTable,
  column: number,
  rows: Uint32Array | null,
  count: number,
): boolean {
  const source = from.interners[column];
  const [interner] = into.interners;
  const sourceCodes = from.keys[column];
  assert(source !== undefined && interner !== undefined && sourceCodes !== undefined, "a column of both tables");
  if (source.home !== null) interner.settle(source.home);
  let codes = sourceCodes;
  if (source !== interner && interner.sharedWith(source) < source.size) {
    codes = keyScratch(0, from.size);
    interner.translateAll(source, sourceCodes.subarray(0, from.size), codes as Uint32Array);
  }
  // Not sooner: what has been translated may have got new codes.
  if (!into.canTally) return false;
  into.tally(codes, from.records, rows, count);
  into.changedAt = Math.max(into.changedAt, from.changedAt);
  return true;
}

/** What merging works in, used again each time: nothing of it is looked at afterwards. */
let ids = new Int32Array(0);
const keyScratches: Uint32Array[] = [];

function keyScratch(k: number, count: number): Uint32Array {
  const scratch = keyScratches[k];
  if (scratch !== undefined && scratch.length >= count) return scratch;
  return (keyScratches[k] = new Uint32Array(roomFor(count)));
}

const roomFor = (count: number): number => 2 ** Math.ceil(Math.log2(count + 1));
