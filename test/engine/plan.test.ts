import { expect, test } from "vitest";
import { shapeOf } from "#engine";

test("measures that need the same state share it", () => {
  const { accumulators, measures } = shapeOf([], {
    clicks: { count: true },
    mean: { avg: "price" },
    total: { sum: "price" },
    again: { sum: "price" },
    cheapest: { min: "price" },
    users: { distinct: "user" },
    names: { distinct: "name" },
  });
  expect(accumulators).toEqual([
    { kind: "sum", attribute: "price" },
    { kind: "numbers", attribute: "price" },
    { kind: "min", attribute: "price" },
    { kind: "distinct", attribute: "user" },
    { kind: "distinct", attribute: "name" },
  ]);
  expect(measures.map((measure) => [measure.name, measure.kind])).toEqual([
    ["clicks", "count"],
    ["mean", "avg"],
    ["total", "sum"],
    ["again", "sum"],
    ["cheapest", "min"],
    ["users", "distinct"],
    ["names", "distinct"],
  ]);
});
