import fc from "fast-check";
import { expect, test } from "vitest";
import { topN } from "#engine";

test("the first n are those of a full sort, ties included", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200 }), fc.nat(220), (scores, n) => {
      const compare = (a: number, b: number) => (scores[b] as number) - (scores[a] as number) || a - b;
      const sorted = scores.map((_, i) => i).sort(compare);
      expect([...topN(scores.length, n, compare)]).toEqual(sorted.slice(0, n));
    }),
    { numRuns: 1_000 },
  );
});

test("most candidates are turned away by one comparison", () => {
  let comparisons = 0;
  topN(100_000, 10, (a, b) => {
    comparisons++;
    return a - b;
  });
  expect(comparisons).toBeLessThan(101_000);
});
