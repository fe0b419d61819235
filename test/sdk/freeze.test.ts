import { expect, it } from "vitest";
import { freezeEvent } from "../../sdk/freeze.ts";
import type { Attributes } from "../../sdk/types.ts";

const freeze = (attributes: unknown, context: [string, string][] = []) =>
  JSON.parse(freezeEvent("click", attributes as Attributes, new Map(context), 17)) as unknown;

it("says nothing of what is undefined, and null of what is absent on purpose", () => {
  expect(
    freeze({ site: undefined, userId: null }, [
      ["site", "a"],
      ["userId", "u"],
    ]),
  ).toEqual({
    type: "click",
    time: 17,
    site: "a",
    userId: null,
  });
});

it.each([undefined, null, 7, "", true])("takes %s for no attributes at all", (attributes) => {
  expect(freeze(attributes)).toEqual({ type: "click", time: 17 });
});

it.each([
  ["a reserved name", JSON.parse('{"__proto__": "x"}')],
  ["a nested object", { a: {} }],
  ["a symbol", { a: Symbol("s") }],
  ["a big integer", { a: 1n }],
  ["no time", { time: "yesterday" }],
  ["too much", Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`a${i}`, "x".repeat(1_000)]))],
])("refuses %s", (_, attributes) => {
  expect(() => freeze(attributes)).toThrow(expect.objectContaining({ code: "invalid_event" }));
});
