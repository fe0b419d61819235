import fc from "fast-check";
import { expect, test } from "vitest";
import { ExactSums } from "../../edge/engine/exact-sum.ts";
import { toUnits, unitsQuotient } from "../../edge/engine/exact-rounding.ts";
import { exactQuotient } from "../support/reference-fold.ts";

/** Doubles of every size, with their negatives, halves and neighbours, so that sums cancel and ties occur. */
const hard = fc.oneof(
  fc.constantFrom(
    1,
    0.1,
    1e16,
    2 ** 53,
    2 ** -53,
    1e100,
    1e308,
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    2 ** 960,
    2 ** 971,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1074, max: 1023 }).map((exponent) => 2 ** exponent),
);
const hardNumbers = fc
  .array(fc.tuple(hard, fc.boolean(), fc.boolean()), { maxLength: 40 })
  .map((all) => all.flatMap(([value, negate, both]) => (both ? [value, -value] : [negate ? -value : value])));

const zeros = new Int32Array(1_000);
const rowsUpTo = (count: number) => Uint32Array.from({ length: count }, (_, i) => i);

function sumOf(numbers: readonly number[]): ExactSums {
  const sums = new ExactSums();
  sums.resize(1);
  sums.add(Float64Array.from(numbers), rowsUpTo(numbers.length), zeros, 0, numbers.length);
  return sums;
}

test("a sum is the nearest double to the exact sum", () => {
  fc.assert(
    fc.property(hardNumbers, (numbers) => {
      expect(sumOf(numbers).valueOf(0)).toBe(exactQuotient(numbers, 1));
    }),
    { numRuns: 2_000 },
  );
});

test("how a sum is split and merged does not change a bit", () => {
  fc.assert(
    fc.property(hardNumbers, fc.integer({ min: 1, max: 5 }), (numbers, size) => {
      const merged = sumOf([]);
      for (let at = 0; at < numbers.length; at += size) {
        merged.absorb(sumOf(numbers.slice(at, at + size)), rowsUpTo(1), zeros, 1);
      }
      expect(merged.valueOf(0)).toBe(sumOf(numbers.toReversed()).valueOf(0));
    }),
    { numRuns: 1_000 },
  );
});

test("a sum survives leaving the range of a double on the way, and is null if it ends there", () => {
  expect(sumOf([1e308, 1e308, -1e308]).valueOf(0)).toBe(1e308);
  expect(sumOf([Number.MAX_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, 1e-300, -Number.MAX_VALUE]).valueOf(0)).toBe(
    1e-300,
  );
  expect(sumOf([1e308, 1e308]).valueOf(0)).toBe(null);
  expect(sumOf([-1e308, -1e308]).valueOf(0)).toBe(null);
  expect(sumOf([Number.MAX_VALUE, 2 ** 969]).valueOf(0)).toBe(Number.MAX_VALUE);
  expect(sumOf([Number.MAX_VALUE, 2 ** 970]).valueOf(0)).toBe(null);
});

test("a mean is there even where its sum is beyond the range of a double", () => {
  expect(sumOf([1e308, 1e308]).meanOf(0, 2)).toBe(1e308);
  expect(sumOf([1, 2]).meanOf(0, 2)).toBe(1.5);
});

test("ties are broken to even, unless something small remains beyond them", () => {
  expect(sumOf([1, 2 ** -53]).valueOf(0)).toBe(1);
  expect(sumOf([1, 2 ** -53, 2 ** -1074]).valueOf(0)).toBe(1 + 2 ** -52);
  expect(sumOf([1, 2 ** -53, -(2 ** -1074)]).valueOf(0)).toBe(1);
  expect(sumOf([2 ** 1023, 2 ** 970]).valueOf(0)).toBe(2 ** 1023);
  expect(sumOf([2 ** 1023, 2 ** 971, 2 ** 970]).valueOf(0)).toBe(2 ** 1023 + 2 ** 972);
  expect(sumOf([2 ** 1023, 2 ** 970, 2 ** -1074]).valueOf(0)).toBe(2 ** 1023 + 2 ** 971);
  expect(sumOf([2 ** -1074, 2 ** 53, 1, 2 ** -600]).valueOf(0)).toBe(2 ** 53 + 2);
});

test("NaN is absent, and of nothing the sum is 0", () => {
  expect(sumOf([NaN, 1, NaN]).valueOf(0)).toBe(1);
  expect(sumOf([NaN]).valueOf(0)).toBe(0);
});

test("every double is a whole number of units, and comes back from them", () => {
  fc.assert(
    fc.property(hard, (value) => {
      expect(unitsQuotient(toUnits(value), 1n)).toBe(value + 0);
    }),
  );
  for (let exponent = -1074; exponent <= 1023; exponent++) {
    expect(unitsQuotient(1n << BigInt(exponent + 1074), 1n)).toBe(2 ** exponent);
  }
});

test("a quotient of units is rounded once", () => {
  fc.assert(
    fc.property(hardNumbers, fc.integer({ min: 1, max: 1e9 }), (numbers, divisor) => {
      const units = numbers.reduce((sum, value) => sum + toUnits(value), 0n);
      expect(unitsQuotient(units, BigInt(divisor))).toBe(exactQuotient(numbers, divisor));
    }),
    { numRuns: 1_000 },
  );
});
