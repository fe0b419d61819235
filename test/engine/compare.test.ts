import fc from "fast-check";
import { expect, test } from "vitest";
import {
  Comparison,
  compileView,
  createState,
  fold,
  type FoldState,
  LARGEST_CHANGES_MAX,
  type ViewSpec,
} from "#engine";
import { batchOf, newDictionaries, SEED, someRows } from "../support/batches.ts";
import { BASE_TIME, type Row } from "../support/events.ts";
import { someView } from "../support/queries.ts";
import { referenceAnswer } from "../support/reference-fold.ts";

const MINUTE_MS = 60_000;
const view: ViewSpec = {
  where: {},
  groupBy: ["ad"],
  windowMs: MINUTE_MS,
  measures: { clicks: { count: true }, users: { distinct: "user" }, least: { min: "price" } },
};

function foldRows(rows: readonly Row[], spec: ViewSpec = view): FoldState {
  const state = createState(compileView(spec), SEED);
  if (rows.length > 0) fold(compileView(spec), state, batchOf(rows, newDictionaries()), 0, rows.length);
  return state;
}

/** All windows of two states, as the stream's object compares those of a day. */
function addAll(comparison: Comparison, { windows: before }: FoldState, { windows: after }: FoldState): void {
  for (const start of new Set([...before.keys(), ...after.keys()])) {
    comparison.addWindow(start, before.get(start) ?? null, after.get(start) ?? null);
  }
}

function compare(before: readonly Row[], after: readonly Row[], spec: ViewSpec = view) {
  const comparison = new Comparison(compileView(spec));
  addAll(comparison, foldRows(before, spec), foldRows(after, spec));
  return comparison.diff();
}

const clicks = (ad: string, count: number, minute = 0): Row[] =>
  Array.from({ length: count }, (_, i) => ({ time: BASE_TIME + minute * MINUTE_MS, ad, user: `u-${i}`, price: i }));

test("equal states have no changes, however they came about", () => {
  fc.assert(
    fc.property(someView, someRows, (spec, rows) => {
      const diff = compare(rows, rows.toReversed(), spec);
      expect(diff).toMatchObject({ rowsChanged: 0, largest: [] });
      for (const { before, after } of Object.values(diff.totals)) expect(after).toBe(before);
    }),
  );
});

test("rows are compared one by one, and totals are over all records, as a naive comparison says", () => {
  const whole = { from: BASE_TIME, to: BASE_TIME + 70 * MINUTE_MS, orderBy: null, limit: 10_000 };
  fc.assert(
    fc.property(someView, someRows, someRows, (spec, a, b) => {
      const byKey = (rows: readonly Row[]) => {
        const answer = referenceAnswer({ ...spec, ...whole, everyMs: spec.windowMs }, rows);
        const keyed = answer.map(
          (row) => [JSON.stringify([row["time"], ...spec.groupBy.map((n) => row[n])]), row] as const,
        );
        // Without groupBy the answer has empty buckets, which a view does not store.
        const occurs = new Set(
          referenceAnswer({ ...spec, ...whole, everyMs: spec.windowMs, groupBy: ["type", ...spec.groupBy] }, rows).map(
            (row) => JSON.stringify([row["time"], ...spec.groupBy.map((n) => row[n])]),
          ),
        );
        return new Map(keyed.filter(([key]) => occurs.has(key)).map(([key, row]) => [key, JSON.stringify(row)]));
      };
      const [before, after] = [byKey(a), byKey(b)];
      const keys = [...new Set([...before.keys(), ...after.keys()])];
      const diff = compare(a, b, spec);
      expect(diff.rowsCompared).toBe(keys.length);
      expect(diff.rowsChanged).toBe(keys.filter((key) => before.get(key) !== after.get(key)).length);
      const total = (rows: readonly Row[]) =>
        referenceAnswer({ ...spec, ...whole, groupBy: [], everyMs: null }, rows)[0];
      const [totalBefore, totalAfter] = [total(a), total(b)];
      for (const name of Object.keys(spec.measures)) {
        expect(diff.totals[name]).toEqual({ before: totalBefore?.[name], after: totalAfter?.[name] });
      }
    }),
  );
});

test("a row that only one side has is a change from or to nothing", () => {
  expect(compare([...clicks("a", 2), ...clicks("b", 1)], [...clicks("a", 2), ...clicks("c", 3, 1)])).toEqual({
    rowsCompared: 3,
    rowsChanged: 2,
    totals: { clicks: { before: 3, after: 5 }, users: { before: 2, after: 3 }, least: { before: 0, after: 0 } },
    largest: [
      {
        time: BASE_TIME + MINUTE_MS,
        ad: "c",
        clicks: { before: 0, after: 3 },
        users: { before: 0, after: 3 },
        least: { before: null, after: 0 },
      },
      {
        time: BASE_TIME,
        ad: "b",
        clicks: { before: 1, after: 0 },
        users: { before: 1, after: 0 },
        least: { before: 0, after: null },
      },
    ],
  });
});

test("ranges compared one after the other add up, and distinct totals are no sums", () => {
  const comparison = new Comparison(compileView(view));
  for (const minute of [0, 1, 2])
    addAll(comparison, foldRows(clicks("a", 2, minute)), foldRows(clicks("a", 3, minute)));
  expect(comparison.diff()).toMatchObject({
    rowsCompared: 3,
    rowsChanged: 3,
    totals: { clicks: { before: 6, after: 9 }, users: { before: 2, after: 3 } },
  });
});

test("the largest changes are kept, most first, and no more than the bound", () => {
  const after = Array.from({ length: 50 }, (_, i) => clicks(`ad-${i}`, ((i * 17) % 50) + 1)).flat();
  const { largest, rowsChanged } = compare([], after);
  expect(rowsChanged).toBe(50);
  expect(largest.map((change) => change["clicks"])).toEqual(
    Array.from({ length: LARGEST_CHANGES_MAX }, (_, i) => ({ before: 0, after: 50 - i })),
  );
});
