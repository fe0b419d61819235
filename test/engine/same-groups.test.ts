import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compileView,
  createState,
  digestTable,
  fold,
  holdsTheSame,
  isSameShape,
  type Measures,
  shapeOf,
} from "#engine";
import { batchOf, newDictionaries, SEED, someRows } from "../support/batches.ts";
import { BASE_TIME, type Row } from "../support/events.ts";
import { someView } from "../support/queries.ts";

/** One window over all rows. */
function tableOf(rows: readonly Row[], measures: Measures, groupBy: readonly string[] = ["ad"]) {
  const plan = {
    ...compileView({ where: {}, groupBy, windowMs: 60_000, measures }),
    windowMinutes: null,
    fromMinute: 0,
  };
  const state = createState(plan, SEED);
  if (rows.length > 0) fold(plan, state, batchOf(rows, newDictionaries()), 0, rows.length);
  return [...state.windows.values()][0];
}

function isSame(a: readonly Row[], b: readonly Row[], measures: Measures, groupBy?: readonly string[]): boolean {
  const [one, other] = [tableOf(a, measures, groupBy), tableOf(b, measures, groupBy)];
  if (one === undefined || other === undefined) return one === other;
  expect(holdsTheSame(other, one)).toBe(holdsTheSame(one, other));
  return holdsTheSame(one, other);
}

const row = { time: BASE_TIME, ad: "a", price: 1, user: "u" };
const users = (count: number, prefix = "u") =>
  Array.from({ length: count }, (_, i) => ({ ...row, user: `${prefix}-${i}` }));

describe("tables do not hold the same that differ in", () => {
  test.each<[string, Measures, Row[], Row[]]>([
    ["counts", {}, [row], [row, row]],
    ["keys", {}, [row], [{ ...row, ad: "b" }]],
    ["a key more", {}, [row], [row, { ...row, ad: "b" }]],
    ["types of keys", {}, [{ ...row, ad: "1" }], [{ ...row, ad: 1 }]],
    ["an absent key", {}, [{ ...row, ad: "" }], [{ ...row, ad: null }]],
    ["sums", { m: { sum: "price" } }, [row], [{ ...row, price: 1 + 2 ** -52 }]],
    ["extremes", { m: { min: "price" } }, [row], [{ ...row, price: 2 }]],
    ["numbers counted", { m: { avg: "price" } }, [{ ...row, price: 0 }], [{ ...row, price: null }]],
    ["members of a set", { m: { distinct: "user" } }, users(3), users(3, "v")],
    ["registers of a set", { m: { distinct: "user" } }, users(2_000), users(2_000, "v")],
  ])("%s", (_, measures, a, b) => {
    expect(isSame(a, b, measures)).toBe(false);
    expect(isSame(a, a, measures)).toBe(true);
  });
});

test("sums that are only rounded to the same number are not the same: with others added they may round differently", () => {
  const [one, other] = [
    [1, 0],
    [1, 2 ** -80],
  ].map((prices) => prices.map((price) => ({ ...row, price })));
  const measures: Measures = { m: { sum: "price" } };
  expect(isSame(one as Row[], other as Row[], measures)).toBe(false);
});

test("how a sum is split into partials does not matter", () => {
  const prices = fc.shuffledSubarray([0.1, 0.7, 1e16, 3, -1e16, 1e-20, 1e300, -1e300], { minLength: 8 });
  fc.assert(
    fc.property(prices, prices, fc.integer({ min: 1, max: 8 }), (a, b, few) => {
      const rows = (values: readonly number[]) => values.map((price) => ({ ...row, price }));
      const some = (values: readonly number[]) => rows(values.filter((price) => price <= few));
      expect(isSame(rows(a), rows(b), { m: { sum: "price" } })).toBe(true);
      expect(isSame(some(a), some(b), { m: { sum: "price" } })).toBe(true);
    }),
  );
});

test("the same rows in another order hold the same; those whose digests differ do not", () => {
  const shuffled = someRows.chain((rows) =>
    fc.tuple(fc.constant(rows), fc.shuffledSubarray([...rows], { minLength: rows.length })),
  );
  fc.assert(
    fc.property(someView, shuffled, someRows, ({ measures, groupBy }, [rows, again], others) => {
      expect(isSame(rows, again, measures, groupBy)).toBe(true);
      const [one, other] = [tableOf(rows, measures, groupBy), tableOf(others, measures, groupBy)];
      if (one === undefined || other === undefined || digestTable(one) === digestTable(other)) return;
      expect(holdsTheSame(one, other)).toBe(false);
    }),
  );
});

test("shapes are the same whatever their measures are called", () => {
  const shape = shapeOf(["ad"], { a: { sum: "price" } });
  expect(isSameShape(shape, shapeOf(["ad"], { b: { sum: "price" } }))).toBe(true);
  expect(isSameShape(shape, shapeOf(["ad"], { a: { sum: "cost" } }))).toBe(false);
  expect(isSameShape(shape, shapeOf(["user"], { a: { sum: "price" } }))).toBe(false);
});
