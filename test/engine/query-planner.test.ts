import { describe, expect, test } from "vitest";
import {
  chooseSource,
  MINUTE_MS,
  type Query,
  sourceFromView,
  type StoredView,
  type ViewSpec,
  type Where,
} from "#engine";

const HOUR_MS = 60 * MINUTE_MS;

const question: Query = {
  from: 0,
  to: 24 * HOUR_MS,
  where: {},
  groupBy: [],
  everyMs: null,
  measures: { clicks: { count: true } },
  orderBy: null,
  limit: 10,
};

const SPAM = { by: ["user"], within: 1_000 };

const view = (name: string, spec: Partial<ViewSpec>): StoredView => ({
  name,
  generation: 1,
  spec: { where: {}, groupBy: [], windowMs: MINUTE_MS, measures: { clicks: { count: true } }, ...spec },
});

const chosen = (query: Partial<Query>, ...views: readonly StoredView[]) => {
  const source = chooseSource({ ...question, ...query }, views);
  return source.kind === "log" ? "log" : [source.view.name, source.residual];
};

describe("without a named view", () => {
  test("the log answers where no view can", () => {
    expect(chosen({})).toBe("log");
    expect(chosen({ groupBy: ["ad"] }, view("v", {}))).toBe("log");
    expect(chosen({ where: { ad: "a" } }, view("v", {}))).toBe("log");
    expect(chosen({ where: { or: [{ not: { ad: "a" } }] } }, view("v", { groupBy: ["country"] }))).toBe("log");
    expect(chosen({ measures: { users: { distinct: "user" } } }, view("v", { groupBy: ["user"] }))).toBe("log");
    expect(chosen({ from: MINUTE_MS, to: HOUR_MS }, view("v", { windowMs: HOUR_MS }))).toBe("log");
    expect(chosen({ everyMs: 90 * MINUTE_MS }, view("v", { windowMs: HOUR_MS }))).toBe("log");
  });

  test("the cheapest view that can answers: fewest attributes, then widest windows", () => {
    const views = [
      view("wide", { groupBy: ["ad", "country"], windowMs: HOUR_MS }),
      view("minutes", { groupBy: ["ad"] }),
      view("hours", { groupBy: ["ad"], windowMs: HOUR_MS }),
    ];
    expect(chosen({ groupBy: ["ad"] }, ...views)).toEqual(["hours", {}]);
    expect(chosen({ groupBy: ["ad"], everyMs: MINUTE_MS }, ...views)).toEqual(["minutes", {}]);
    expect(chosen({ where: { country: "US" } }, ...views)).toEqual(["wide", { country: { eq: "US" } }]);
  });

  test("a view with a `where` answers only for a query that says the same, and only the rest is asked of its groups", () => {
    const us = view("us", { where: { country: "US" }, groupBy: ["ad"] });
    expect(chosen({}, us)).toBe("log");
    expect(chosen({ where: { country: "GB" } }, us)).toBe("log");
    expect(chosen({ where: { or: [{ country: "US" }] } }, us)).toBe("log");
    expect(chosen({ where: { country: { eq: "US", exists: true } } }, us)).toBe("log");
    expect(chosen({ where: { country: "US" } }, us)).toEqual(["us", {}]);
    expect(chosen({ where: { country: { eq: "US" }, ad: { ne: "a", exists: true }, not: { ad: "b" } } }, us)).toEqual([
      "us",
      { ad: { ne: "a", exists: true }, not: { ad: "b" } },
    ]);
  });

  test("one condition in other words is the same condition", () => {
    const where = { or: [{ a: { in: [1, "1"] } }, { b: 1, c: 2 }] };
    const same = { or: [{ c: { eq: 2 }, b: { eq: 1 } }, { a: { in: ["1", 1] } }] };
    expect(chosen({ where: same }, view("v", { where }))).toEqual(["v", {}]);
    expect(chosen({ where: { or: [{ a: { in: ["1"] } }, { b: 1, c: 2 }] } }, view("v", { where }))).toBe("log");
  });

  test("deeply nested conditions do not grow with every level", () => {
    const nested = (depth: number): Where => (depth === 0 ? { a: '"' } : { not: { or: [nested(depth - 1)] } });
    expect(chosen({ where: nested(16) }, view("v", { where: nested(16) }))).toEqual(["v", {}]);
    expect(chosen({ where: nested(17) }, view("v", { where: nested(16) }))).toBe("log");
  });

  test("a view that leaves out spam is never chosen", () => {
    expect(chosen({}, view("v", { spam: SPAM }))).toBe("log");
  });

  test("an average needs the count of numbers, and gives the sum", () => {
    const sums = view("sums", { measures: { total: { sum: "price" } } });
    const averages = view("averages", { measures: { mean: { avg: "price" } } });
    expect(chosen({ measures: { mean: { avg: "price" } } }, sums)).toBe("log");
    expect(chosen({ measures: { total: { sum: "price" } } }, averages)).toEqual(["averages", {}]);
  });
});

describe("with a named view", () => {
  const named = (query: Partial<Query>, stored: StoredView) => {
    const source = sourceFromView({ ...question, ...query }, stored);
    return source.ok ? source.value.residual : source.failure;
  };

  test("its rules hold, and the query's `where` is added", () => {
    const stored = view("v", { where: { country: "US" }, groupBy: ["ad"], spam: SPAM });
    expect(named({}, stored)).toEqual({});
    expect(named({ where: { ad: "a" } }, stored)).toEqual({ ad: { eq: "a" } });
  });

  test("what it cannot answer is said precisely", () => {
    expect(named({ where: { not: { device: "bot" } } }, view("v", {}))).toMatchObject({
      reason: "view_cannot_answer",
      detail: expect.stringContaining("`device`"),
    });
    expect(named({ measures: { m: { max: "price" } } }, view("v", {}))).toMatchObject({
      reason: "view_cannot_answer",
      detail: expect.stringContaining("`max` of `price`"),
    });
    expect(named({ to: HOUR_MS + MINUTE_MS, everyMs: 1 }, view("v", { windowMs: HOUR_MS }))).toEqual({
      reason: "range_not_aligned",
      detail: "`to` and `every` must be a multiple of the view's window of 60 minutes",
      windowMs: HOUR_MS,
    });
  });
});
