import fc from "fast-check";
import { expect, test } from "vitest";
import {
  answerRows,
  compileQuery,
  compileRollup,
  compileView,
  createState,
  decodeTable,
  digestState,
  encodeTable,
  fold,
  MINUTE_MS,
  type Query,
  rollUp,
  sourceFromView,
  type ViewSpec,
  type Where,
} from "#engine";
import { batchOf, newDictionaries, SEED, someRows } from "../support/batches.ts";
import { BASE_TIME, type Row } from "../support/events.ts";
import { someQuery, someWhere } from "../support/queries.ts";
import { referenceAnswer } from "../support/reference-fold.ts";

/** A view that can answer any query of someQuery. */
const generous = (where: Where): ViewSpec => ({
  where,
  groupBy: ["ad", "mixed", "price", "user", "type", "nowhere"],
  windowMs: MINUTE_MS,
  measures: Object.fromEntries(
    ["price", "mixed", "user"].flatMap((name) =>
      (["sum", "min", "max", "avg", "distinct"] as const).map((kind) => [`${kind}_${name}`, { [kind]: name }]),
    ),
  ) as ViewSpec["measures"],
});

/** Answers from the view's windows, which have gone through their bytes as stored ones have. */
function answerFromView(view: ViewSpec, query: Query, rows: readonly Row[]) {
  const plan = compileView(view);
  const folded = createState(plan, SEED);
  if (rows.length > 0) fold(plan, folded, batchOf(rows, newDictionaries()), 0, rows.length);
  const source = sourceFromView(query, { name: "v", generation: 1, spec: view, hasSpam: false });
  if (!source.ok) throw new Error(source.failure.detail);
  const rollup = compileRollup(view, query, source.value.residual);
  const state = createState(rollup.query);
  for (const window of folded.windows.values()) {
    const stored = decodeTable(plan, createState(plan), encodeTable(plan, window));
    if (!stored.ok) throw new Error(stored.failure.reason);
    rollUp(rollup, state, stored.value);
  }
  return state;
}

test("a stored view answers what the log answers, to the bit", () => {
  fc.assert(
    fc.property(someQuery, someRows, (query, rows) => {
      const plan = compileQuery(query);
      const scanned = createState(plan, SEED);
      if (rows.length > 0) fold(plan, scanned, batchOf(rows, newDictionaries()), 0, rows.length);
      const state = answerFromView(generous({}), query, rows);
      expect(digestState(state)).toBe(digestState(scanned));
      expect(answerRows(query, state)).toEqual(answerRows(query, scanned));
      expect(state.groups).toBe(scanned.groups);
    }),
    { numRuns: 100 },
  );
});

test("a view with a where of its own answers for the records that it kept", () => {
  fc.assert(
    fc.property(someQuery, someWhere, someRows, (query, where, rows) => {
      const both = { ...query, where: { not: { or: [{ not: where }, { not: query.where }] } } };
      const expected = referenceAnswer(both, rows);
      const answer = answerRows(query, answerFromView(generous(where), query, rows));
      expect(answer.rows).toEqual(expected.slice(0, query.limit));
    }),
    { numRuns: 100 },
  );
});

test("windows outside of the range add nothing", () => {
  const rows = [0, 1, 2].map((minute) => ({ time: BASE_TIME + minute * MINUTE_MS }));
  const query: Query = {
    where: {},
    groupBy: [],
    everyMs: null,
    measures: { clicks: { count: true } },
    orderBy: null,
    limit: 1,
    from: BASE_TIME + MINUTE_MS,
    to: BASE_TIME + 2 * MINUTE_MS,
  };
  expect(answerRows(query, answerFromView(generous({}), query, rows)).rows).toEqual([{ clicks: 1 }]);
});
