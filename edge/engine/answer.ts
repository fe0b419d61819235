/**
 * The rows of an answer: groups and buckets in their order, cut at the limit. Nothing is computed here that a group's
 * accumulators do not already hold.
 */
import type { FoldState } from "./fold-state.ts";
import type { GroupTable } from "./group-table.ts";
import { identity } from "./identity.ts";
import type { Interner } from "./interner.ts";
import { measureOfNothing, measureValue, measureValues } from "./measure.ts";
import { type PlannedMeasure, shapeOf } from "./plan.ts";
import type { Query } from "./spec.ts";
import { topN } from "./top-n.ts";
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
  readonly groups: Int32Array;
}

/** Answers a query from the state that was folded or merged for it. */
export function answerRows(query: Query, state: FoldState): AnswerRows {
  const { measures } = shapeOf(query.groupBy, query.measures);
  const candidates = findCandidates(query, state);
  const count = candidates.groups.length;
  const first = topN(count, query.limit, rowOrder(query, measures, candidates));
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
  return topN(table.size, n, rowOrder(query, measures, candidates));
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
function rowOrder(query: Query, measures: readonly PlannedMeasure[], candidates: Candidates): Order {
  const { buckets } = candidates;
  const byKey = query.groupBy.map((_, column) => attributeOrder(candidates, column));
  const byDefault: Order = (a, b) => {
    let order = (buckets[a] as number) - (buckets[b] as number);
    for (let k = 0; order === 0 && k < byKey.length; k++) order = (byKey[k] as Order)(a, b);
    return order;
  };
  const asked = askedOrder(query, measures, candidates);
  if (asked === null) return byDefault;
  const sign = query.orderBy?.descending ? -1 : 1;
  return (a, b) => sign * asked(a, b) || byDefault(a, b);
}

function askedOrder({ orderBy, groupBy }: Query, measures: readonly PlannedMeasure[], candidates: Candidates) {
  if (orderBy === null) return null;
  if (orderBy.name === "time") {
    return (a: number, b: number) => (candidates.buckets[a] as number) - (candidates.buckets[b] as number);
  }
  const measure = measures.find(({ name }) => name === orderBy.name);
  if (measure !== undefined) return measureOrder(candidates, measure);
  const column = groupBy.indexOf(orderBy.name);
  return column < 0 ? null : attributeOrder(candidates, column);
}

/** By a measure, null first. Values are read once a candidate, not once a comparison. */
function measureOrder(candidates: Candidates, measure: PlannedMeasure): Order {
  const values = new Float64Array(candidates.groups.length);
  let at = 0;
  candidates.tables.forEach((table, bucket) => {
    const size = candidates.sizes[bucket] as number;
    if (table !== null && table.size > 0) measureValues(measure, table, values, at);
    else values.fill(measureOfNothing(measure) ?? -Infinity, at, at + size);
    at += size;
  });
  // Measures are finite, so that -Infinity can stand for null; and two of them are equal, not NaN apart.
  return (a, b) => {
    const x = values[a] as number;
    const y = values[b] as number;
    return x < y ? -1 : x > y ? 1 : 0;
  };
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
