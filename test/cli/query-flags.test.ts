import { describe, expect, test } from "vitest";
import { questionOf, whereOf } from "../../cli/query-flags.ts";

describe("a filter", () => {
  test.each([
    ["country=US", { country: { in: ["US"] } }],
    ["zip=01234", { zip: { in: ["01234", 1234] } }],
    ["bot=true", { bot: { in: ["true", true] } }],
    ["device!=bot", { device: { notIn: ["bot"] } }],
    ["price>=0.5", { price: { gte: 0.5 } }],
    ["name<m", { name: { lt: "m" } }],
    ["note=a=b", { note: { in: ["a=b"] } }],
    ["note=", { note: { in: [""] } }],
    ['{"device": {"exists": false}}', { device: { exists: false } }],
  ])("%s", (filter, where) => expect(whereOf([filter])).toEqual(where));

  test("beside others must hold with them", () => {
    expect(whereOf(["a=x", "b=y"])).toEqual({ a: { in: ["x"] }, b: { in: ["y"] } });
    expect(whereOf(["p>1", "p<2"])).toEqual({ p: { gt: 1, lt: 2 } });
    // What cannot stand in one place twice is kept whole: a `not` of a `not` is what it negates.
    const twice = { or: [{ a: { in: ["x"] } }], not: { not: { a: { in: ["y"] } } } };
    expect(whereOf(["a=x", "a=y"])).toEqual(twice);
    expect(whereOf(["a=x", "a=y", "b=z"])).toEqual({ ...twice, b: { in: ["z"] } });
    const both = whereOf(['{"or": [{"a": 1}]}', '{"or": [{"b": 1}]}']);
    expect(both).toEqual({ or: [{ or: [{ a: 1 }] }], not: { not: { or: [{ b: 1 }] } } });
  });

  test.each(["country", "=US", "{", "[1]"])("that is none is explained: %s", (filter) => {
    expect(() => whereOf([filter])).toThrow();
  });
});

test("a question takes what the flags say, and nothing else", () => {
  expect(
    questionOf({ from: "1360357200000", to: "2013-02-09", log: true, measure: ["n=count", "s=sum:price"] }),
  ).toEqual({
    from: 1_360_357_200_000,
    to: "2013-02-09",
    view: null,
    measures: { n: { count: true }, s: { sum: "price" } },
  });
  expect(questionOf({})).toEqual({});
  expect(() => questionOf({ view: "a", log: true })).toThrow("two different sources");
  expect(() => questionOf({ measure: ["count"] })).toThrow("NAME=count");
});
