/**
 * Groups of which nothing is left: a session that has come to begin in another window leaves a group of no session behind. What is
 * stored keeps it, because what comes later may belong to it; an answer has to be without.
 */
import { assert } from "#protocol";
import { createState, type FoldState, windowOf } from "./fold-state.ts";
import { absorbGroups } from "./merge.ts";
import { SignedSums } from "./number-columns.ts";
import { accumulatorIndex, type Shape } from "./plan.ts";

/** The state without groups of no session; the same state if it is not about sessions. */
export function withoutEmpty(shape: Shape, state: FoldState): FoldState {
  const at = accumulatorIndex(shape.accumulators, "sessions", "");
  if (at < 0) return state;
  const kept: FoldState = { ...createState(shape, state.seed), interners: state.interners };
  const columns = shape.groupBy.map((_, k) => k);
  const sources = shape.accumulators.map((_, i) => i);
  for (const table of state.windows.values()) {
    const sessions = table.accumulators[at];
    assert(sessions instanceof SignedSums, "sessions are counted in whole numbers");
    const rows = Uint32Array.from({ length: table.size }, (_, group) => group).filter((g) => sessions.values[g] !== 0);
    if (rows.length === 0) continue;
    const into = windowOf(shape, kept, table.start);
    absorbGroups(into, table, columns, sources, rows, rows.length);
    kept.groups += into.size;
  }
  return kept;
}
