/**
 * The first two steps of a fold: which rows of a batch are folded, and into which windows. A batch in offset order is judged row
 * by row; of a grouped one, whole stretches are judged by their minute, and lie in the order of their windows already.
 */
import { assert } from "#protocol";
import { type ColumnBatch, type Grouping, integerAt, MINUTE_MS } from "./column-batch.ts";
import type { FoldState } from "./fold-state.ts";
import { identity } from "./identity.ts";
import type { FoldPlan } from "./plan.ts";
import type { Scratch } from "./scratch.ts";
import { VERDICT } from "./spam.ts";

/** Rows of one window: places [from, to) of the selected rows. */
export interface WindowRows {
  /** Start of the window, in milliseconds since the epoch. */
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/** Which records: of a plan without a rule that judges them, all are valid. */
export type Wanted = "valid" | "invalid";

export interface Selection {
  /** The rows, by place. */
  readonly rows: Uint32Array;
  readonly windows: readonly WindowRows[];
}

/** Rows [start, end) of a batch in offset order. */
export function selectRows(
  plan: FoldPlan,
  state: FoldState,
  batch: ColumnBatch,
  start: number,
  end: number,
  wanted: Wanted = "valid",
): Selection {
  const { scratch } = state;
  const allTimes = acceptsAllTimes(plan, batch);
  let count = end - start;
  if (allTimes && isUnconditional(plan)) {
    scratch.rows.set(identity(end).subarray(start, end));
  } else {
    narrowToWanted(plan, state, batch, start, end, wanted);
    if (!allTimes) narrowByTime(plan, batch, start, end, scratch.mask);
    count = scratch.selectMasked(start, end);
  }
  const windows = count === 0 ? [] : splitByWindow(plan, scratch, batch, count);
  return { rows: scratch.rows, windows };
}

/** All rows of a grouped batch. */
export function selectGrouped(
  plan: FoldPlan,
  state: FoldState,
  batch: ColumnBatch,
  grouping: Grouping,
  wanted: Wanted = "valid",
): Selection {
  const { scratch } = state;
  const { minutes, rowStarts } = grouping;
  const isWhole = isUnconditional(plan);
  if (!isWhole) narrowToWanted(plan, state, batch, 0, batch.count, wanted);
  const windows: WindowRows[] = [];
  let selected = 0;
  for (let s = 0; s < minutes.length; s++) {
    const minute = minutes[s] as number;
    if (!acceptsMinute(plan, minute)) continue;
    const from = isWhole ? (rowStarts[s] as number) : selected;
    const to = isWhole
      ? (rowStarts[s + 1] as number)
      : scratch.selectMasked(rowStarts[s] as number, rowStarts[s + 1] as number, selected);
    selected = to;
    if (to > from) extend(windows, startOf(plan, minute), from, to);
  }
  return { rows: isWhole ? identity(batch.count) : scratch.rows, windows };
}

const isUnconditional = ({ where, spam }: FoldPlan): boolean => where.isEmpty && spam === null;

/** Sets the mask to what `where` lets through, or to the rows of which a rule has judged that. */
function narrowToWanted(
  plan: FoldPlan,
  { scratch, seed }: FoldState,
  batch: ColumnBatch,
  start: number,
  end: number,
  wanted: Wanted,
): void {
  const { mask, verdicts } = scratch;
  if (plan.spam === null) {
    mask.fill(1, start, end);
    plan.where.narrow((name) => batch.attributes.get(name), start, end, mask, seed ?? undefined);
  } else {
    const verdict = VERDICT[wanted];
    for (let i = start; i < end; i++) mask[i] = verdicts[i] === verdict ? 1 : 0;
  }
}

/** Adds rows to the window that they belong to, if that is the last one, or else as another one. */
function extend(windows: WindowRows[], start: number, from: number, to: number): void {
  const last = windows.at(-1);
  if (last?.start === start && last.to === from) windows[windows.length - 1] = { start, from: last.from, to };
  else windows.push({ start, from, to });
}

/** The start of a minute's window, in milliseconds since the epoch. */
export const startOf = ({ windowMinutes, fromMinute }: FoldPlan, minute: number): number =>
  windowMinutes === null ? fromMinute * MINUTE_MS : Math.floor(minute / windowMinutes) * windowMinutes * MINUTE_MS;

/** Whether no event time of the batch can be filtered out. */
function acceptsAllTimes(plan: FoldPlan, batch: ColumnBatch): boolean {
  if (batch.minuteMin < plan.fromMinute || batch.minuteMax >= plan.toMinute || plan.only !== null) return false;
  const from = batch.minuteMin * MINUTE_MS;
  const to = (batch.minuteMax + 1) * MINUTE_MS;
  return !plan.except.some((interval) => interval.from < to && interval.to > from);
}

function narrowByTime(plan: FoldPlan, batch: ColumnBatch, start: number, end: number, mask: Uint8Array): void {
  // Neighbours mostly share their minute: decide anew only when it changes.
  let minute = -1;
  let accepted = 0;
  for (let i = start; i < end; i++) {
    const next = integerAt(batch.minutes, i);
    if (next !== minute) {
      minute = next;
      accepted = acceptsMinute(plan, minute) ? 1 : 0;
    }
    mask[i] = (mask[i] as number) & accepted;
  }
}

export function acceptsMinute(plan: FoldPlan, minute: number): boolean {
  if (minute < plan.fromMinute || minute >= plan.toMinute) return false;
  const time = minute * MINUTE_MS;
  const contains = (interval: { from: number; to: number }) => interval.from <= time && time < interval.to;
  return (plan.only === null || plan.only.some(contains)) && !plan.except.some(contains);
}

/**
 * Brings the selected rows into the order of their windows, each window keeping the batch's order.
 *
 * Records come nearly in the order of event time, so that the rows are few stretches of one window each, and a
 * counting sort can move stretches instead of rows.
 */
function splitByWindow(plan: FoldPlan, scratch: Scratch, batch: ColumnBatch, count: number): readonly WindowRows[] {
  const first = startOf(plan, batch.minuteMin);
  if (first === startOf(plan, batch.minuteMax)) return [{ start: first, from: 0, to: count }];
  const stretches = findStretches(plan, batch, scratch.rows, count);
  const counts = new Map<number, number>();
  for (const { start, from, to } of stretches) counts.set(start, (counts.get(start) ?? 0) + to - from);
  const windows: WindowRows[] = [];
  const places = new Map<number, number>();
  let from = 0;
  for (const [start, size] of counts) {
    places.set(start, from);
    windows.push({ start, from, to: from + size });
    from += size;
  }
  if (windows.length < stretches.length) sortStretches(scratch, stretches, places);
  return windows;
}

/** The stretches of neighbouring rows that fall into one window. */
function findStretches(plan: FoldPlan, batch: ColumnBatch, rows: Uint32Array, count: number): readonly WindowRows[] {
  const { base, deltas } = batch.minutes;
  assert(deltas !== null, "a batch over several minutes says which");
  const stretches: WindowRows[] = [];
  let delta = deltas[rows[0] as number] as number;
  let start = startOf(plan, base + delta);
  let from = 0;
  for (let i = 1; i < count; i++) {
    const next = deltas[rows[i] as number] as number;
    if (next === delta) continue;
    delta = next;
    const nextStart = startOf(plan, base + delta);
    if (nextStart === start) continue;
    stretches.push({ start, from, to: i });
    start = nextStart;
    from = i;
  }
  stretches.push({ start, from, to: count });
  return stretches;
}

/** Moves each stretch to the next free place of its window. */
function sortStretches(scratch: Scratch, stretches: readonly WindowRows[], places: Map<number, number>): void {
  const { rows, sorted } = scratch;
  for (const { start, from, to } of stretches) {
    let at = places.get(start) as number;
    for (let i = from; i < to; i++) sorted[at++] = rows[i] as number;
    places.set(start, at);
  }
  scratch.rows = sorted;
  scratch.sorted = rows;
}
