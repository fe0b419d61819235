/**
 * Comparing two generations of a view, window by window: what a replay's `diff` says, and whether a verification holds.
 *
 * Windows are handed in one at a time, so that a comparison over years never holds more than a day of both.
 */
import { assert } from "#protocol";
import { findCounterparts } from "./find-counterparts.ts";
import { GroupTable } from "./group-table.ts";
import type { Interner } from "./interner.ts";
import { measureOfNothing, measureValue } from "./measure.ts";
import { identity } from "./identity.ts";
import { absorbGroups } from "./merge.ts";
import type { PlannedMeasure, Shape } from "./plan.ts";
import { compareValues, type Value } from "./value.ts";

/** Rows that a diff shows. */
export const LARGEST_CHANGES_MAX = 20;

export interface Change {
  readonly time: number;
  /** Values of the groupBy attributes, in their order. */
  readonly key: readonly Value[];
  readonly before: readonly (number | null)[];
  readonly after: readonly (number | null)[];
}

/** What the routes show of a comparison. */
export interface Diff {
  readonly rowsCompared: number;
  readonly rowsChanged: number;
  readonly totals: { readonly [measure: string]: { readonly before: number | null; readonly after: number | null } };
  /** `time`, the key's attributes, and `{before, after}` for each measure: those that changed most in the first measure. */
  readonly largest: readonly ChangedRow[];
}

export interface ChangedRow {
  readonly [column: string]: Value | { readonly before: number | null; readonly after: number | null };
}

export class Comparison {
  readonly shape: Shape;
  #rowsCompared = 0;
  #rowsChanged = 0;
  /** Everything in one group each: totals of averages and distinct values are not sums of rows. */
  readonly #before: GroupTable;
  readonly #after: GroupTable;
  /** Of windows that are the same on both sides. */
  readonly #both: GroupTable;
  #largest: Change[] = [];

  constructor(shape: Shape) {
    this.shape = shape;
    this.#before = this.#newTotal();
    this.#after = this.#newTotal();
    this.#both = this.#newTotal();
  }

  #newTotal(): GroupTable {
    return new GroupTable(0, { ...this.shape, groupBy: [] }, []);
  }

  /** Takes in a window that is the same on both sides, and was not compared before. */
  addSame(both: GroupTable): void {
    this.#addToTotal(this.#both, both);
    this.#rowsCompared += both.size;
  }

  /** Compares one window, which was not compared before; null: that side has none. */
  addWindow(time: number, before: GroupTable | null, after: GroupTable | null): void {
    if (before !== null) this.#addToTotal(this.#before, before);
    if (after !== null) this.#addToTotal(this.#after, after);
    const { measures } = this.shape;
    compareRows(measures, before, after, (i, j, valuesBefore, valuesAfter, isChanged) => {
      this.#rowsCompared++;
      if (!isChanged) return;
      this.#rowsChanged++;
      this.#keepIfLarge({ time, key: keyOf(before, i, after, j), before: valuesBefore, after: valuesAfter });
    });
  }

  diff(): Diff {
    const { measures } = this.shape;
    const [before, after] = [this.#before, this.#after].map((side) => {
      const total = this.#newTotal();
      for (const part of [side, this.#both]) this.#addToTotal(total, part);
      return total;
    }) as [GroupTable, GroupTable];
    const totals = measures.map(({ name }, i) => [
      name,
      { before: this.#total(before, i), after: this.#total(after, i) },
    ]);
    const largest = this.#largest.map((change) => showChange(this.shape, change));
    return {
      rowsCompared: this.#rowsCompared,
      rowsChanged: this.#rowsChanged,
      totals: Object.fromEntries(totals) as Diff["totals"],
      largest,
    };
  }

  #total(table: GroupTable, measure: number): number | null {
    const planned = this.shape.measures[measure];
    assert(planned !== undefined, "a measure of the shape");
    return valueOf(planned, table, table.size - 1);
  }

  #addToTotal(total: GroupTable, table: GroupTable): void {
    const sources = this.shape.accumulators.map((_, i) => i);
    absorbGroups(total, table, [], sources, identity(table.size), table.size);
  }

  #keepIfLarge(change: Change): void {
    const last = this.#largest.at(-1);
    const isFull = this.#largest.length >= LARGEST_CHANGES_MAX;
    if (isFull && last !== undefined && compareChanges(change, last) >= 0) return;
    this.#largest = [...this.#largest, change].sort(compareChanges).slice(0, LARGEST_CHANGES_MAX);
  }
}

const valueOf = (measure: PlannedMeasure, table: GroupTable | null, group: number): number | null =>
  table === null || group < 0 ? measureOfNothing(measure) : measureValue(measure, table, group);

/** The key of the row that is group `i` before and `j` after. */
function keyOf(before: GroupTable | null, i: number, after: GroupTable | null, j: number): Value[] {
  const [table, group] = j >= 0 ? [after, j] : [before, i];
  return table === null
    ? []
    : table.keys.map((codes, k) => (table.interners[k] as Interner).valueOf(codes[group] as number));
}

type EachRow = (
  i: number,
  j: number,
  before: readonly (number | null)[],
  after: readonly (number | null)[],
  isChanged: boolean,
) => void;

/** Every row of a window: its group on either side, -1 if that has none, and its measures there. */
function compareRows(
  measures: readonly PlannedMeasure[],
  before: GroupTable | null,
  after: GroupTable | null,
  each: EachRow,
): void {
  const compare = (i: number, j: number) => {
    const valuesBefore = measures.map((measure) => valueOf(measure, before, i));
    const valuesAfter = measures.map((measure) => valueOf(measure, after, j));
    // A row that only one side has is a change, though its measures may be those of nothing.
    const isSame = i >= 0 && j >= 0 && valuesBefore.every((value, m) => value === valuesAfter[m]);
    each(i, j, valuesBefore, valuesAfter, !isSame);
  };
  const seen = new Uint8Array(before?.size ?? 0);
  if (after !== null) {
    const counterparts = before === null ? null : findCounterparts(before, after);
    for (let group = 0; group < after.size; group++) {
      const counterpart = counterparts?.[group] ?? -1;
      if (counterpart >= 0) seen[counterpart] = 1;
      compare(counterpart, group);
    }
  }
  seen.forEach((wasSeen, group) => {
    if (wasSeen === 0) compare(group, -1);
  });
}

/** The rows of one window in the order of their keys; null: that side has none. */
export function changesOf(
  { measures }: Shape,
  time: number,
  before: GroupTable | null,
  after: GroupTable | null,
  onlyChanged: boolean,
): Change[] {
  const changes: Change[] = [];
  compareRows(measures, before, after, (i, j, valuesBefore, valuesAfter, isChanged) => {
    if (onlyChanged && !isChanged) return;
    changes.push({ time, key: keyOf(before, i, after, j), before: valuesBefore, after: valuesAfter });
  });
  return changes.sort(compareKeys);
}

/** A change as a row: `time`, the attributes, and both values of each measure. */
export const showChange = ({ groupBy, measures }: Shape, { time, key, before, after }: Change): ChangedRow => ({
  time,
  ...Object.fromEntries(groupBy.map((name, k) => [name, key[k] as Value])),
  ...Object.fromEntries(
    measures.map(({ name }, i) => [name, { before: before[i] as number | null, after: after[i] as number | null }]),
  ),
});

/** By how much the first measure changed, most first; then by time and key, so that the choice is stable. */
function compareChanges(a: Change, b: Change): number {
  return sizeOf(b) - sizeOf(a) || a.time - b.time || compareKeys(a, b);
}

function compareKeys(a: Change, b: Change): number {
  for (let k = 0; k < a.key.length; k++) {
    const byKey = compareValues(a.key[k] as Value, b.key[k] as Value);
    if (byKey !== 0) return byKey;
  }
  return 0;
}

const sizeOf = ({ before, after }: Change): number => Math.abs((after[0] ?? 0) - (before[0] ?? 0));
