import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  answerRows,
  compileQuery,
  compileView,
  createState,
  digestState,
  encodeBatch,
  fold,
  type FoldPlan,
  type FoldState,
  groupRows,
  mergeState,
  MINUTE_MS,
  type Query,
} from "#engine";
import { batchOf, cutsOf, decodeParts, newDictionaries, SEED, someRows, someWide } from "../support/batches.ts";
import { BASE_TIME, type Row } from "../support/events.ts";
import { someQuery, someView } from "../support/queries.ts";
import { referenceAnswer } from "../support/reference-fold.ts";

const foldAll = (plan: FoldPlan, batches: readonly Row[][], dictionaries = newDictionaries()): FoldState => {
  const state = createState(plan, SEED);
  for (const rows of batches) fold(plan, state, batchOf(rows, dictionaries), 0, rows.length);
  return state;
};

const groupsOf = (state: FoldState) => [...state.windows.values()].reduce((sum, table) => sum + table.size, 0);

test("a fold answers what the slow reference answers", () => {
  fc.assert(
    fc.property(
      someQuery,
      someRows.chain((rows) => cutsOf(rows)),
      (query, batches) => {
        const state = foldAll(compileQuery(query), batches);
        const expected = referenceAnswer(query, batches.flat());
        expect(answerRows(query, state)).toEqual({
          rows: expected.slice(0, query.limit),
          truncated: expected.length > query.limit,
        });
        expect(state.groups).toBe(groupsOf(state));
      },
    ),
    { numRuns: 500 },
  );
});

test("live = replay: no order of records, and no cutting into batches and slices, changes a bit", () => {
  const scenario = someRows.chain((rows) =>
    fc.record({
      live: cutsOf(rows),
      replay: fc.shuffledSubarray(rows, { minLength: rows.length }).chain(cutsOf),
      slice: fc.integer({ min: 1, max: 10 }),
    }),
  );
  fc.assert(
    fc.property(someView, scenario, (view, { live, replay, slice }) => {
      const plan = compileView(view);
      const replayed = createState(plan, SEED);
      const dictionaries = newDictionaries();
      for (const rows of replay) {
        const batch = batchOf(rows, dictionaries);
        for (let at = 0; at < rows.length; at += slice)
          fold(plan, replayed, batch, at, Math.min(at + slice, rows.length));
      }
      expect(digestState(replayed)).toBe(digestState(foldAll(plan, live)));
    }),
  );
});

test("rows that are grouped fold to the same, whatever they are grouped by, whole and in part", () => {
  const scenario = someRows.chain((rows) => fc.record({ rows: fc.constant(rows), at: fc.nat(rows.length) }));
  fc.assert(
    fc.property(
      someView,
      scenario,
      fc.constantFrom("ad", "country", "user", "mixed", "price", null),
      (view, { rows, at }, attribute) => {
        fc.pre(rows.length > 0);
        const plan = compileView(view);
        const dictionaries = newDictionaries();
        const batch = batchOf(rows, dictionaries);
        const grouped = groupRows(batch, attribute);
        const stored = decodeParts(encodeBatch(grouped, dictionaries, null), dictionaries);
        const expected = digestState(foldAll(plan, [rows]));
        for (const form of [grouped, stored]) {
          const whole = createState(plan, SEED);
          fold(plan, whole, form, 0, form.count);
          expect(digestState(whole)).toBe(expected);
          const inTwo = createState(plan, SEED);
          fold(plan, inTwo, form, 0, at);
          fold(plan, inTwo, form, at, form.count);
          expect(digestState(inTwo)).toBe(expected);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("a few rows out of many that are grouped", () => {
  const rows = Array.from({ length: 200 }, (_, i) => ({
    time: BASE_TIME + (i % 3) * MINUTE_MS,
    ad: `ad-${(i * i) % 7}`,
    country: i % 11 === 0 ? "FR" : "DE",
  }));
  const query: Query = {
    where: { country: "FR" },
    groupBy: ["ad"],
    measures: { clicks: { count: true } },
    orderBy: null,
    limit: 100,
    from: BASE_TIME,
    to: BASE_TIME + 3 * MINUTE_MS,
    everyMs: MINUTE_MS,
  };
  const plan = compileQuery(query);
  const dictionaries = newDictionaries();
  const grouped = groupRows(batchOf(rows, dictionaries), "ad");
  const state = createState(plan, SEED);
  fold(plan, state, grouped, 0, grouped.count);
  expect(answerRows(query, state).rows).toEqual(referenceAnswer(query, rows));
});

test.each(["ad", null])("long runs, grouped by %s", (attribute) => {
  const rows = Array.from({ length: 2_000 }, (_, i) => ({ time: BASE_TIME, ad: i % 4 === 0 ? "a" : "b", price: i }));
  const view = compileView({
    where: {},
    groupBy: ["ad"],
    windowMs: MINUTE_MS,
    measures: { clicks: { count: true }, spent: { sum: "price" } },
  });
  const dictionaries = newDictionaries();
  const grouped = groupRows(batchOf(rows, dictionaries), attribute);
  const stored = decodeParts(encodeBatch(grouped, dictionaries, null), dictionaries);
  for (const form of [grouped, stored]) {
    expect(form.grouping?.runCodes.length).toBe(form.grouping?.runStarts.at(-1));
    const state = createState(view, SEED);
    fold(view, state, form, 0, form.count);
    expect(digestState(state)).toBe(digestState(foldAll(view, [rows])));
  }
});

test("partitions with dictionaries of their own, folded apart and merged, are one fold", () => {
  fc.assert(
    fc.property(someView, someRows, someRows, (view, here, there) => {
      const plan = compileView(view);
      const merged = createState(plan);
      for (const rows of [here, there]) mergeState(plan, merged, foldAll(plan, rows.length > 0 ? [rows] : []));
      const whole = [...here, ...there];
      expect(digestState(merged)).toBe(digestState(foldAll(plan, whole.length > 0 ? [whole] : [])));
    }),
  );
});

test("a value counts the same whichever column holds it", () => {
  fc.assert(
    fc.property(someView, someRows, (view, rows) => {
      const plan = compileView(view);
      const digests = [someWide, () => true, () => false].map((isWide) => {
        const state = createState(plan, SEED);
        if (rows.length > 0) fold(plan, state, batchOf(rows, newDictionaries(), isWide), 0, rows.length);
        return digestState(state);
      });
      expect(new Set(digests).size).toBe(1);
    }),
  );
});

describe("time filters", () => {
  const view = { where: {}, groupBy: [], windowMs: MINUTE_MS, measures: { clicks: { count: true } } } as const;
  const rows = Array.from({ length: 10 }, (_, i) => ({ time: BASE_TIME + i * MINUTE_MS }));
  const minutesOf = (state: FoldState) => [...state.windows.keys()].map((start) => (start - BASE_TIME) / MINUTE_MS);
  const interval = (from: number, to: number) => ({
    from: BASE_TIME + from * MINUTE_MS,
    to: BASE_TIME + to * MINUTE_MS,
  });

  test("`only` folds nothing else", () => {
    const plan = compileView(view, { only: [interval(2, 4), interval(9, 20)] });
    expect(minutesOf(foldAll(plan, [rows]))).toEqual([2, 3, 9]);
  });

  test("`except` folds everything else", () => {
    const plan = compileView(view, { except: [interval(-5, 3), interval(4, 9)] });
    expect(minutesOf(foldAll(plan, [rows]))).toEqual([3, 9]);
  });

  test("a query folds [from, to) and keeps the start of a bucket that its range cuts", () => {
    const query: Query = {
      where: {},
      groupBy: [],
      measures: view.measures,
      orderBy: null,
      limit: 10,
      from: BASE_TIME + MINUTE_MS,
      to: BASE_TIME + 6 * MINUTE_MS,
      everyMs: 4 * MINUTE_MS,
    };
    expect(BASE_TIME % query.everyMs!).toBe(0);
    expect(answerRows(query, foldAll(compileQuery(query), [rows])).rows).toEqual([
      { time: BASE_TIME, clicks: 3 },
      { time: BASE_TIME + 4 * MINUTE_MS, clicks: 2 },
    ]);
  });
});

test("a window remembers the last append that changed it", () => {
  const plan = compileView({ where: {}, groupBy: [], windowMs: MINUTE_MS, measures: { clicks: { count: true } } });
  const state = createState(plan, SEED);
  const dictionaries = newDictionaries();
  const append = (minute: number, appendTimeMax: number) =>
    fold(plan, state, { ...batchOf([{ time: BASE_TIME + minute * MINUTE_MS }], dictionaries), appendTimeMax }, 0, 1);
  append(0, 1_000);
  append(1, 2_000);
  append(0, 3_000);
  append(1, 1_500);
  expect([...state.windows.values()].map(({ changedAt }) => changedAt)).toEqual([3_000, 2_000]);
});
