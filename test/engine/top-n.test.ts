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

test("a ranking changes nothing about which are first, either way round and in any column", () => {
  const someColumn = fc.constantFrom(Uint8Array, Uint16Array, Uint32Array, Float64Array);
  const scenario = fc.tuple(fc.array(fc.nat(20), { maxLength: 200 }), fc.nat(220), fc.constantFrom(1, -1), someColumn);
  fc.assert(
    fc.property(scenario, ([scores, n, sign, Column]) => {
      // Ties in an order that is not the candidates' own.
      const compare = (a: number, b: number) => sign * ((scores[a] as number) - (scores[b] as number)) || b - a;
      const sorted = scores.map((_, i) => i).sort(compare);
      const ranking = { values: Column.from([...scores, 255, 0]), sign };
      expect([...topN(scores.length, n, compare, ranking)]).toEqual(sorted.slice(0, n));
    }),
    { numRuns: 1_000 },
  );
});

test("candidates that a ranking turns away are not compared", () => {
  let comparisons = 0;
  const values = Float64Array.from({ length: 100_000 }, (_, i) => -i);
  const compare = (a: number, b: number) => {
    comparisons++;
    return a - b;
  };
  topN(values.length, 10, compare, { values, sign: -1 });
  expect(comparisons).toBeLessThan(1_000);
});

test("most candidates are turned away by one comparison", () => {
  let comparisons = 0;
  topN(100_000, 10, (a, b) => {
    comparisons++;
    return a - b;
  });
  expect(comparisons).toBeLessThan(101_000);
});
