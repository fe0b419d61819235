/**
 * `fold`: the one place where a number is computed. Live appends, replays, recoveries and scans of the log all come through
 * here, and nothing folded depends on a clock, on the order of records, or on how they were cut into batches.
 *
 * A batch is worked off column by column, each step a loop over typed arrays:
 *
 *   select      the rows that the time filter and `where` let through, and their windows (select-rows.ts)
 *   key         the codes of the groupBy attributes, in the state's own numbering
 *   assign      per window, the group of each row
 *   accumulate  per window and measure
 *
 * Rows of a sealed segment are grouped (group-rows.ts). If they are grouped by just what is asked for, key and assign work on
 * runs instead of rows: a run has one group, and counts as many records as it is long. That is all a plain count reads.
 */
import { assert } from "#protocol";
import type { AttributeColumns, ColumnBatch, Grouping } from "./column-batch.ts";
import { DistinctSets } from "./distinct.ts";
import { type FoldState, windowOf } from "./fold-state.ts";
import { areRunsOf, assignGroups, forWindows } from "./find-groups.ts";
import { inOffsetOrder } from "./gather.ts";
import type { GroupTable } from "./group-table.ts";
import { NumberCounts, SignedSums } from "./number-columns.ts";
import type { FoldPlan } from "./plan.ts";
import { type Selection, selectGrouped, selectRows, type Wanted, type WindowRows } from "./select-rows.ts";
import { type HashSeed, hashText } from "./siphash.ts";
import { foldSessions } from "./sessions.ts";
import { judge, VERDICT } from "./spam.ts";
import { spreadRuns } from "./spread-runs.ts";
import { taggedText } from "./value.ts";

/**
 * Folds records [start, end) of a batch, counted in offset order, into a state.
 *
 * The state must have been created with the stream's hash seed if the plan counts distinct values.
 */
export function fold(plan: FoldPlan, state: FoldState, batch: ColumnBatch, start: number, end: number): void {
  assert(0 <= start && start <= end && end <= batch.count, "records of the batch");
  if (start === end || batch.minuteMax < plan.fromMinute || batch.minuteMin >= plan.toMinute) return;
  state.scratch.reserve(batch.count);
  const { grouping } = batch;
  // In two is cut only what a crash or a trim has cut.
  if (grouping !== null && end - start < batch.count) return fold(plan, state, inOffsetOrder(batch), start, end);
  if (plan.session !== null) return foldSessions(plan, state, inOffsetOrder(batch), start, end);
  judgeRows(plan, state, batch, start, end);
  const select = (wanted?: Wanted) =>
    grouping === null
      ? selectRows(plan, state, batch, start, end, wanted)
      : selectGrouped(plan, state, batch, grouping, wanted);
  const selection = select();
  if (grouping !== null && hasRunsFor(plan, batch, grouping)) foldRuns(plan, state, batch, selection, grouping);
  else foldRows(plan, state, batch, selection);
  const invalid = plan.accumulators.findIndex(({ kind }) => kind === "invalid");
  if (invalid >= 0) countInvalid(plan, state, batch, select("invalid"), invalid);
}

/** Lets a rule that needs order judge what `where` lets through, of whatever time: what is not counted may still precede. */
function judgeRows(plan: FoldPlan, state: FoldState, batch: ColumnBatch, start: number, end: number): void {
  if (plan.spam === null) return;
  const { verdicts } = state.scratch;
  const { memory, seed } = state;
  assert(memory !== null && seed !== null, "a rule that needs order has a memory, and hashes under the stream's seed");
  verdicts.fill(VERDICT.valid, start, end);
  plan.where.narrow((name) => batch.attributes.get(name), start, end, verdicts, seed);
  judge(plan.spam, memory, seed, batch, start, end, verdicts);
}

/** Whether each run of the batch is a part of one group, and all of it is folded. */
const hasRunsFor = (plan: FoldPlan, batch: ColumnBatch, grouping: Grouping): boolean =>
  plan.where.isEmpty &&
  plan.spam === null &&
  plan.groupBy.length === 1 &&
  areRunsOf(batch, grouping, plan.groupBy[0] as string);

function foldRows(plan: FoldPlan, state: FoldState, batch: ColumnBatch, selection: Selection): void {
  const { ids } = state.scratch;
  const accumulate = accumulatorsOf(plan, state, batch, selection.rows);
  forWindows(plan, state, batch, selection, (table, window) => {
    table.countRecords(ids, window.from, window.to);
    accumulate(table, ids, window);
  });
}

/** Counts records that are in nothing else. A group may have no other. */
function countInvalid(plan: FoldPlan, state: FoldState, batch: ColumnBatch, selection: Selection, at: number): void {
  const { ids } = state.scratch;
  forWindows(plan, state, batch, selection, (table, { from, to }) => {
    const accumulator = table.accumulators[at];
    assert(accumulator instanceof NumberCounts, "invalid records are counted");
    accumulator.count(ids, from, to);
    table.changedAt = Math.max(table.changedAt, batch.appendTimeMax);
  });
}

/** The same where `keys` and `ids` are by run. */
function foldRuns(
  plan: FoldPlan,
  state: FoldState,
  batch: ColumnBatch,
  { rows, windows }: Selection,
  grouping: Grouping,
): void {
  const { ids, rowIds } = state.scratch;
  const { runCodes, runLengths, dictionary } = grouping;
  const [interner] = state.interners;
  assert(interner !== undefined && dictionary !== null, "runs are made of codes");
  interner.settle(dictionary);
  interner.translateAll(dictionary, runCodes, state.scratch.keys[0] as Uint32Array);
  const accumulate = accumulatorsOf(plan, state, batch, rows);
  let stretch = 0;
  for (const window of windows) {
    while ((grouping.rowStarts[stretch] as number) < window.from) stretch++;
    const from = grouping.runStarts[stretch] as number;
    while ((grouping.rowStarts[stretch] as number) < window.to) stretch++;
    const to = grouping.runStarts[stretch] as number;
    const table = windowOf(plan, state, window.start);
    if (plan.accumulators.length === 0) {
      const sizeBefore = table.size;
      table.count(state.scratch.keys, runLengths, from, to, ids);
      state.groups += table.size - sizeBefore;
    } else {
      assignGroups(state, table, from, to);
      table.countRuns(ids, runLengths, from, to);
      spreadRuns(runLengths, from, to, window.from, ids, rowIds);
    }
    accumulate(table, rowIds, window);
  }
}

type Accumulate = (table: GroupTable, ids: Int32Array, window: WindowRows) => void;

/** Adds rows of a window, whose groups are `ids`, to the accumulators of its table. */
function accumulatorsOf(plan: FoldPlan, state: FoldState, batch: ColumnBatch, rows: Uint32Array): Accumulate {
  const columns = plan.accumulators.map(({ attribute }) => batch.attributes.get(attribute));
  const numbers = plan.accumulators.map(({ kind }, i) => (kind === "distinct" ? undefined : numbersOf(columns[i])));
  return (table, ids, { from, to }) => {
    table.accumulators.forEach((accumulator, i) => {
      if (accumulator instanceof DistinctSets) addDistinct(accumulator, columns[i], state.seed, rows, ids, from, to);
      else if (numbers[i] !== undefined && !(accumulator instanceof SignedSums))
        accumulator.add(numbers[i], rows, ids, from, to);
    });
    // Of the whole batch: the column of append times itself is cold. So a window is kept a little longer, never shorter.
    table.changedAt = Math.max(table.changedAt, batch.appendTimeMax);
  };
}

/** The numbers of an attribute. Identifiers can be numbers too: those are read from their text, at the price of decoding it. */
function numbersOf(columns: AttributeColumns | undefined): Float64Array | undefined {
  if (columns?.hashes === undefined) return columns?.numbers;
  const { numbers } = columns;
  return Float64Array.from(columns.hashes.values(), (value, row) =>
    typeof value === "number" ? value : ((numbers?.[row] as number | undefined) ?? NaN),
  );
}

function addDistinct(
  sets: DistinctSets,
  columns: AttributeColumns | undefined,
  seed: HashSeed | null,
  rows: Uint32Array,
  ids: Int32Array,
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
