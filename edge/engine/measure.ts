/**
 * Reading a measure's value from the accumulators of a group: the only place where sums are rounded and sets are counted.
 */
import { assert } from "#protocol";
import { DistinctSets } from "./distinct.ts";
import { ExactSums } from "./exact-sum.ts";
import type { GroupTable } from "./group-table.ts";
import { Extremes, NumberCounts, SignedSums } from "./number-columns.ts";
import type { PlannedMeasure } from "./plan.ts";

/** The value of a measure of a group; null for the least, greatest or average of no numbers, and for a sum beyond 2^1024. */
export function measureValue(measure: PlannedMeasure, table: GroupTable, group: number): number | null {
  if (measure.kind === "count") return table.records[group] as number;
  if (measure.kind === "avg") {
    const sums = table.accumulators[measure.sum];
    const numbers = table.accumulators[measure.numbers];
    assert(sums instanceof ExactSums && numbers instanceof NumberCounts, "an average has a sum and a count");
    const count = numbers.counts[group] as number;
    return count === 0 ? null : sums.meanOf(group, count);
  }
  if (measure.kind === "perSession") {
    const sessions = signedOf(table, measure.sessions, group);
    return sessions === 0 ? null : signedOf(table, measure.total, group) / sessions;
  }
  if (measure.kind === "sessions") return signedOf(table, measure.from, group);
  const accumulator = table.accumulators[measure.from];
  if (accumulator instanceof NumberCounts) return accumulator.counts[group] as number;
  assert(
    accumulator instanceof ExactSums || accumulator instanceof Extremes || accumulator instanceof DistinctSets,
    "a measure reads its own accumulator",
  );
  return accumulator.valueOf(group);
}

function signedOf({ accumulators }: GroupTable, at: number, group: number): number {
  const accumulator = accumulators[at];
  assert(accumulator instanceof SignedSums, "sessions are counted in whole numbers");
  return accumulator.values[group] as number;
}

/** The values of a measure of all groups of a table, in their order, to `values` from `at` on; null as -Infinity: no measure is that. */
export function measureValues(measure: PlannedMeasure, table: GroupTable, values: Float64Array, at: number): void {
  const { size, records } = table;
  if (measure.kind === "count")
    for (let group = 0; group < size; group++) values[at + group] = records[group] as number;
  else for (let g = 0; g < size; g++) values[at + g] = measureValue(measure, table, g) ?? -Infinity;
}

/** The value of a measure of no records at all. */
export const measureOfNothing = ({ kind }: PlannedMeasure): number | null =>
  kind === "min" || kind === "max" || kind === "avg" || kind === "perSession" ? null : 0;
