/**
 * Answers a query from the stored windows of a view: groups that the query's `where` lets through, under the query's own key
 * and in its own buckets, with the view's accumulators added up. The same absorbing as in a merge, so it is as exact.
 */
import { assert } from "#protocol";
import { type FoldState, windowOf } from "./fold-state.ts";
import type { GroupTable } from "./group-table.ts";
import { identity } from "./identity.ts";
import { absorbGroups, tallyGroups } from "./merge.ts";
import { accumulatorIndex, compileQuery, type FoldPlan, holdsInvalid, shapeOf } from "./plan.ts";
import type { Query, ViewSpec, Where } from "./spec.ts";
import { type CompiledWhere, compileWhere } from "./where.ts";

export interface RollupPlan {
  /** The query's plan: the shape of the state that is rolled up into. */
  readonly query: FoldPlan;
  readonly from: number;
  readonly to: number;
  readonly everyMs: number | null;
  /** Conditions on the view's groups. */
  readonly residual: CompiledWhere;
  /** Whether groups of which all records are invalid are left out: those do not occur, for a query that does not count them. */
  readonly onlyValid: boolean;
  /** The view's key columns, by name. */
  readonly viewColumns: ReadonlyMap<string, number>;
  /** For each groupBy attribute of the query, its key column in the view. */
  readonly columns: readonly number[];
  /** For each accumulator of the query, the view's that holds it. */
  readonly sources: readonly number[];
  /** Whether records are counted by one attribute, in a single window, and nothing else is asked. */
  readonly isCount: boolean;
}

/**
 * @param residual what the query asks beyond the view's own `where`, from the query planner, which has also checked that the
 *   view holds all that is asked
 */
export function compileRollup(view: ViewSpec, query: Query, residual: Where): RollupPlan {
  const held = shapeOf(view.groupBy, view.measures);
  const plan = compileQuery(query);
  const columns = query.groupBy.map((name) => view.groupBy.indexOf(name));
  const sources = plan.accumulators.map(({ kind, attribute }) => accumulatorIndex(held.accumulators, kind, attribute));
  assert(![...columns, ...sources].includes(-1), "the query planner chose a view that holds the answer");
  return {
    query: plan,
    from: query.from,
    to: query.to,
    everyMs: query.everyMs,
    residual: compileWhere(residual),
    onlyValid: holdsInvalid(view) && !holdsInvalid(query),
    viewColumns: new Map(view.groupBy.map((name, column) => [name, column])),
    columns,
    sources,
    isCount: sources.length === 0 && columns.length === 1 && query.everyMs === null,
  };
}

/** Adds one stored window of the view to the query's state. A window outside of the range adds nothing. */
export function rollUp(rollup: RollupPlan, into: FoldState, window: GroupTable): void {
  const { from, to, everyMs, query } = rollup;
  if (window.start < from || window.start >= to) return;
  const isWhole = rollup.residual.isEmpty && !rollup.onlyValid;
  const count = isWhole ? window.size : selectGroups(rollup, into, window);
  if (count === 0) return;
  const bucket = everyMs === null ? from : Math.floor(window.start / everyMs) * everyMs;
  const table = windowOf(query, into, bucket);
  const sizeBefore = table.size;
  const rows = isWhole ? null : into.scratch.rows;
  if (!rollup.isCount || !tallyGroups(table, window, rollup.columns[0] as number, rows, count)) {
    absorbGroups(table, window, rollup.columns, rollup.sources, rows ?? identity(window.size), count);
  }
  into.groups += table.size - sizeBefore;
}

/** Groups are judged like records: their keys are columns of codes, the interners their dictionaries. */
function selectGroups(
  { residual, onlyValid, viewColumns }: RollupPlan,
  { scratch }: FoldState,
  window: GroupTable,
): number {
  scratch.reserve(window.size);
  const columnsOf = (name: string) => {
    const column = viewColumns.get(name) ?? -1;
    const codes = window.keys[column];
    const dictionary = window.interners[column];
    return codes === undefined || dictionary === undefined ? undefined : { codes: { codes, dictionary } };
  };
  const { single } = residual;
  const columns = single === null ? undefined : columnsOf(single.attribute);
  if (single !== null && columns !== undefined && !onlyValid) {
    return single.condition.select(columns.codes, window.size, scratch.rows);
  }
  scratch.mask.fill(1, 0, window.size);
  if (onlyValid) for (let g = 0; g < window.size; g++) scratch.mask[g] = window.records[g] === 0 ? 0 : 1;
  residual.narrow(columnsOf, 0, window.size, scratch.mask);
  return scratch.selectMasked(0, window.size);
}
