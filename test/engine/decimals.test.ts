import fc from "fast-check";
import { expect, test } from "vitest";
import { fromDecimals, toDecimals } from "../../edge/engine/decimals.ts";

// Zero has no sign in a log.
const someNumber = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -1_000_000, max: 1_000_000 }),
    fc.integer({ min: -1_000, max: 100_000 }).map((cents) => cents / 100),
    fc.constantFrom(NaN, 0.1 + 0.2, 2 ** 53, -(2 ** 53) - 2, 1e300, 5e-324, 0.000_001),
  )
  .map((value) => (value === 0 ? 0 : value));

test("numbers come back to the bit, or are left alone", () => {
  fc.assert(
    fc.property(fc.array(someNumber, { minLength: 1, maxLength: 40 }), (values) => {
      const numbers = Float64Array.from(values);
      const narrow = toDecimals(numbers);
      if (narrow !== null) expect([...fromDecimals(narrow)]).toEqual(values);
    }),
    { numRuns: 2_000 },
  );
});

test("a column of prices takes two bytes a record, absent ones too", () => {
  const prices = Float64Array.from({ length: 1_000 }, (_, i) => (i % 7 === 0 ? NaN : (i * 37) / 100));
  const narrow = toDecimals(prices);
  expect(narrow).toMatchObject({ decimals: 2 });
  expect(narrow?.integers.BYTES_PER_ELEMENT).toBe(2);
  expect(narrow && fromDecimals(narrow)).toEqual(prices);
});

test("a column with one number that has no short decimal is left alone", () => {
  expect(toDecimals(Float64Array.of(1, 2, Math.PI))).toBeNull();
  expect(toDecimals(Float64Array.of(1, 2 ** 60))).toBeNull();
});

test("a column without any number is left alone", () => {
  expect(toDecimals(Float64Array.of(NaN, NaN))).toBeNull();
});
