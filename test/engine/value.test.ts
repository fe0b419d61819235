import fc from "fast-check";
import { expect, test } from "vitest";
import { compareUtf8, compareValues, taggedText, untaggedValue } from "#engine";

const text = fc.string({ unit: "binary" }).map((sample) => sample.toWellFormed());

test("strings are ordered by their UTF-8 bytes", () => {
  const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(bytewise(a, b));
    }),
  );
  expect(compareUtf8("\uffff", "\u{10000}")).toBeLessThan(0);
});

test("null comes before booleans, booleans before numbers, numbers before strings", () => {
  const sorted = [null, false, true, -1, 0, 1.5, "", "0", "a"];
  expect([...sorted].reverse().toSorted(compareValues)).toEqual(sorted);
});

test("a value comes back from its tagged text, and values of different types never share one", () => {
  const value = fc.oneof(
    text,
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
  );
  fc.assert(
    fc.property(value, (given) => {
      expect(untaggedValue(taggedText(given))).toBe(given);
    }),
  );
  expect(new Set([taggedText("1"), taggedText(1), taggedText("true"), taggedText(true)]).size).toBe(4);
});
