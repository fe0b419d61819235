/**
 * What two views of different shape can be compared in: the attributes that both group by, the measures that both define alike,
 * and a width of window that holds whole windows of both.
 */
import { assert } from "#protocol";
import { DAY_MS, type Measures, type Query, type ViewSpec } from "#engine";
import { canonicalJson } from "./generations.ts";

export interface CommonGround {
  readonly groupBy: readonly string[];
  readonly measures: Measures;
  /** Null: no width holds whole windows of both within a day, so that only totals can be compared. */
  readonly everyMs: number | null;
}

/** What two views can be compared in. With no measure in common, the number of records. */
export function commonGround(before: ViewSpec, after: ViewSpec): CommonGround {
  const everyMs = commonWidth(before.windowMs, after.windowMs);
  const alike = Object.entries(after.measures).filter(
    ([name, measure]) => canonicalJson(before.measures[name]) === canonicalJson(measure),
  );
  return {
    groupBy: everyMs === null ? [] : after.groupBy.filter((attribute) => before.groupBy.includes(attribute)),
    measures: alike.length > 0 ? Object.fromEntries(alike) : { records: { count: true } },
    everyMs,
  };
}

function commonWidth(a: number, b: number): number | null {
  if (a === b) return a;
  const [less, more] = a < b ? [a, b] : [b, a];
  if (more % less === 0 && DAY_MS % more === 0) return more;
  return DAY_MS % a === 0 && DAY_MS % b === 0 ? DAY_MS : null;
}

/** The question that one side's windows are rolled up for. */
export function wholeTime({ groupBy, measures, everyMs }: CommonGround): Query {
  assert(everyMs === null || everyMs > 0, "a width of window");
  return { from: 0, to: Number.MAX_SAFE_INTEGER, where: {}, groupBy, everyMs, measures, orderBy: null, limit: 1 };
}
