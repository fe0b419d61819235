import fc from "fast-check";
import { expect, test } from "vitest";
import { integerColumn } from "../../edge/engine/batch-builder.ts";
import { spreadRuns } from "../../edge/engine/spread-runs.ts";

test("each row has the value of its run, in any part of the runs, again and again", () => {
  const someRuns = fc.array(fc.record({ length: fc.integer({ min: 1, max: 5 }), value: fc.nat(300) }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(someRuns, fc.nat(40), (runs, cut) => {
      const lengths = integerColumn(Float64Array.from(runs, ({ length }) => length));
      const values = Uint16Array.from(runs, ({ value }) => value);
      const expected = runs.flatMap(({ length, value }) => Array<number>(length).fill(value));
      const out = new Int32Array(expected.length);
      const middle = Math.min(cut, runs.length);
      const row = spreadRuns(lengths, 0, middle, 0, values, out);
      expect(spreadRuns(lengths, middle, runs.length, row, values, out)).toBe(expected.length);
      expect([...out]).toEqual(expected);
    }),
  );
});
