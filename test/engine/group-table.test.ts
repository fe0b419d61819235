import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createState, GroupTable, shapeOf } from "#engine";

const NAMES = ["a", "b", "c"];

const tableOf = (columns: number): GroupTable => {
  const shape = shapeOf(NAMES.slice(0, columns), {});
  return new GroupTable(0, shape, createState(shape).interners);
};

describe.each([0, 1, 2, 3])("with %i key columns", (columns) => {
  const someKeys = fc
    .array(fc.array(fc.oneof(fc.nat(3), fc.nat(0xffffffff)), { minLength: columns, maxLength: columns }), {
      maxLength: 300,
    })
    .map((keys) => ({
      keys,
      columns: Array.from({ length: columns }, (_, k) => Uint32Array.from(keys, (key) => key[k] as number)),
    }));

  test("equal keys are one group, different keys are not, while the table grows", () => {
    fc.assert(
      fc.property(someKeys, fc.nat(300), ({ keys, columns }, cut) => {
        const table = tableOf(columns.length);
        const ids = new Int32Array(keys.length);
        const middle = Math.min(cut, keys.length);
        table.assign(columns, 0, middle, ids);
        table.assign(columns, middle, keys.length, ids);
        const groups = new Map(keys.map((key, i) => [key.join(), ids[i] as number]));
        expect([...ids]).toEqual(keys.map((key) => groups.get(key.join())));
        expect(new Set(groups.values()).size).toBe(groups.size);
        expect(table.size).toBe(groups.size);
        keys.forEach((key, i) => {
          expect(table.keys.map((codes) => codes[ids[i] as number])).toEqual(key);
          expect(table.find(columns, i)).toBe(ids[i]);
        });
      }),
    );
  });
});

test("keys that share a hash are told apart", () => {
  // By the birthday paradox some ten pairs of this many keys do, in 32 bits.
  const count = 300_000;
  const columns = [3, 5].map((odd) =>
    Uint32Array.from({ length: count }, (_, i) => Math.imul(i * odd + 1, 0x2c1b3c6d)),
  );
  const ids = new Int32Array(count);
  const table = tableOf(2);
  table.assign(columns, 0, count, ids);
  expect(table.size).toBe(count);
});

test("a key that is not there is not found, and not made", () => {
  const table = tableOf(2);
  const keys = [Uint32Array.of(1, 1), Uint32Array.of(1, 2)];
  table.assign(keys, 0, 1, new Int32Array(2));
  expect([table.find(keys, 0), table.find(keys, 1), table.size]).toEqual([0, -1, 1]);
});

test("records are counted by group", () => {
  const table = tableOf(1);
  const ids = new Int32Array(5);
  table.assign([Uint32Array.of(7, 7, 9, 7, 9)], 0, 5, ids);
  table.countRecords(ids, 1, 5);
  expect([...table.records.subarray(0, 2)]).toEqual([2, 2]);
});
