/**
 * The rows of an answer: groups and buckets in their order, cut at the limit. Nothing is computed here that a group's
 * accumulators do not already hold.
 */
import { withoutEmpty } from "./empty-groups.ts";
import type { FoldState } from "./fold-state.ts";
import type { GroupTable } from "./group-table.ts";
import { identity } from "./identity.ts";
import type { Interner } from "./interner.ts";
import { measureOfNothing, measureValue, measureValues } from "./measure.ts";
import { type PlannedMeasure, shapeOf } from "./plan.ts";
import type { Query } from "./spec.ts";
import { compareRanks, type Ranking, topN } from "./top-n.ts";
import { compareValues, type Value } from "./value.ts";

/** `time` only with `every`, then the groupBy attributes, then the measures. */
export type AnswerRow = { readonly [column: string]: Value };

export interface AnswerRows {
  readonly rows: readonly AnswerRow[];
  /** There were more rows than the limit. */
  readonly truncated: boolean;
}

/** Which groups of a state are candidates for rows. Group -1 is a bucket in which nothing happened. */
interface Candidates {
  readonly tables: readonly (GroupTable | null)[];
  /** Start of each bucket. */
  readonly times: readonly number[];
  /** Candidates of each bucket: all groups of its table, or one for nothing. */
  readonly sizes: readonly number[];
  /** By candidate: which bucket, and which group of its table. */
  readonly buckets: Uint32Array;
  readonly groups: Int32Array | Uint32Array;
}

/** Answers a query from the state that was folded or merged for it. */
export function answerRows(query: Query, state: FoldState): AnswerRows {
  const shape = shapeOf(query.groupBy, query.measures);
  const { measures } = shape;
  const candidates = findCandidates(query, withoutEmpty(shape, state));
  const count = candidates.groups.length;
  const first = firstCandidates(query, measures, candidates, query.limit);
  const rows = Array.from(first, (candidate) => renderRow(query, measures, candidates, candidate));
  return { rows, truncated: count > query.limit };
}

/**
 * The first `n` groups of a table in the order of the query's rows.
 *
 * @param query without buckets
 */
export function firstGroups(query: Query, table: GroupTable, n: number): Uint32Array {
  const { measures } = shapeOf(query.groupBy, query.measures);
  const candidates = candidatesOf([table], [table.start], [table.size]);
  return firstCandidates(query, measures, candidates, n);
}

function firstCandidates(
  query: Query,
  measures: readonly PlannedMeasure[],
  candidates: Candidates,
  n: number,
): Uint32Array {
  const name = query.orderBy?.name ?? null;
  const ordering = name === "time" ? undefined : measures.find((measure) => measure.name === name);
  const ranks = ordering === undefined ? null : rankingOf(query, ordering, candidates);
  return topN(candidates.groups.length, n, rowOrder(query, candidates, ranks), ranks);
}

/** Every group of every bucket in the order of time; without groupBy one for each bucket of the range, empty or not. */
function findCandidates(query: Query, state: FoldState): Candidates {
  const times = query.groupBy.length === 0 ? bucketsOf(query) : [...state.windows.keys()].sort((a, b) => a - b);
  const tables = times.map((time) => state.windows.get(time) ?? null);
  return candidatesOf(
    tables,
    times,
    tables.map((table) => (query.groupBy.length === 0 ? 1 : (table?.size ?? 0))),
  );
}

/** The groups of each bucket, one after the other. */
function candidatesOf(
  tables: readonly (GroupTable | null)[],
  times: readonly number[],
  sizes: readonly number[],
): Candidates {
  const count = sizes.reduce((sum, size) => sum + size, 0);
  const buckets = new Uint32Array(count);
  // Nothing is written for each group of what is most often asked: one table.
  if (tables.length === 1 && tables[0]?.size === count && count > 0) {
    return { tables, times, sizes, buckets, groups: identity(count).subarray(0, count) };
  }
  const groups = new Int32Array(count);
  let at = 0;
  for (let bucket = 0; bucket < sizes.length; bucket++) {
    const size = sizes[bucket] as number;
    buckets.fill(bucket, at, at + size);
    if ((tables[bucket]?.size ?? 0) === 0) groups.fill(-1, at, at + size);
    else groups.set(identity(size).subarray(0, size), at);
    at += size;
  }
  return { tables, times, sizes, buckets, groups };
}

/** Starts of the query's buckets. The first may begin before the range: it holds what lies in the range. */
function bucketsOf({ from, to, everyMs }: Query): number[] {
  if (everyMs === null) return [from];
  const times: number[] = [];
  for (let time = Math.floor(from / everyMs) * everyMs; time < to; time += everyMs) times.push(time);
  return times;
}

type Order = (a: number, b: number) => number;

/** What the query orders by, then the bucket, then the key. */
function rowOrder({ groupBy, orderBy }: Query, candidates: Candidates, ranks: Ranking | null): Order {
  const { buckets } = candidates;
  const byTime: Order = (a, b) => (buckets[a] as number) - (buckets[b] as number);
  const byKey = groupBy.map((_, column) => attributeOrder(candidates, column));
  const byDefault: Order = (a, b) => {
    let order = byTime(a, b);
    for (let k = 0; order === 0 && k < byKey.length; k++) order = (byKey[k] as Order)(a, b);
    return order;
  };
  if (orderBy === null) return byDefault;
  const sign = orderBy.descending ? -1 : 1;
  if (ranks !== null) return (a, b) => compareRanks(ranks, a, b) || byDefault(a, b);
  const asked = orderBy.name === "time" ? byTime : byKey[groupBy.indexOf(orderBy.name)];
  return asked === undefined ? byDefault : (a, b) => sign * asked(a, b) || byDefault(a, b);
}

/** By a measure, null first. Values are read once a candidate, not once a comparison; counts of one table stand there already. */
function rankingOf({ orderBy }: Query, measure: PlannedMeasure, { tables, sizes, groups }: Candidates): Ranking {
  const sign = orderBy?.descending ? -1 : 1;
  const only = tables.length === 1 ? (tables[0] ?? null) : null;
  if (only !== null && only.size > 0 && measure.kind === "count") return { values: only.records, sign };
  const values = new Float64Array(groups.length);
  let at = 0;
  tables.forEach((table, bucket) => {
    const size = sizes[bucket] as number;
    if (table !== null && table.size > 0) measureValues(measure, table, values, at);
    else values.fill(measureOfNothing(measure) ?? -Infinity, at, at + size);
    at += size;
  });
  // Measures are finite, so that -Infinity can stand for null; and two of them are equal, not NaN apart.
  return { values, sign };
}

function attributeOrder({ tables, buckets, groups }: Candidates, column: number): Order {
  const codeOf = (candidate: number): number =>
    tables[buckets[candidate] as number]?.keys[column]?.[groups[candidate] as number] ?? 0;
  const interner = tables.find((table) => table !== null)?.interners[column];
  if (interner === undefined) return () => 0;
  return (a, b) => {
    const x = codeOf(a);
    const y = codeOf(b);
    return x === y ? 0 : compareValues(interner.valueOf(x), interner.valueOf(y));
  };
}

function valueOf(measure: PlannedMeasure, { tables, buckets, groups }: Candidates, candidate: number): number | null {
  const table = tables[buckets[candidate] as number] ?? null;
  const group = groups[candidate] as number;
  return table === null || group < 0 ? measureOfNothing(measure) : measureValue(measure, table, group);
}

function renderRow(
  query: Query,
  measures: readonly PlannedMeasure[],
  candidates: Candidates,
  candidate: number,
): AnswerRow {
  const bucket = candidates.buckets[candidate] as number;
  const group = candidates.groups[candidate] as number;
  const table = candidates.tables[bucket] ?? null;
  const row: Record<string, Value> = {};
  if (query.everyMs !== null) row["time"] = candidates.times[bucket] as number;
  query.groupBy.forEach((name, k) => {
    row[name] = table === null ? null : (table.interners[k] as Interner).valueOf(table.keys[k]?.[group] ?? 0);
  });
  for (const measure of measures) row[measure.name] = valueOf(measure, candidates, candidate);
  return row;
}
