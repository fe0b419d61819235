/**
 * When a query needs only some of the groups that partitions hold, and the arithmetic of it. Lacks the groups themselves:
 * frozen-partial.ts has a partition's, threshold-merge.ts the merged ones.
 *
 * A stream of one partition sends the rows of the answer, whatever their order. With more, no partition knows which of its
 * groups will be among the first; but in descending order of a measure that adds up and never falls, three rounds find out
 * with few of them:
 *
 *   1  Each sends its own first k. The k-th greatest of the sums so far is a bound: k groups reach it already.
 *   2  Each sends the rest of what reaches bound / partitions. A group that nobody has sent by then is below that
 *      everywhere, so that its total is below the bound.
 *   3  Of the groups that could still reach the bound, which by now is higher, each sends what it has not sent yet.
 *
 * Then the first k are known with all of their measures, and no other group can be one of them.
 *
 *   P. Cao and Z. Wang, "Efficient Top-K Query Calculation in Distributed Networks", PODC 2004: the three-phase uniform
 *   threshold algorithm (TPUT).
 *
 * Ties are decided by key, so a group counts as out only if its total is certainly below the bound, never if it might be
 * equal. Sums are exact until they are read, and reading rounds them: monotonically, so that all of this holds for rounded
 * values too, if the sums in between leave a margin that is wider than their own rounding.
 */
import type { GroupTable } from "./group-table.ts";
import { ENGINE_LIMITS } from "./limits.ts";
import { measureValues } from "./measure.ts";
import { needsRule, type PlannedMeasure, shapeOf } from "./plan.ts";
import type { Query } from "./spec.ts";
import { topN } from "./top-n.ts";

/** `first`: the partition's own first groups are the answer's. `thresholds`: the three rounds. */
export type EarlyStop = "first" | "thresholds";

/** Wider than the rounding of a few sums and products of doubles, and far narrower than any two counts. */
const MARGIN = 2 ** -40;

/** Above it sums of 256 partitions might leave the range of a double: they would be null, and last in their order. */
const ADDEND_MAX = 2 ** 1000;

/** How a query over so many partitions may stop early; null: it needs all groups. */
export function earlyStopOf(query: Query, partitions: number): EarlyStop | null {
  const { groupBy, everyMs, limit } = query;
  // Whether a group of sessions is empty is only known of all of it.
  if (groupBy.length === 0 || everyMs !== null || limit < 1 || needsRule(query)) return null;
  if (partitions === 1) return "first";
  return query.orderBy?.descending === true && orderingMeasure(query) !== null ? "thresholds" : null;
}

/** Whether to hold back groups in the hope that few of them are asked for: it costs two more rounds. */
export const isWorthFreezing = (groups: number, limit: number): boolean =>
  groups >= ENGINE_LIMITS.frozenGroupsMin && groups >= ENGINE_LIMITS.frozenGroupsPerRow * limit;

/** The measure that orders the rows, if its values add up over partitions; else null. */
export function orderingMeasure({ groupBy, measures, orderBy }: Query): PlannedMeasure | null {
  const ordering = shapeOf(groupBy, measures).measures.find(({ name }) => name === orderBy?.name);
  return ordering?.kind === "count" || ordering?.kind === "sum" ? ordering : null;
}

/** By group: what the rows are ordered by. -Infinity for a sum that is beyond the range of a double. */
export function orderingValues(ordering: PlannedMeasure, table: GroupTable): Float64Array {
  const values = new Float64Array(table.size);
  measureValues(ordering, table, values, 0);
  return values;
}

/** Whether a group's total is at least what any one partition has of it. */
export const areAddends = (values: Float64Array): boolean => values.every((value) => value >= 0 && value <= ADDEND_MAX);

/** The k-th greatest value: so many groups have at least that. Of fewer values than k, nothing is known. */
export function boundOf(values: Float64Array, k: number): number {
  if (values.length < k) return -Infinity;
  const greatest = topN(values.length, k, (a, b) => (values[b] as number) - (values[a] as number));
  return values[greatest[k - 1] as number] as number;
}

/** A group that is below it in each of so many partitions, and is nowhere else, is below the bound. */
export const thresholdOf = (bound: number, partitions: number): number => (bound * (1 - MARGIN)) / partitions;

/** The most that a partition can have of a group that is below the threshold there: counts are whole numbers. */
export const mostBelow = (ordering: PlannedMeasure, threshold: number): number =>
  ordering.kind === "count" ? Math.max(0, Math.ceil(threshold) - 1) : Math.max(0, threshold);

/** Whether a group, of which `known` is known and at most `unknown` is not, may reach the bound. */
export const mayReach = (known: number, unknown: number, bound: number): boolean =>
  known + unknown >= bound * (1 - MARGIN);
