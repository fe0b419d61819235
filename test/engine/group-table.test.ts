import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GroupTable, TableMemory, Interner, shapeOf } from "#engine";

const NAMES = ["a", "b", "c"];

/** Interners with room for so many codes each: what they mean is of no concern to a table. */
const internersOf = (sizes: readonly number[]) =>
  sizes.map((size) => {
    const interner = new Interner();
    interner.settle({ size, valueOf: () => null, codeOf: () => undefined });
    return interner;
  });

const tableOf = (sizes: readonly number[]): GroupTable =>
  new GroupTable(0, shapeOf(NAMES.slice(0, sizes.length), {}), internersOf(sizes));

const someKeys = (sizes: readonly number[]) =>
  fc
    .array(fc.tuple(...sizes.map((size) => fc.oneof(fc.nat(Math.min(3, size - 1)), fc.nat(size - 1)))), {
      maxLength: 300,
    })
    .map((keys) => ({
      keys,
      columns: sizes.map((_, k) => Uint32Array.from(keys, (key) => key[k] as number)),
    }));

// Keys that are packed into few bits, into many, and ones that are not packed.
describe.each([
  [[]],
  [[4]],
  [[2 ** 16]],
  [[2 ** 16 + 1]],
  [[2 ** 32]],
  [[7, 9]],
  [[300, 200]],
  [[2 ** 16, 2 ** 16]],
  [[2 ** 20, 2 ** 20]],
  [[5, 6, 7]],
  [[2 ** 32, 4, 2 ** 32]],
])("with key columns of %j codes", (sizes) => {
  test("equal keys are one group, different keys are not, while the table grows, is closed and opened", () => {
    fc.assert(
      fc.property(someKeys(sizes), fc.nat(300), ({ keys, columns }, cut) => {
        const table = tableOf(sizes);
        const ids = new Int32Array(keys.length);
        const middle = Math.min(cut, keys.length);
        table.assign(columns, 0, middle, ids);
        table.close();
        table.assign(columns, middle, keys.length, ids);
        const groups = new Map(keys.map((key, i) => [key.join(), ids[i] as number]));
        expect([...ids]).toEqual(keys.map((key) => groups.get(key.join())));
        expect(new Set(groups.values()).size).toBe(groups.size);
        expect(table.size).toBe(groups.size);
        table.close();
        keys.forEach((key, i) => {
          expect(table.keys.map((codes) => codes[ids[i] as number])).toEqual(key);
          expect(table.find(columns, i)).toBe(ids[i]);
        });
      }),
    );
  });
});

test("keys go on being found when their columns outgrow the bits that they were packed into", () => {
  const interners = [new Interner(), new Interner()];
  const table = new GroupTable(0, shapeOf(["a", "b"], {}), interners);
  const keys = [new Uint32Array(70_000), new Uint32Array(70_000)];
  const ids = new Int32Array(70_000);
  const wide = { size: 2 ** 31, valueOf: (code: number) => code, codeOf: () => undefined };
  for (let i = 0; i < 70_000; i++) {
    // From 1 bit to 17 in each column, by way of dense and sparse; the second one is 32 bits wide in the end.
    keys.forEach((codes, k) => (codes[i] = (interners[k] as Interner).intern(i >> (3 * k))));
    if ((i & (i - 1)) === 0) table.assign(keys, i, i + 1, ids);
  }
  table.assign(keys, 0, 70_000, ids);
  expect(table.size).toBe(70_000);
  const before = new GroupTable(0, shapeOf(["a", "b"], {}), internersOf([wide.size, wide.size]));
  before.assign(keys, 0, 70_000, ids);
  for (const i of [0, 1, 2, 64, 65_536, 69_999]) {
    const group = table.find(keys, i);
    expect(table.keys.map((codes) => codes[group])).toEqual(keys.map((codes) => codes[i]));
    expect(before.find(keys, i)).toBe(i);
  }
});

test("as many groups as 16 bits have codes, and one more", () => {
  const interner = new Interner();
  const table = new GroupTable(0, shapeOf(["a"], {}), [interner]);
  const ids = new Int32Array(1);
  const counted = new Uint32Array(1);
  for (let i = 0; i <= 65_536; i++) {
    counted[0] = i === 0 ? 0 : interner.intern(i);
    table.assign([counted], 0, 1, ids);
    expect(ids[0]).toBe(i);
    if (i < 65_534) continue;
    table.count([counted], { base: 1, deltas: null }, 0, 1, ids);
    expect(table.size).toBe(i + 1);
    expect(table.records[i]).toBe(1);
  }
});

test.each([100, 100_000])("counting runs of one of %i keys is finding their groups and counting for them", (size) => {
  const someRuns = fc.array(fc.record({ key: fc.nat(size - 1), length: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(someRuns, fc.nat(300), fc.boolean(), (runs, cut, isEven) => {
      const interners = internersOf([size]);
      const keys = [Uint32Array.from(runs, ({ key }) => key)];
      const deltas = Uint8Array.from(runs, ({ length }) => length);
      const lengths = isEven ? { base: 3, deltas: null } : { base: 1, deltas };
      const ids = new Int32Array(runs.length);
      const counted = new GroupTable(0, shapeOf(["a"], {}), interners);
      const expected = new GroupTable(0, shapeOf(["a"], {}), interners);
      const middle = Math.min(cut, runs.length);
      for (const [from, to] of [[0, middle] as const, [middle, runs.length] as const]) {
        counted.count(keys, lengths, from, to, ids);
        counted.close();
        expected.assign(keys, from, to, ids);
        expected.countRuns(ids, lengths, from, to);
      }
      expected.close();
      expect(counted.size).toBe(expected.size);
      expect(counted.keys).toEqual(expected.keys);
      expect(counted.records).toEqual(expected.records);
    }),
  );
});

test("an index that is given back leaves nothing behind for the next table", () => {
  const memory = new TableMemory();
  const interners = internersOf([100]);
  const tables = [0, 1].map((start) => new GroupTable(start, shapeOf(["a"], {}), interners, 0, memory));
  const ids = new Int32Array(50);
  for (const table of tables) {
    table.assign([Uint32Array.from({ length: 50 }, (_, i) => 2 * i + table.start)], 0, 50, ids);
    table.close();
  }
  expect(tables.map((table) => [...(table.keys[0]?.subarray(0, 3) ?? [])])).toEqual([
    [0, 2, 4],
    [1, 3, 5],
  ]);
});

test("tables whose indexes are of different widths share memory, and never an array of the wrong length", () => {
  const memory = new TableMemory();
  const interner = new Interner();
  const tableAt = (start: number) => new GroupTable(start, shapeOf(["a"], {}), [interner], 0, memory);
  const assign = (table: GroupTable) => {
    const keys = [Uint32Array.from({ length: interner.size }, (_, code) => code)];
    const ids = new Int32Array(interner.size);
    table.assign(keys, 0, interner.size, ids);
    expect([...ids]).toEqual([...(keys[0] ?? [])]);
  };
  const narrow = [tableAt(0), tableAt(1)];
  for (let value = 1; value <= 3; value++) interner.intern(value);
  narrow.forEach(assign);
  for (let value = 4; value <= 100; value++) interner.intern(value);
  const wide = tableAt(2);
  assign(wide);
  wide.close();
  // These go back as narrow as they were taken, on top of the wide one.
  narrow.forEach((table) => table.close());
  assign(tableAt(3));
});

test("keys that share a hash are told apart", () => {
  // By the birthday paradox some ten pairs of this many keys do, in 32 bits.
  const count = 300_000;
  const columns = [3, 5].map((odd) =>
    Uint32Array.from({ length: count }, (_, i) => Math.imul(i * odd + 1, 0x2c1b3c6d)),
  );
  const ids = new Int32Array(count);
  const table = tableOf([2 ** 32, 2 ** 32]);
  table.assign(columns, 0, count, ids);
  expect(table.size).toBe(count);
});

test("a key that is not there is not found, and not made", () => {
  const table = tableOf([2 ** 32, 2 ** 32]);
  const keys = [Uint32Array.of(1, 1), Uint32Array.of(1, 2)];
  table.assign(keys, 0, 1, new Int32Array(2));
  expect([table.find(keys, 0), table.find(keys, 1), table.size]).toEqual([0, -1, 1]);
});

test("runs count as many records as they are long", () => {
  const table = tableOf([16]);
  const ids = new Int32Array(4);
  table.assign([Uint32Array.of(7, 9, 7, 9)], 0, 4, ids);
  table.countRuns(ids, { base: 2, deltas: Uint8Array.of(0, 5, 1, 9) }, 0, 3);
  table.countRuns(ids, { base: 1, deltas: null }, 0, 4);
  expect([...table.records.subarray(0, 2)]).toEqual([7, 9]);
});

test("records are counted by group", () => {
  const table = tableOf([16]);
  const ids = new Int32Array(5);
  table.assign([Uint32Array.of(7, 7, 9, 7, 9)], 0, 5, ids);
  table.countRecords(ids, 1, 5);
  expect([...table.records.subarray(0, 2)]).toEqual([2, 2]);
});

test.each([1, 300, 70_000, 2 ** 32 + 1])(
  "counts as large as %d are kept when a table is closed, and added to when it is opened",
  (count) => {
    const table = tableOf([16]);
    const ids = new Int32Array(2);
    const keys = [Uint32Array.of(7, 9)];
    table.assign(keys, 0, 2, ids);
    table.countRuns(ids, { base: count, deltas: Float64Array.of(0, 1) }, 0, 2);
    table.close();
    expect([...table.records]).toEqual([count, count + 1]);
    table.assign(keys, 1, 2, ids);
    table.countRecords(ids, 1, 2);
    table.close();
    expect([...table.records]).toEqual([count, count + 2]);
    expect(table.keys.map((codes) => [...codes])).toEqual([[7, 9]]);
  },
);
