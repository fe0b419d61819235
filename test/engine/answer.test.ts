import { describe, expect, test } from "vitest";
import { answerRows, compileQuery, createState, fold, type Query } from "#engine";
import { batchOf, newDictionaries, SEED } from "../support/batches.ts";
import { BASE_TIME as T, type Row } from "../support/events.ts";

const MINUTE_MS = 60_000;

const question: Query = {
  from: T,
  to: T + 3 * MINUTE_MS,
  where: {},
  groupBy: [],
  everyMs: null,
  measures: { clicks: { count: true } },
  orderBy: null,
  limit: 100,
};

function ask(query: Partial<Query>, rows: readonly Row[]) {
  const whole = { ...question, ...query };
  const state = createState(compileQuery(whole), SEED);
  if (rows.length > 0) fold(compileQuery(whole), state, batchOf(rows, newDictionaries()), 0, rows.length);
  return answerRows(whole, state);
}

const clicks = (minute: number, ad: Row["ad"], count: number): Row[] =>
  Array.from({ length: count }, () => ({ time: T + minute * MINUTE_MS, ad: ad ?? null, price: count }));

const everyMeasure: Query["measures"] = {
  clicks: { count: true },
  total: { sum: "price" },
  least: { min: "price" },
  most: { max: "price" },
  mean: { avg: "price" },
  ads: { distinct: "ad" },
};

describe("of nothing", () => {
  const nothing = { clicks: 0, total: 0, least: null, most: null, mean: null, ads: 0 };

  test("without groupBy there is one row", () => {
    expect(ask({ measures: everyMeasure }, [])).toEqual({ rows: [nothing], truncated: false });
  });

  test("without groupBy there is a row for every bucket, empty ones too", () => {
    const { rows } = ask({ measures: everyMeasure, everyMs: MINUTE_MS }, clicks(1, "a", 2));
    const some = { clicks: 2, total: 4, least: 2, most: 2, mean: 2, ads: 1 };
    expect(rows).toEqual([
      { time: T, ...nothing },
      { time: T + MINUTE_MS, ...some },
      { time: T + 2 * MINUTE_MS, ...nothing },
    ]);
  });

  test("with groupBy there is no row", () => {
    expect(ask({ groupBy: ["ad"], everyMs: MINUTE_MS }, []).rows).toEqual([]);
  });
});

test("columns stand in their order: time, attributes, measures", () => {
  const { rows } = ask({ groupBy: ["ad"], everyMs: MINUTE_MS, measures: everyMeasure }, clicks(0, "a", 1));
  expect(Object.keys(rows[0] ?? {})).toEqual(["time", "ad", ...Object.keys(everyMeasure)]);
});

describe("order", () => {
  const rows = [
    ...clicks(0, "b", 2),
    ...clicks(0, null, 1),
    ...clicks(0, 10, 2),
    ...clicks(0, 9, 1),
    ...clicks(0, true, 3),
    ...clicks(1, "a", 2),
  ];
  const adsOf = (query: Partial<Query>) => ask({ groupBy: ["ad"], ...query }, rows).rows.map((row) => row["ad"]);

  test("by key: null, booleans, numbers, strings", () => {
    expect(adsOf({})).toEqual([null, true, 9, 10, "a", "b"]);
  });

  test("by bucket, then key", () => {
    expect(adsOf({ everyMs: MINUTE_MS })).toEqual([null, true, 9, 10, "b", "a"]);
  });

  test("by a measure, ties by key in rising order either way", () => {
    expect(adsOf({ orderBy: { name: "clicks", descending: true } })).toEqual([true, 10, "a", "b", null, 9]);
    expect(adsOf({ orderBy: { name: "clicks", descending: false } })).toEqual([null, 9, 10, "a", "b", true]);
  });

  test("by an attribute", () => {
    expect(adsOf({ orderBy: { name: "ad", descending: true } })).toEqual(["b", "a", 10, 9, true, null]);
  });

  test("by time", () => {
    const query = { everyMs: MINUTE_MS, orderBy: { name: "time", descending: true } };
    expect(adsOf(query)).toEqual(["a", null, true, 9, 10, "b"]);
  });

  test("null comes before every value of a measure", () => {
    const measures: Query["measures"] = { least: { min: "price" } };
    const without = [
      { time: T, ad: "none" },
      { time: T, ad: "some", price: -1 },
    ];
    const { rows } = ask({ groupBy: ["ad"], measures, orderBy: { name: "least", descending: false } }, without);
    expect(rows.map((row) => row["ad"])).toEqual(["none", "some"]);
  });
});

test("a limit cuts, and says so only if it did", () => {
  const rows = [...clicks(0, "a", 1), ...clicks(0, "b", 1)];
  expect(ask({ groupBy: ["ad"], limit: 1 }, rows)).toEqual({ rows: [{ ad: "a", clicks: 1 }], truncated: true });
  expect(ask({ groupBy: ["ad"], limit: 2 }, rows).truncated).toBe(false);
  expect(ask({ everyMs: MINUTE_MS, limit: 2 }, rows)).toMatchObject({ truncated: true, rows: { length: 2 } });
});

test("a sum beyond the range of a double is null", () => {
  const rows = [1, 2].map(() => ({ time: T, price: 1e308 }));
  const measures: Query["measures"] = { total: { sum: "price" }, mean: { avg: "price" } };
  expect(ask({ measures }, rows).rows).toEqual([{ total: null, mean: 1e308 }]);
});
