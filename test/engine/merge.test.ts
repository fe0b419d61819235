import fc from "fast-check";
import { expect, test } from "vitest";
import {
  compileView,
  createState,
  digestState,
  fold,
  type FoldState,
  mergeState,
  mergeTable,
  type ViewSpec,
  windowOf,
} from "#engine";
import { batchOf, newDictionaries, SEED, someRows } from "../support/batches.ts";
import type { Row } from "../support/events.ts";
import { someView } from "../support/queries.ts";

function foldRows(view: ViewSpec, rows: readonly Row[]): FoldState {
  const state = createState(compileView(view), SEED);
  if (rows.length > 0) fold(compileView(view), state, batchOf(rows, newDictionaries()), 0, rows.length);
  return state;
}

/** A new state with all of some others in it, in this order. */
function merged(view: ViewSpec, ...states: readonly FoldState[]): FoldState {
  const into = createState(compileView(view));
  for (const state of states) mergeState(compileView(view), into, state);
  return into;
}

const three = fc.tuple(someRows, someRows, someRows);

test("merging is associative and commutative, to the bit", () => {
  fc.assert(
    fc.property(someView, three, (view, parts) => {
      const [a, b, c] = parts.map((rows) => foldRows(view, rows)) as [FoldState, FoldState, FoldState];
      const expected = digestState(merged(view, a, b, c));
      expect(digestState(merged(view, merged(view, c, b), a))).toBe(expected);
      expect(digestState(merged(view, b, merged(view, a, c)))).toBe(expected);
      expect(digestState(foldRows(view, parts.flat()))).toBe(expected);
    }),
  );
});

test("merging leaves the other state as it was, and shares nothing with it", () => {
  fc.assert(
    fc.property(someView, three, (view, [a, b, c]) => {
      const from = foldRows(view, a);
      const before = digestState(from);
      const into = merged(view, foldRows(view, b), from);
      mergeState(compileView(view), into, foldRows(view, c));
      expect(digestState(from)).toBe(before);
    }),
  );
});

test("a delta merges into a stored window, of the same state or of another", () => {
  fc.assert(
    fc.property(someView, three, (view, [a, b]) => {
      const plan = compileView(view);
      const stored = foldRows(view, a);
      const delta = foldRows(view, b);
      for (const [start, table] of delta.windows) {
        mergeTable(plan, windowOf(plan, stored, start), table);
      }
      expect(digestState(stored)).toBe(digestState(foldRows(view, [...a, ...b])));
    }),
  );
});

test("the number of groups is kept, and a window's last change is the later one", () => {
  fc.assert(
    fc.property(someView, someRows, someRows, (view, a, b) => {
      const [early, late] = [foldRows(view, a), foldRows(view, b)];
      for (const table of late.windows.values()) table.changedAt += 1;
      const state = merged(view, late, early);
      for (const [start, { changedAt }] of state.windows) {
        expect(changedAt).toBe((late.windows.get(start) ?? early.windows.get(start))?.changedAt);
      }
      expect(state.groups).toBe([...state.windows.values()].reduce((sum, { size }) => sum + size, 0));
    }),
  );
});
