/** What a query means, and with which words a bad one is refused. */
import { describe, expect, it } from "vitest";
import { parseQuestion } from "../../../edge/routes/query-input.ts";

const NOW = Date.UTC(2026, 0, 1, 12, 0, 30);
const MINUTE_MS = 60_000;

const parse = (input: unknown) => parseQuestion(input, NOW);

const HOUR = { last: "1h" };

function question(input: object) {
  const parsed = parse(input);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return parsed.value;
}

describe("the range", () => {
  it("widens `from` and `to` to whole minutes", () => {
    const { query } = question({ from: "2026-01-01T00:00:59.999Z", to: "2026-01-01T00:10:00.001" });
    expect([query.from, query.to]).toEqual([Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 0, 11)]);
  });

  it("reads `last` as everything from that long ago to this minute's end", () => {
    const { query } = question({ last: "5m" });
    expect([query.from, query.to]).toEqual([Date.UTC(2026, 0, 1, 11, 55), Date.UTC(2026, 0, 1, 12, 1)]);
  });

  it("leaves whole minutes as they are", () => {
    const { query } = question({ from: 5 * MINUTE_MS, to: 6 * MINUTE_MS });
    expect([query.from, query.to]).toEqual([5 * MINUTE_MS, 6 * MINUTE_MS]);
  });

  it("counts buckets that the range cuts", () => {
    const input = { from: 59 * MINUTE_MS, to: 10_001 * 60 * MINUTE_MS, every: "1h" };
    expect(parse(input)).toMatchObject({ failure: { reason: "too_many_buckets", buckets: 10_001, max: 10_000 } });
    expect(parse({ ...input, from: 60 * MINUTE_MS }).ok).toBe(true);
  });
});

describe("defaults", () => {
  it("counts clicks of everything, from whatever source can answer", () => {
    expect(question(HOUR)).toMatchObject({
      view: undefined,
      query: {
        where: {},
        groupBy: [],
        everyMs: null,
        measures: { clicks: { count: true } },
        orderBy: null,
        limit: 1000,
      },
    });
  });

  it("tells a view that is not named from the log", () => {
    expect(question({ ...HOUR, view: null }).view).toBeNull();
    expect(question({ ...HOUR, view: "clicks_per_ad" }).view).toBe("clicks_per_ad");
  });
});

describe("conditions", () => {
  it.each([
    { country: "US" },
    { country: null, price: 0, paid: false, type: "click" },
    { device: { in: ["mobile", 7, true], ne: "x" } },
    { price: { gt: 1, lte: 2 }, name: { gte: "a", lt: "b" } },
    { or: [{ country: { ne: "US" } }, { country: { exists: false } }] },
    { not: { or: [{ a: 1 }, { not: { b: 2 } }] } },
    {},
  ])("takes %j", (where) => {
    expect(question({ ...HOUR, where }).query.where).toEqual(where);
  });

  it("makes of negative zero and of half characters what events make of them", () => {
    expect(question({ ...HOUR, where: { a: -0, b: "\ud800" } }).query.where).toEqual({ a: 0, b: "\ufffd" });
  });

  it.each([
    ["where.country", { country: ["US"] }],
    ["where.country", { country: {} }],
    ["where.country.equals", { country: { equals: "US" } }],
    ["where.device.in", { device: { in: "mobile" } }],
    ["where.device.in", { device: { in: [] } }],
    ["where.device.in.1", { device: { in: ["mobile", null] } }],
    ["where.price.gt", { price: { gt: true } }],
    ["where.price.exists", { price: { exists: 1 } }],
    ["where.price.eq", { price: { eq: Infinity } }],
    ["where.time", { time: 1 }],
    ["where.my-attribute", { "my-attribute": 1 }],
    ["where", { constructor: 1 }],
    ["where", JSON.parse('{"__proto__": {"a": 1}}')],
    ["where", []],
    ["where", "country = US"],
    ["where.or", { or: [] }],
    ["where.or", { or: { a: 1 } }],
    ["where.or.1.b.x", { or: [{ a: 1 }, { b: { x: 1 } }] }],
    ["where.not", { not: [] }],
  ])("refuses at %s: %j", (path, where) => {
    expect(parse({ ...HOUR, where })).toMatchObject({
      ok: false,
      failure: { reason: "invalid_query", path },
    });
  });
});

describe("conditions without end", () => {
  const nested = (depth: number): object => (depth === 0 ? { a: 1 } : { not: nested(depth - 1) });
  const refusal = (where: object) => parse({ ...HOUR, where });

  it("are taken to a depth of 8", () => {
    expect(refusal(nested(7)).ok).toBe(true);
    expect(refusal(nested(8))).toMatchObject({ failure: { path: "where", detail: "nested deeper than 8" } });
  });

  it("cannot exhaust the stack", () => {
    expect(refusal(nested(5_000))).toMatchObject({ failure: { path: "", detail: "nested too deep" } });
  });

  it("are taken with up to 500 tests", () => {
    const tests = (count: number) => ({ or: Array.from({ length: count }, (_, i) => ({ a: i })) });
    expect(refusal(tests(500)).ok).toBe(true);
    expect(refusal(tests(501))).toMatchObject({ failure: { path: "where", detail: "more than 500 tests" } });
  });
});

describe("everything else", () => {
  it.each([
    ["range_required", undefined, {}],
    ["range_required", undefined, { from: 0 }],
    ["range_required", undefined, { to: 60_000 }],
    ["invalid_query", "last", { last: "1h", from: 0, to: 60_000 }],
    ["invalid_query", "to", { from: 60_000, to: 60_000 }],
    ["invalid_query", "from", { from: "yesterday", to: 60_000 }],
    ["invalid_query", "from", { from: -1, to: 60_000 }],
    ["invalid_query", "last", { last: "1 hour" }],
    ["invalid_query", "last", { last: 0 }],
    ["invalid_query", "every", { ...HOUR, every: "90s" }],
    ["invalid_query", "every", { ...HOUR, every: "30s" }],
    ["invalid_query", "every", { ...HOUR, every: 0 }],
    ["too_many_buckets", undefined, { from: 0, to: 60_000_000_000, every: "1m" }],
    ["invalid_query", "groupby", { ...HOUR, groupby: ["adId"] }],
    ["invalid_query", "groupBy", { ...HOUR, groupBy: "adId" }],
    ["invalid_query", "groupBy.0", { ...HOUR, groupBy: ["count"] }],
    ["invalid_query", "groupBy", { ...HOUR, groupBy: ["a", "a"] }],
    ["invalid_query", "groupBy", { ...HOUR, groupBy: [..."abcdefghi"] }],
    ["invalid_query", "measures", { ...HOUR, measures: {} }],
    ["invalid_query", "measures", { ...HOUR, measures: [] }],
    ["invalid_query", "measures.n.summ", { ...HOUR, measures: { n: { summ: "price" } } }],
    ["invalid_query", "measures.n", { ...HOUR, measures: { n: {} } }],
    ["invalid_query", "measures.n", { ...HOUR, measures: { n: { sum: "a", avg: "a" } } }],
    ["invalid_query", "measures.n.count", { ...HOUR, measures: { n: { count: false } } }],
    ["invalid_query", "measures.time", { ...HOUR, measures: { time: { count: true } } }],
    ["invalid_query", "measures", { ...HOUR, groupBy: ["a"], measures: { a: { count: true } } }],
    ["invalid_query", "orderBy", { ...HOUR, orderBy: "-price" }],
    ["invalid_query", "orderBy", { ...HOUR, orderBy: "time" }],
    ["invalid_query", "orderBy", { ...HOUR, orderBy: ["clicks"] }],
    ["invalid_query", "limit", { ...HOUR, limit: 0 }],
    ["invalid_query", "limit", { ...HOUR, limit: 10_001 }],
    ["invalid_query", "limit", { ...HOUR, limit: 1.5 }],
    ["invalid_query", "view", { ...HOUR, view: "No View" }],
    ["invalid_query", "", []],
    ["invalid_query", "", null],
    ["invalid_query", "", "clicks"],
  ])("%s at %s: %j", (reason, path, input) => {
    const failure = path === undefined ? { reason } : { reason, path };
    expect(parse(input)).toMatchObject({ ok: false, failure });
  });

  it("orders by a measure, a group or, with buckets, the time", () => {
    expect(question({ ...HOUR, orderBy: "-clicks" }).query.orderBy).toEqual({ name: "clicks", descending: true });
    expect(question({ ...HOUR, groupBy: ["adId"], orderBy: "adId" }).query.orderBy).toEqual({
      name: "adId",
      descending: false,
    });
    expect(question({ ...HOUR, every: "5m", orderBy: "-time" }).query.orderBy).toEqual({
      name: "time",
      descending: true,
    });
  });
});
