import { describe, expect, test } from "vitest";
import { APPEND_LIMITS, parseAppendRequest } from "#protocol";

const parse = (input: unknown) => parseAppendRequest(input, APPEND_LIMITS.write.eventsMax);
const producer = (more: object = {}) => ({ producer: { id: "p", sequence: 0, ...more }, events: [{}] });

describe("an append request", () => {
  test("is taken with its producer, its clock and its events", () => {
    const parsed = parse({
      producer: { id: "3f0c", sequence: 1041, lost: 2, commits: [[1041, "9f3c2a"]] },
      sentAt: 1_763_790_000_123,
      context: { site: "example.com" },
      events: [{ adId: "ad-42" }],
    });
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        producer: { id: "3f0c", sequence: 1041, lost: 2, commits: [[1041, "9f3c2a"]] },
        sentAt: 1_763_790_000_123,
        context: new Map([["site", "example.com"]]),
        events: [{ adId: "ad-42" }],
      },
    });
  });

  test("needs no producer, no clock and no context", () => {
    expect(parse({ events: [{}] })).toMatchObject({ ok: true, value: { producer: null, sentAt: null } });
    expect(parse({ producer: null, sentAt: null, context: null, events: [{}] }).ok).toBe(true);
  });

  test("is taken whatever its events are: each gets a verdict of its own", () => {
    expect(parse({ events: [{ a: 1 }, { a: [] }, 7] })).toMatchObject({ ok: true, value: { events: [{}, {}, 7] } });
  });

  test.each<[string, unknown]>([
    ["no object", []],
    ["null", null],
    ["no events", {}],
    ["an empty list", { events: [] }],
    ["events that are no list", { events: {} }],
    ["a producer without an id", { producer: { sequence: 0 }, events: [{}] }],
    ["a producer id with a space", producer({ id: "a b" })],
    ["a producer id of 129 characters", producer({ id: "x".repeat(129) })],
    ["an empty producer id", producer({ id: "" })],
    ["a negative sequence", producer({ sequence: -1 })],
    ["a sequence that is a string", producer({ sequence: "0" })],
    ["a broken sequence", producer({ sequence: 0.5 })],
    ["a sequence beyond exact integers", producer({ sequence: 2 ** 53 })],
    ["a last sequence beyond exact integers", producer({ sequence: Number.MAX_SAFE_INTEGER })],
    ["more losses than are believed", producer({ sequence: 2_000_000, lost: 1_000_001 })],
    ["more losses than sequences", producer({ sequence: 1, lost: 2 })],
    ["commits that are no pairs", producer({ commits: [5] })],
    ["a clock that is no time", { sentAt: "soon", events: [{}] }],
    ["a context that is no object", { context: 5, events: [{}] }],
    ["a context with a reserved name", { context: { offset: 1 }, events: [{}] }],
  ])("with %s is invalid as a whole", (_, input) => {
    expect(parse(input)).toMatchObject({ ok: false, failure: { reason: "invalid_batch" } });
  });

  test("with more events than its key allows is too large, and says how many may come", () => {
    const events = Array.from({ length: 1001 }, () => ({}));
    expect(parse({ events })).toMatchObject({ ok: false, failure: { reason: "too_large", max: 1000 } });
    expect(parseAppendRequest({ events }, APPEND_LIMITS.import.eventsMax).ok).toBe(true);
  });

  test("says where the envelope is wrong", () => {
    const parsed = parse(producer({ sequence: "0" }));
    expect(!parsed.ok && parsed.failure.detail).toContain("producer.sequence");
  });
});
