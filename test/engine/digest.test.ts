import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addDigests,
  compileView,
  createState,
  digestState,
  digestTable,
  fold,
  type Measures,
  MINUTE_MS,
} from "#engine";
import { batchOf, newDictionaries, SEED, someRows } from "../support/batches.ts";
import { BASE_TIME, type Row } from "../support/events.ts";
import { someView } from "../support/queries.ts";

function stateOf(rows: readonly Row[], measures: Measures, groupBy = ["ad"]) {
  const plan = compileView({ where: {}, groupBy, windowMs: MINUTE_MS, measures });
  const state = createState(plan, SEED);
  if (rows.length > 0) fold(plan, state, batchOf(rows, newDictionaries()), 0, rows.length);
  return state;
}

const row = { time: BASE_TIME, ad: "a", price: 1, user: "u" };
const users = (count: number, prefix = "u") =>
  Array.from({ length: count }, (_, i) => ({ ...row, user: `${prefix}-${i}` }));

describe("a digest tells apart", () => {
  test.each<[string, Measures, Row[], Row[]]>([
    ["counts", {}, [row], [row, row]],
    ["windows", {}, [row], [{ ...row, time: BASE_TIME + MINUTE_MS }]],
    ["keys", {}, [row], [{ ...row, ad: "b" }]],
    ["types of keys", {}, [{ ...row, ad: "1" }], [{ ...row, ad: 1 }]],
    ["an absent key", {}, [{ ...row, ad: "" }], [{ ...row, ad: null }]],
    ["sums", { m: { sum: "price" } }, [row], [{ ...row, price: 1 + 2 ** -52 }]],
    ["extremes", { m: { min: "price" } }, [row], [{ ...row, price: 2 }]],
    ["no number and zero", { m: { max: "price" } }, [{ ...row, price: 0 }], [{ ...row, price: null }]],
    ["numbers counted", { m: { avg: "price" } }, [{ ...row, price: 0 }], [{ ...row, price: null }]],
    ["members of a set", { m: { distinct: "user" } }, [row], [{ ...row, user: "v" }]],
    ["registers of a set", { m: { distinct: "user" } }, users(2_000), users(2_000, "v")],
  ])("%s", (_, measures, a, b) => {
    expect(digestState(stateOf(a, measures))).not.toBe(digestState(stateOf(b, measures)));
  });
});

test("a digest is 32 hexadecimal digits, and of nothing zero", () => {
  expect(digestState(stateOf([row], {}))).toMatch(/^[0-9a-f]{32}$/);
  expect(digestState(stateOf([], {}))).toBe("0".repeat(32));
});

test("how a sum is split into partials does not matter", () => {
  const measures: Measures = { m: { sum: "price" } };
  const rows = [0.1, 1e16, 3, -1e16, 1e-20].map((price) => ({ ...row, price }));
  expect(digestState(stateOf(rows.toReversed(), measures))).toBe(digestState(stateOf(rows, measures)));
});

test("the digest of a state is that of its windows taken together", () => {
  fc.assert(
    fc.property(someView, someRows, (view, rows) => {
      const state = stateOf(rows, view.measures, [...view.groupBy]);
      const digests = [...state.windows.values()].map(digestTable);
      expect(addDigests(digests.toReversed())).toBe(digestState(state));
    }),
  );
});
