import { expect, test } from "vitest";
import { Extremes, NumberCounts } from "../../edge/engine/number-columns.ts";

const rows = Uint32Array.of(0, 1, 2, 3);
const ids = Int32Array.of(0, 0, 1, 1);

test("numbers are counted, absent ones are not", () => {
  const counts = new NumberCounts();
  counts.resize(2);
  counts.add(Float64Array.of(1, NaN, 0, -1), rows, ids, 0, 4);
  expect([...counts.counts]).toEqual([1, 2]);
});

test.each([
  ["min", [-5, null]],
  ["max", [2, null]],
] as const)("the %s of the numbers; of none, null", (kind, expected) => {
  const extremes = new Extremes(kind);
  extremes.resize(1);
  extremes.add(Float64Array.of(2, -5, NaN, NaN), rows, Int32Array.of(0, 0, 0, 0), 0, 4);
  extremes.resize(2);
  expect([0, 1].map((group) => extremes.valueOf(group))).toEqual(expected);
});

test("merging takes the extreme of both, and a group without numbers changes nothing", () => {
  const merged = new Extremes("min");
  const other = new Extremes("min");
  merged.resize(2);
  other.resize(2);
  other.add(Float64Array.of(3), rows, ids, 0, 1);
  merged.add(Float64Array.of(5), rows, ids, 0, 1);
  merged.absorb(other, rows, Int32Array.of(0, 0), 2);
  expect([0, 1].map((group) => merged.valueOf(group))).toEqual([3, null]);
});

test("accumulators of two kinds do not merge", () => {
  const min = new Extremes("min");
  expect(() => min.absorb(new Extremes("max"), rows, ids, 0)).toThrow("assertion failed");
});
