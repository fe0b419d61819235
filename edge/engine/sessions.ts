/**
 * Session windows: records of one key belong to one session as long as less than `gap` lies between neighbours in event time, and
 * a session ends with its UTC day. It counts in the window of its first record. Which sessions there are is a function of the
 * records alone; what the order of offsets decides is only which of them were remembered when a late one came.
 *
 * A record may prolong a session, move its beginning into another window, or make one of two: what a session had given to its
 * window is then taken back from it, in whole numbers, so that nothing is ever a little off.
 */
import { assert } from "#protocol";
import { type ColumnBatch, MINUTE_MS, timeAt } from "./column-batch.ts";
import { forWindows } from "./find-groups.ts";
import type { FoldState } from "./fold-state.ts";
import { type KeyedStretches, NONE } from "./keyed-stretches.ts";
import { SignedSums } from "./number-columns.ts";
import type { FoldPlan } from "./plan.ts";
import { keysOfRows } from "./record-keys.ts";
import { acceptsMinute, startOf, type WindowRows } from "./select-rows.ts";
import { DAY_MS } from "./wide-windows.ts";

/** What a session view's accumulators hold, in the order of the names below. */
export const SESSION_ACCUMULATORS = ["sessions", "sessionMs", "sessionRecords"] as const;

/** Changes of one window: what a row adds to its group in each accumulator, or takes from it. */
interface WindowChanges {
  readonly rows: number[];
  readonly amounts: readonly [sessions: number[], ms: number[], records: number[]];
}

type Changes = Map<number, WindowChanges>;

/** Folds records [start, end) of a batch in offset order. */
export function foldSessions(plan: FoldPlan, state: FoldState, batch: ColumnBatch, start: number, end: number): void {
  const { session } = plan;
  const { memory, seed, scratch } = state;
  assert(session !== null && memory !== null && seed !== null, "sessions are remembered, under hashed keys");
  const wanted = scratch.mask;
  wanted.fill(1, start, end);
  plan.where.narrow((name) => batch.attributes.get(name), start, end, wanted, seed);
  const keys = keysOfRows(session.by, batch, seed, start, end, wanted);
  const changes: Changes = new Map();
  for (let row = start; row < end; row++) {
    const low = keys[2 * row] as number;
    const high = keys[2 * row + 1] as number;
    if (wanted[row] === 0 || (low === 0 && high === 0)) continue;
    const time = timeAt(batch, row);
    memory.seek(low, high, time);
    addRecord(memory, session.gap, time, low, high, (first, sessions, ms, records) => {
      const minute = Math.floor(first / MINUTE_MS);
      if (acceptsMinute(plan, minute)) note(changes, startOf(plan, minute), row, sessions, ms, records);
    });
  }
  apply(plan, state, batch, changes);
}

/** Tells a window's gain or loss: of the session that begins, or began, at `first`. */
type Tell = (first: number, sessions: number, ms: number, records: number) => void;

/** Adds a record to what was sought for its time. */
function addRecord(memory: KeyedStretches, gap: number, time: number, low: number, high: number, tell: Tell): void {
  const { before, after } = memory;
  const day = Math.floor(time / DAY_MS);
  const isOfDay = (place: number) => Math.floor(memory.firstOf(place) / DAY_MS) === day;
  const joinsBefore = before !== NONE && time - memory.lastOf(before) < gap && isOfDay(before);
  const joinsAfter = after !== NONE && memory.firstOf(after) - time < gap && isOfDay(after);
  const lengthOf = (place: number) => memory.lastOf(place) - memory.firstOf(place);
  if (joinsBefore) {
    const first = memory.firstOf(before);
    const length = lengthOf(before);
    memory.extend(before, time);
    if (!joinsAfter) return tell(first, 0, lengthOf(before) - length, 1);
    const records = memory.recordsOf(after);
    tell(memory.firstOf(after), -1, -lengthOf(after), -records);
    memory.join();
    tell(first, 0, lengthOf(after) - length, 1 + records);
  } else if (joinsAfter) {
    tell(memory.firstOf(after), -1, -lengthOf(after), -memory.recordsOf(after));
    memory.extend(after, time);
    tell(time, 1, lengthOf(after), memory.recordsOf(after));
  } else {
    memory.make(low, high, time, time, 1);
    tell(time, 1, 0, 1);
  }
}

function note(changes: Changes, start: number, row: number, ...amounts: readonly number[]): void {
  let window = changes.get(start);
  if (window === undefined) changes.set(start, (window = { rows: [], amounts: [[], [], []] }));
  window.rows.push(row);
  window.amounts.forEach((column, k) => column.push(amounts[k] as number));
}

function apply(plan: FoldPlan, state: FoldState, batch: ColumnBatch, changes: Changes): void {
  const windows: WindowRows[] = [];
  let count = 0;
  for (const [start, { rows }] of changes) windows.push({ start, from: count, to: (count += rows.length) });
  state.scratch.reserve(count);
  const rows = Uint32Array.from([...changes.values()].flatMap((window) => window.rows));
  const amounts = SESSION_ACCUMULATORS.map((_, k) =>
    Float64Array.from([...changes.values()].flatMap((window) => window.amounts[k] as number[])),
  );
  const { ids } = state.scratch;
  forWindows(plan, state, batch, { rows, windows }, (table, { from, to }) => {
    table.accumulators.forEach((accumulator, i) => {
      const kind = plan.accumulators[i]?.kind;
      const column = amounts[SESSION_ACCUMULATORS.findIndex((name) => name === kind)];
      assert(accumulator instanceof SignedSums && column !== undefined, "a view of sessions measures sessions");
      accumulator.addAmounts(column, ids, from, to);
    });
    table.changedAt = Math.max(table.changedAt, batch.appendTimeMax);
  });
}
