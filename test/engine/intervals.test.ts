import fc from "fast-check";
import { expect, test } from "vitest";
import { addInterval, clip, coarsen, type Intervals, meets, subtract, toWindows } from "#engine";

const SPAN = 40;
const interval = fc.tuple(fc.nat(SPAN), fc.nat(SPAN)).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const list = fc.array(interval, { maxLength: 8 });
const union = (intervals: Intervals) => intervals.reduce<Intervals>((sum, one) => addInterval(sum, one), []);

/** The brute-force meaning: the set of whole points covered. */
const points = (intervals: Intervals) =>
  Array.from({ length: SPAN + 1 }, (_, i) => i).filter((i) => intervals.some(({ from, to }) => from <= i && i < to));

test("a union covers what its parts cover, sorted, without touching neighbours", () => {
  fc.assert(
    fc.property(list, (parts) => {
      const sum = union(parts);
      expect(points(sum)).toEqual(points(parts));
      for (let i = 1; i < sum.length; i++) expect(sum[i]?.from).toBeGreaterThan(sum[i - 1]?.to ?? NaN);
    }),
  );
});

test("subtracting leaves exactly what the other does not cover", () => {
  fc.assert(
    fc.property(list, list, (a, b) => {
      const removed = new Set(points(b));
      expect(points(subtract(union(a), union(b)))).toEqual(points(a).filter((point) => !removed.has(point)));
    }),
  );
});

test("clipping leaves what lies in the range, and meeting says whether anything does", () => {
  fc.assert(
    fc.property(list, interval, (parts, { from, to }) => {
      const sum = union(parts);
      const expected = points(sum).filter((point) => from <= point && point < to);
      expect(points(clip(sum, from, to))).toEqual(expected);
      expect(meets(sum, from, to)).toBe(expected.length > 0);
    }),
  );
});

test("a coarser list still covers everything, within the bound", () => {
  fc.assert(
    fc.property(list, fc.integer({ min: 1, max: 4 }), (parts, max) => {
      const sum = union(parts);
      const coarse = coarsen(sum, max);
      expect(coarse.length).toBeLessThanOrEqual(max);
      expect(points(coarse)).toEqual(expect.arrayContaining(points(sum)));
    }),
  );
});

test("whole windows are those that any interval meets", () => {
  expect(
    toWindows(
      [
        { from: 61, to: 119 },
        { from: 121, to: 122 },
        { from: 300, to: 360 },
      ],
      60,
    ),
  ).toEqual([
    { from: 60, to: 180 },
    { from: 300, to: 360 },
  ]);
});
