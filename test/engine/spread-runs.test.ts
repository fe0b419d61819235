import fc from "fast-check";
import { expect, test } from "vitest";
import { integerColumn } from "../../edge/engine/batch-builder.ts";
import { runsOfRows, spreadRuns } from "../../edge/engine/spread-runs.ts";

const someRuns = fc.array(fc.record({ length: fc.integer({ min: 1, max: 5 }), value: fc.nat(300) }), {
  minLength: 1,
  maxLength: 40,
});

test("each row has the value of its run, in any part of the runs, again and again", () => {
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

test("some rows lie in the runs that all rows say they do", () => {
  fc.assert(
    fc.property(someRuns, fc.infiniteStream(fc.boolean()), (runs, isSelected) => {
      const lengths = integerColumn(Float64Array.from(runs, ({ length }) => length));
      const runOfRow = runs.flatMap(({ length }, run) => Array<number>(length).fill(run));
      const rows = Uint32Array.from(runOfRow.keys()).filter(() => isSelected.next().value === true);
      const out = new Uint32Array(rows.length);
      runsOfRows(lengths, rows, rows.length, out);
      expect([...out]).toEqual(Array.from(rows, (row) => runOfRow[row]));
    }),
  );
});
