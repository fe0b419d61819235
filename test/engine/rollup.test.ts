import fc from "fast-check";
import { expect, test } from "vitest";
import {
  answerRows,
  compileQuery,
  compileRollup,
  compileView,
  createState,
  decodeTable,
  Dictionaries,
  digestState,
  encodeTable,
  fold,
  mergeTable,
  MINUTE_MS,
  type Query,
  rollUp,
  sourceFromView,
  type ViewSpec,
  type Where,
} from "#engine";
import { batchOf, newDictionaries, SEED, someRow, someRows } from "../support/batches.ts";
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
  const source = sourceFromView(query, { name: "v", generation: 1, spec: view });
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

/** A part of the windows of a view, under its own numbering, or, stored under a dictionary, under one that is shared. */
interface Part {
  readonly rows: readonly Row[];
  readonly isStored: boolean;
  /** Whether the answer so far is looked at after it. */
  readonly isLookedAt: boolean;
}

/** Rolls parts up one after the other, as a partition does with what is stored and what has changed since. */
function rollUpParts(view: ViewSpec, query: Query, parts: readonly Part[]) {
  const plan = compileView(view);
  const source = sourceFromView(query, { name: "v", generation: 1, spec: view });
  if (!source.ok) throw new Error(source.failure.detail);
  const rollup = compileRollup(view, query, source.value.residual);
  const state = createState(rollup.query);
  const dictionaries = new Dictionaries(3, SEED);
  const numbering = createState(plan);
  for (const { rows, isStored, isLookedAt } of parts) {
    if (rows.length === 0) continue;
    const folded = createState(plan, SEED);
    fold(plan, folded, batchOf(rows, isStored ? dictionaries : newDictionaries()), 0, rows.length);
    for (const window of folded.windows.values()) {
      const bytes = encodeTable(plan, window, isStored ? dictionaries : null);
      const stored = decodeTable(plan, numbering, bytes, () => dictionaries);
      if (!stored.ok) throw new Error(stored.failure.reason);
      rollUp(rollup, state, isStored ? stored.value : window);
    }
    if (isLookedAt) answerRows(query, state);
  }
  return state;
}

const somePart: fc.Arbitrary<Part> = fc.record({
  rows: fc.array(someRow, { maxLength: 30 }),
  isStored: fc.boolean(),
  isLookedAt: fc.boolean(),
});

const someCount: fc.Arbitrary<Query> = fc
  .record({
    query: someQuery,
    name: fc.constantFrom("ad", "mixed", "price", "user"),
    where: fc.oneof(fc.constant({}), fc.constant({ type: "click" }), someWhere),
    descending: fc.boolean(),
  })
  .map(({ query, name, where, descending }) => ({
    ...query,
    where,
    groupBy: [name],
    everyMs: null,
    measures: { clicks: { count: true } },
    orderBy: { name: "clicks", descending },
  }));

test("clicks by one attribute are those of the log, wherever its values have their codes from", () => {
  fc.assert(
    fc.property(someCount, fc.array(somePart, { maxLength: 5 }), (query, parts) => {
      const rows = parts.flatMap((part) => part.rows);
      const plan = compileQuery(query);
      const scanned = createState(plan, SEED);
      if (rows.length > 0) fold(plan, scanned, batchOf(rows, newDictionaries()), 0, rows.length);
      const state = rollUpParts(generous({}), query, parts);
      expect(state.groups).toBe(scanned.groups);
      expect(answerRows(query, state).rows).toEqual(referenceAnswer(query, rows).slice(0, query.limit));
      expect(digestState(state)).toBe(digestState(scanned));
    }),
    { numRuns: 300 },
  );
});

const CLICKS_BY_AD: ViewSpec = {
  where: {},
  groupBy: ["ad", "country"],
  windowMs: MINUTE_MS,
  measures: { clicks: { count: true } },
};

const clicksByAd: Query = {
  from: BASE_TIME,
  to: BASE_TIME + 60 * MINUTE_MS,
  where: {},
  groupBy: ["ad"],
  everyMs: null,
  measures: { clicks: { count: true } },
  orderBy: { name: "clicks", descending: true },
  limit: 3,
};

test("ads that become more than can be counted by code go on being counted", () => {
  const adsFrom = (first: number, minute: number, isStored: boolean): Part => ({
    rows: Array.from({ length: 40_000 }, (_, i) => ({ time: BASE_TIME + minute * MINUTE_MS, ad: `ad-${first + i}` })),
    isStored,
    isLookedAt: false,
  });
  const parts = [adsFrom(0, 0, true), adsFrom(20_000, 1, false), adsFrom(39_999, 2, false), adsFrom(39_999, 3, true)];
  const state = rollUpParts(CLICKS_BY_AD, clicksByAd, parts);
  expect(state.groups).toBe(79_999);
  expect(answerRows(clicksByAd, state).rows).toEqual([
    { ad: "ad-39999", clicks: 4 },
    { ad: "ad-40000", clicks: 3 },
    { ad: "ad-40001", clicks: 3 },
  ]);
  const counts = Array.from(state.windows.get(BASE_TIME)?.records.subarray(0, state.groups) ?? []);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(160_000);
});

test("a condition on an attribute of many values chooses groups", () => {
  const rows = Array.from({ length: 1_500 }, (_, n) =>
    Array.from({ length: 1 + (n % 5) }, () => ({
      time: BASE_TIME + (n % 3) * MINUTE_MS,
      ad: `ad-${1_000 + n}`,
      country: `country-${n % 7}`,
    })),
  ).flat();
  for (const where of [{ ad: "ad-1003" }, { ad: { gte: "ad-2400" } }, { ad: { in: ["ad-1007", "ad-9999"] } }]) {
    const query: Query = { ...clicksByAd, where, groupBy: ["country"], limit: 10 };
    const state = rollUpParts(CLICKS_BY_AD, query, [{ rows, isStored: true, isLookedAt: false }]);
    expect(answerRows(query, state).rows).toEqual(referenceAnswer(query, rows));
  }
});

test("counts beyond what narrow columns hold are exact", () => {
  const view = { ...CLICKS_BY_AD, groupBy: ["ad"] };
  const plan = compileView(view);
  const rollup = compileRollup(view, clicksByAd, {});
  for (const doublings of [7, 8, 15, 16, 31, 32, 40]) {
    const folded = createState(plan, SEED);
    fold(
      plan,
      folded,
      batchOf(
        [
          { time: BASE_TIME, ad: "a" },
          { time: BASE_TIME, ad: "b" },
        ],
        newDictionaries(),
      ),
      0,
      2,
    );
    const window = folded.windows.get(BASE_TIME);
    if (window === undefined) throw new Error("a window");
    for (let i = 0; i < doublings; i++) mergeTable(plan, window, window);
    const state = createState(rollup.query);
    rollUp(rollup, state, window);
    expect([...(state.windows.get(BASE_TIME)?.records ?? [])]).toEqual([2 ** doublings, 2 ** doublings]);
  }
});
