import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attributesOf, compileWhere, matches, type Value, type Where } from "#engine";
import { batchOf, newDictionaries, SEED, someRows } from "../support/batches.ts";
import { BASE_TIME, type Row } from "../support/events.ts";
import { someWhere } from "../support/queries.ts";
import { referenceMatches } from "../support/reference-fold.ts";

/** Judges rows as a batch; `seed` null: hashes are compared by their text. */
function judge(where: Where, rows: readonly Row[], seed: typeof SEED | null = SEED): boolean[] {
  const batch = batchOf(rows, newDictionaries());
  const mask = new Uint8Array(rows.length).fill(1);
  compileWhere(where).narrow((name) => batch.attributes.get(name), 0, rows.length, mask, seed ?? undefined);
  return Array.from(mask, (passes) => passes === 1);
}

const nonEmpty = someRows.filter((rows) => rows.length > 0);

test("a batch is judged as its rows are, one by one, by the contract", () => {
  fc.assert(
    fc.property(someWhere, nonEmpty, (where, rows) => {
      const expected = rows.map((row) => referenceMatches(where, row));
      expect(judge(where, rows)).toEqual(expected);
      expect(judge(where, rows, null)).toEqual(expected);
      expect(rows.map((row) => matches(where, (name) => row[name] ?? null))).toEqual(expected);
    }),
    { numRuns: 1_000 },
  );
});

test("only the rows that were asked about are judged", () => {
  fc.assert(
    fc.property(someWhere, nonEmpty, fc.nat(), fc.nat(), (where, rows, a, b) => {
      const [start, end] = [a % (rows.length + 1), b % (rows.length + 1)].sort((x, y) => x - y) as [number, number];
      const batch = batchOf(rows, newDictionaries());
      const mask = new Uint8Array(rows.length).fill(1);
      compileWhere(where).narrow((name) => batch.attributes.get(name), start, end, mask, SEED);
      const expected = rows.map((row, i) => i < start || i >= end || referenceMatches(where, row));
      expect(Array.from(mask, (passes) => passes === 1)).toEqual(expected);
    }),
  );
});

test("a condition that was compiled before a value was known judges that value too", () => {
  const dictionaries = newDictionaries();
  const compiled = compileWhere({ ad: { ne: "b" } });
  for (const [ads, expected] of [
    [
      ["a", "b"],
      [1, 0],
    ],
    [
      ["c", "b", "d", "e", "f"],
      [1, 0, 1, 1, 1],
    ],
  ] as const) {
    const batch = batchOf(
      ads.map((ad) => ({ time: BASE_TIME, ad })),
      dictionaries,
    );
    const mask = new Uint8Array(ads.length).fill(1);
    compiled.narrow((name) => batch.attributes.get(name), 0, ads.length, mask, SEED);
    expect([...mask]).toEqual(expected);
  }
});

describe("by the contract", () => {
  const values: Value[] = [null, false, 0, 1, "", "1", "a", "b"];
  const passing = (where: Where) => values.filter((x) => matches(where, () => x));

  test.each<[string, Where, Value[]]>([
    ["a value is a test of equality, strict in type", { x: 1 }, [1]],
    ["null is absent", { x: null }, [null]],
    ["eq: null is absent", { x: { eq: null } }, [null]],
    ["exists: false is absent", { x: { exists: false } }, [null]],
    ["exists: true is present", { x: { exists: true } }, [false, 0, 1, "", "1", "a", "b"]],
    ["ne does not match absent", { x: { ne: "a" } }, [false, 0, 1, "", "1", "b"]],
    ["notIn does not match absent", { x: { notIn: ["a", 0] } }, [false, 1, "", "1", "b"]],
    ["in is strict in type", { x: { in: ["1", "a"] } }, ["1", "a"]],
    ["a plain not matches absent", { not: { x: "a" } }, [null, false, 0, 1, "", "1", "b"]],
    ["order within numbers", { x: { gte: 0 } }, [0, 1]],
    ["order within strings", { x: { gt: "1" } }, ["a", "b"]],
    ["all tests must hold", { x: { gte: "", lt: "a", ne: "1" } }, [""]],
    ["one of `or` must hold", { or: [{ x: 0 }, { x: "a" }] }, [0, "a"]],
    ["`or` of nothing never holds", { or: [] }, []],
    ["every entry must hold", { x: { in: ["a", "b"] }, not: { x: "a" } }, ["b"]],
    ["zero has no sign", { x: -0 }, [0]],
    ["zero has no sign in a list", { x: { in: [-0] } }, [0]],
    ["an empty where holds", {}, values],
  ])("%s", (_, where, expected) => {
    expect(passing(where)).toEqual(expected);
  });

  test("strings are ordered by their UTF-8 bytes", () => {
    expect(matches({ x: { gt: "\u{ffff}" } }, () => "\u{10000}")).toBe(true);
  });
});

test("the attributes that a condition names are found at any depth", () => {
  const where: Where = { a: 1, or: [{ b: 1 }, { not: { c: { exists: true } } }], not: { d: null } };
  expect([...attributesOf(where)].sort()).toEqual(["a", "b", "c", "d"]);
});
