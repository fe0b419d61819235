import { describe, expect, test } from "vitest";
import { EVENT_LIMITS, isAttributeName, isQueryableName, parseContext, parseEvent, parseTime } from "#protocol";

const NONE = new Map<string, never>();
const parse = (input: unknown) => parseEvent(input, NONE);
const codeOf = (input: unknown) => {
  const parsed = parse(input);
  return parsed.ok ? "kept" : parsed.failure.code;
};
const attributesOf = (parsed: ReturnType<typeof parseEvent>) =>
  parsed.ok && parsed.value.names.map((name, i) => [name, parsed.value.values[i]]);
const attributes = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, i]));

describe("an event", () => {
  test("is a click, now, unless it says otherwise", () => {
    expect(parse({})).toEqual({ ok: true, value: { type: "click", time: null, names: [], values: [] } });
    expect(parse({ type: "view", time: 5 })).toMatchObject({ ok: true, value: { type: "view", time: 5 } });
    expect(parse({ type: null, time: null })).toMatchObject({ ok: true, value: { type: "click", time: null } });
  });

  test("keeps strings, finite numbers, booleans, and a null that says absent on purpose", () => {
    const parsed = parse({ text: "", yes: true, price: -0, gone: null });
    expect(attributesOf(parsed)).toEqual([
      ["text", ""],
      ["yes", true],
      ["price", 0],
      ["gone", null],
    ]);
  });

  test("lies over its context, null included", () => {
    const context = parseContext({ site: "example.com", userId: "u-1" });
    if (!context.ok) throw new Error("a sound context");
    const parsed = parseEvent({ userId: null, adId: "a" }, context.value);
    expect(attributesOf(parsed)).toEqual([
      ["site", "example.com"],
      ["userId", null],
      ["adId", "a"],
    ]);
  });

  test("has lone surrogates replaced, because they have no UTF-8", () => {
    expect(attributesOf(parse({ text: "a\ud800b" }))).toEqual([["text", "a\ufffdb"]]);
  });

  test.each<[string, unknown, string]>([
    ["no object", 5, "invalid_type"],
    ["null", null, "invalid_type"],
    ["an array", [], "invalid_type"],
    ["a nested object", { ad: {} }, "invalid_type"],
    ["a list", { ad: ["x"] }, "invalid_type"],
    ["Infinity, as 1e999 becomes", JSON.parse('{"price":1e999}'), "invalid_type"],
    ["a type that is no string", { type: 1 }, "invalid_type"],
    ["a time that is none", { time: "yesterday" }, "invalid_time"],
    ["a negative time", { time: -1 }, "invalid_time"],
    ["a time beyond Date's range", { time: 8.64e15 + 1 }, "invalid_time"],
    ["a boolean time", { time: true }, "invalid_time"],
    ["65 attributes", attributes(65), "too_many_attributes"],
    ["64 attributes", attributes(64), "kept"],
    ["a string of 1 KiB", { text: "x".repeat(1024) }, "kept"],
    ["a string of 1 KiB and a byte", { text: "x".repeat(1025) }, "string_too_long"],
    ["few characters of many bytes", { text: "é".repeat(513) }, "string_too_long"],
    ["as many as fit", { text: "é".repeat(512) }, "kept"],
    ["emoji beyond 1 KiB", { text: "😀".repeat(257) }, "string_too_long"],
    ["__proto__", JSON.parse('{"__proto__":{"polluted":true}}'), "invalid_name"],
    ["constructor", { constructor: "x" }, "invalid_name"],
    ["a reserved name", { offset: 1 }, "invalid_name"],
    ["a name with a dot", { "a.b": 1 }, "invalid_name"],
    ["a name that is too long", { [`a${"b".repeat(64)}`]: 1 }, "invalid_name"],
    ["an empty name", { "": 1 }, "invalid_name"],
  ])("with %s is %#", (_, input, code) => {
    expect(codeOf(input)).toBe(code);
  });

  test("pollutes no prototype", () => {
    parse(JSON.parse('{"__proto__":{"polluted":true}}'));
    expect({}).not.toHaveProperty("polluted");
  });
});

describe("names", () => {
  test("of attributes exclude what queries and records use", () => {
    expect(["adId", "a", "A_1", `a${"b".repeat(63)}`].every(isAttributeName)).toBe(true);
    expect(["type", "time", "or", "not", "key", "last", "count", "1a", "_a", "ä"].some(isAttributeName)).toBe(false);
  });

  test("`type` may be asked about", () => {
    expect(isQueryableName("type")).toBe(true);
    expect(isQueryableName("time")).toBe(false);
  });
});

describe("a time", () => {
  test.each<[unknown, number | null | undefined]>([
    [1_763_790_000_123.9, 1_763_790_000_123],
    ["2013-02-08T21:00:00Z", 1_360_357_200_000],
    ["2013-02-08T21:00:00", 1_360_357_200_000],
    ["2013-02-08T21:00", 1_360_357_200_000],
    ["2013-02-08T22:00:00.000+01:00", 1_360_357_200_000],
    ["2013-02-08", 1_360_281_600_000],
    [null, null],
    [undefined, null],
    ["", undefined],
    ["8 February 2013", undefined],
    ["2013-02-30T00:00:00Z", undefined],
    [NaN, undefined],
    [{}, undefined],
  ])("%j is %j", (input, expected) => {
    expect(parseTime(input)).toBe(expected);
  });
});

test("a context has the bounds of an event", () => {
  expect(parseContext(undefined)).toEqual({ ok: true, value: new Map() });
  expect(parseContext({ time: 1 })).toMatchObject({ failure: { code: "invalid_name" } });
  expect(parseContext("x")).toMatchObject({ failure: { code: "invalid_type" } });
  expect(parseContext(attributes(EVENT_LIMITS.attributesMax + 1))).toMatchObject({
    failure: { code: "too_many_attributes" },
  });
});
