/**
 * `fold`: the one place where a number is computed. Live appends, replays, recoveries and scans of the log all come through
 * here, and nothing folded depends on a clock, on the order of records, or on how they were cut into batches.
 *
 * A batch is worked off column by column, each step a loop over typed arrays:
 *
 *   select      the rows that the time filter and `where` let through
 *   split       these rows by window
 *   key         the codes of the groupBy attributes, in the state's own numbering
 *   assign      per window, the group of each row
 *   accumulate  per window and measure
 */
import { assert } from "#protocol";
import { type AttributeColumns, type ColumnBatch, integerAt, MINUTE_MS } from "./column-batch.ts";
import { DistinctSets } from "./distinct.ts";
import { type FoldState, type Scratch, windowOf } from "./fold-state.ts";
import type { Interner } from "./interner.ts";
import type { FoldPlan } from "./plan.ts";
import { type HashSeed, hashText } from "./siphash.ts";
import { taggedText, type Value } from "./value.ts";

/** Rows of one window: [from, to) of the selected and sorted rows. */
interface WindowRun {
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Folds records [start, end) of a batch into a state.
 *
 * The state must have been created with the stream's hash seed if the plan counts distinct values.
 */
export function fold(plan: FoldPlan, state: FoldState, batch: ColumnBatch, start: number, end: number): void {
  assert(0 <= start && start <= end && end <= batch.count, "records of the batch");
  if (start === end || batch.minuteMax < plan.fromMinute || batch.minuteMin >= plan.toMinute) return;
  const { scratch } = state;
  scratch.reserve(end);
  const count = select(plan, state, batch, start, end);
  if (count === 0) return;
  const runs = splitByWindow(plan, scratch, batch, count);
  plan.groupBy.forEach((name, k) => {
    keyCodes(
      state.interners[k] as Interner,
      batch.attributes.get(name),
      scratch,
      count,
      scratch.keys[k] as Uint32Array,
    );
  });
  const numbers = plan.accumulators.map(({ kind, attribute }) =>
    kind === "distinct" ? undefined : numbersOf(batch.attributes.get(attribute)),
  );
  for (const run of runs) foldWindow(plan, state, batch, numbers, run);
}

/** The numbers of an attribute. Identifiers can be numbers too: those are read from their text, at the price of decoding it. */
function numbersOf(columns: AttributeColumns | undefined): Float64Array | undefined {
  if (columns?.hashes === undefined) return columns?.numbers;
  const { numbers } = columns;
  return Float64Array.from(columns.hashes.values(), (value, row) =>
    typeof value === "number" ? value : ((numbers?.[row] as number | undefined) ?? NaN),
  );
}

function foldWindow(
  plan: FoldPlan,
  state: FoldState,
  batch: ColumnBatch,
  numbers: readonly (Float64Array | undefined)[],
  { start, from, to }: WindowRun,
): void {
  const { rows, ids, keys } = state.scratch;
  const table = windowOf(plan, state, start);
  const sizeBefore = table.size;
  table.assign(keys, from, to, ids);
  state.groups += table.size - sizeBefore;
  table.countRecords(ids, from, to);
  table.accumulators.forEach((accumulator, i) => {
    const columns = batch.attributes.get(plan.accumulators[i]?.attribute ?? "");
    if (accumulator instanceof DistinctSets) addDistinct(accumulator, columns, state, from, to);
    else if (numbers[i] !== undefined) accumulator.add(numbers[i], rows, ids, from, to);
  });
  // Of the whole batch: the column of append times itself is cold. So a window is kept a little longer, never shorter.
  table.changedAt = Math.max(table.changedAt, batch.appendTimeMax);
}

function addDistinct(
  sets: DistinctSets,
  columns: AttributeColumns | undefined,
  { scratch: { rows, ids }, seed }: FoldState,
  from: number,
  to: number,
): void {
  if (columns?.codes !== undefined) {
    const { codes, dictionary } = columns.codes;
    sets.addCodes(codes, dictionary.hashes(), rows, ids, from, to);
  }
  if (columns?.hashes !== undefined) sets.add(columns.hashes.words, rows, ids, from, to);
  if (columns?.numbers !== undefined) {
    assert(seed !== null, "distinct numbers are hashed under the stream's seed");
    addDistinctNumbers(sets, columns.numbers, seed, rows, ids, from, to);
  }
}

/** Numbers have no hash of their own in a batch. They are hashed by the text under which a `hashes` column would hold them. */
function addDistinctNumbers(
  sets: DistinctSets,
  numbers: Float64Array,
  seed: HashSeed,
  rows: Uint32Array,
  ids: Int32Array,
  from: number,
  to: number,
): void {
  const words = new Uint32Array(2);
  for (let i = from; i < to; i++) {
    const value = numbers[rows[i] as number] as number;
    if (Number.isNaN(value)) continue;
    hashText(seed, taggedText(value), words, 0);
    sets.addHash(ids[i] as number, words[0] as number, words[1] as number);
  }
}

/** Selects the rows of [start, end) that are folded at all, into `scratch.rows`, and returns how many there are. */
function select(plan: FoldPlan, state: FoldState, batch: ColumnBatch, start: number, end: number): number {
  const { scratch } = state;
  const allTimes = acceptsAllTimes(plan, batch);
  if (allTimes && plan.where.isEmpty) {
    for (let i = start; i < end; i++) scratch.rows[i - start] = i;
    return end - start;
  }
  scratch.mask.fill(1, start, end);
  if (!allTimes) narrowByTime(plan, batch, start, end, scratch.mask);
  plan.where.narrow((name) => batch.attributes.get(name), start, end, scratch.mask, state.seed ?? undefined);
  return scratch.selectMasked(start, end);
}

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

function acceptsMinute(plan: FoldPlan, minute: number): boolean {
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
function splitByWindow(plan: FoldPlan, scratch: Scratch, batch: ColumnBatch, count: number): WindowRun[] {
  const width = plan.windowMinutes;
  if (width === null) return [{ start: plan.fromMinute * MINUTE_MS, from: 0, to: count }];
  const startOf = (minute: number) => Math.floor(minute / width) * width;
  const first = startOf(batch.minuteMin);
  if (first === startOf(batch.minuteMax)) return [{ start: first * MINUTE_MS, from: 0, to: count }];

  const stretches = findStretches(batch, scratch.rows, count, startOf);
  const counts = new Map<number, number>();
  for (const { start, from, to } of stretches) counts.set(start, (counts.get(start) ?? 0) + to - from);
  const runs: WindowRun[] = [];
  const places = new Map<number, number>();
  let from = 0;
  for (const [start, size] of counts) {
    places.set(start, from);
    runs.push({ start: start * MINUTE_MS, from, to: from + size });
    from += size;
  }
  if (runs.length < stretches.length) sortStretches(scratch, stretches, places);
  return runs;
}

/** The stretches of neighbouring rows that fall into one window; its start here in minutes. */
function findStretches(
  batch: ColumnBatch,
  rows: Uint32Array,
  count: number,
  startOf: (minute: number) => number,
): WindowRun[] {
  const { base, deltas } = batch.minutes;
  assert(deltas !== null, "a batch over several minutes says which");
  const stretches: WindowRun[] = [];
  let delta = deltas[rows[0] as number] as number;
  let start = startOf(base + delta);
  let from = 0;
  for (let i = 1; i < count; i++) {
    const next = deltas[rows[i] as number] as number;
    if (next === delta) continue;
    delta = next;
    const nextStart = startOf(base + delta);
    if (nextStart === start) continue;
    stretches.push({ start, from, to: i });
    start = nextStart;
    from = i;
  }
  stretches.push({ start, from, to: count });
  return stretches;
}

/** Moves each stretch to the next free place of its window. */
function sortStretches(scratch: Scratch, stretches: readonly WindowRun[], places: Map<number, number>): void {
  const { rows, sorted } = scratch;
  for (const { start, from, to } of stretches) {
    let at = places.get(start) as number;
    for (let i = from; i < to; i++) sorted[at++] = rows[i] as number;
    places.set(start, at);
  }
  scratch.rows = sorted;
  scratch.sorted = rows;
}

/** The codes of one groupBy attribute for the selected rows. */
function keyCodes(
  interner: Interner,
  columns: AttributeColumns | undefined,
  { rows }: Scratch,
  count: number,
  out: Uint32Array,
): void {
  if (columns?.codes === undefined) out.fill(0, 0, count);
  else interner.translateRows(columns.codes.dictionary, columns.codes.codes, rows, count, out);
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
