import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeAdditions,
  Dictionaries,
  type DictionaryAdditions,
  type DictionaryMark,
  encodeAdditions,
  splitAdditions,
} from "#engine";
import { SEED } from "../support/batches.ts";

const entry = fc.oneof(
  fc.boolean(),
  fc.constantFrom("", "true", "\ufeff", "\ufffd"),
  fc.string({ unit: "binary", maxLength: 12 }).map((sample) => sample.toWellFormed()),
  fc.integer({ min: 100, max: 400 }).map((length) => "é".repeat(length)),
);

/** Values of attributes as they come in one commit after the other; an attribute may come without a value. */
const commits = fc.array(
  fc.array(fc.tuple(fc.constantFrom("ad", "land", "\ufeffé", ""), fc.option(entry)), { maxLength: 8 }),
  { maxLength: 8 },
);

type Commit = readonly (readonly [string, string | boolean | null])[];

function take(dictionaries: Dictionaries, commit: Commit): void {
  for (const [name, value] of commit) {
    const id = dictionaries.attributeId(name);
    if (value !== null) dictionaries.intern(id, value);
  }
}

const stored = (additions: DictionaryAdditions): DictionaryAdditions => decodeAdditions(encodeAdditions(additions));

const contentOf = (dictionaries: Dictionaries) =>
  dictionaries.names.map((name, id) => {
    const dictionary = dictionaries.dictionary(id);
    const codes = Array.from({ length: dictionary.size }, (_, code) => code);
    return {
      name,
      values: codes.map((code) => dictionary.valueOf(code)),
      hashes: [...dictionary.hashes()].slice(2, 2 * codes.length),
    };
  });

/** Every value again: a dictionary that came from storage must know the codes that it gave. */
function expectSame(reader: Dictionaries, writer: Dictionaries, all: readonly Commit[]): void {
  expect(contentOf(reader)).toEqual(contentOf(writer));
  for (const commit of all) {
    for (const [name, value] of commit) {
      if (value === null) continue;
      const id = writer.attributeId(name);
      expect(reader.intern(id, value)).toBe(writer.dictionary(id).codeOf(value));
    }
  }
  expect(reader.mark()).toEqual(writer.mark());
}

test("dictionaries come back from what each commit added, also where rows overlap or come twice", () => {
  fc.assert(
    fc.property(commits, fc.nat(3), (all, overlap) => {
      const writer = new Dictionaries(1, SEED);
      const reader = new Dictionaries(1, SEED);
      const marks: DictionaryMark[] = [];
      for (const commit of all) {
        marks.push(writer.mark());
        take(writer, commit);
        const additions = stored(
          writer.additionsSince(marks[Math.max(0, marks.length - 1 - overlap)] as DictionaryMark),
        );
        reader.apply(additions);
        reader.apply(additions);
      }
      expectSame(reader, writer, all);
    }),
  );
});

test("additions may be cut into rows of any size, which hold them all and are no greater than they may", () => {
  fc.assert(
    fc.property(commits, fc.integer({ min: 1, max: 2_000 }), (all, bytesMax) => {
      const writer = new Dictionaries(1, SEED);
      for (const commit of all) take(writer, commit);
      const rows = splitAdditions(writer.additionsSince([]), bytesMax);
      const reader = new Dictionaries(1, SEED);
      for (const row of rows) {
        const values = row.attributes.reduce((sum, { values }) => sum + values.lengths.length, 0);
        // A value and a name are never cut, and take up to 830 bytes here.
        if (values > 1) expect(encodeAdditions(row).length).toBeLessThanOrEqual(bytesMax + 1_000);
        reader.apply(stored(row));
      }
      expectSame(reader, writer, all);
    }),
  );
});

test("a dictionary that was read keeps nothing of the bytes it was read from", () => {
  const writer = new Dictionaries(1, SEED);
  take(writer, [
    ["ad", "first"],
    ["ad", "second"],
  ]);
  const bytes = encodeAdditions(writer.additionsSince([]));
  const reader = new Dictionaries(1, SEED);
  reader.apply(decodeAdditions(bytes));
  bytes.fill(0);
  expect(contentOf(reader)).toEqual(contentOf(writer));
});

test("what was added stays what it was, however the dictionaries grow afterwards", () => {
  const writer = new Dictionaries(1, SEED);
  take(writer, [["ad", "first"]]);
  const additions = writer.additionsSince([]);
  for (let i = 0; i < 5_000; i++) writer.intern(0, `ad-${i}`);
  const reader = new Dictionaries(1, SEED);
  reader.apply(stored(additions));
  expect(reader.dictionary(0).valueOf(1)).toBe("first");
});

describe("stored forms", () => {
  test("rows of JSON, which an earlier version wrote, are read, and newer rows follow them", () => {
    const json = '[[0,"ad",1,["a","","é\\u0000",true]],[1,"land",1,[]]]';
    const reader = new Dictionaries(1, SEED);
    reader.apply(decodeAdditions(new TextEncoder().encode(json)));
    reader.apply(decodeAdditions(new TextEncoder().encode("[]")));
    const mark = reader.mark();
    expect(contentOf(reader)).toMatchObject([
      { name: "ad", values: [null, "a", "", "é\0", true] },
      { name: "land", values: [null] },
    ]);
    const writer = new Dictionaries(1, SEED);
    take(writer, [
      ["ad", "a"],
      ["ad", ""],
      ["ad", "é\0"],
      ["ad", true],
      ["land", null],
      ["ad", false],
      ["land", "DE"],
    ]);
    reader.apply(stored(writer.additionsSince(mark)));
    expect(contentOf(reader)).toEqual(contentOf(writer));
  });

  test("no additions take no bytes, and one value few beside its name and text", () => {
    expect(encodeAdditions({ attributes: [] }).length).toBe(0);
    expect(decodeAdditions(new Uint8Array(0))).toEqual({ attributes: [] });
    const writer = new Dictionaries(1, SEED);
    take(writer, [["ad", "ad-1234"]]);
    expect(encodeAdditions(writer.additionsSince([])).length).toBeLessThanOrEqual("ad".length + "ad-1234".length + 7);
  });

  test("bytes that end too soon or have an unknown form are refused", () => {
    const writer = new Dictionaries(1, SEED);
    take(writer, [["ad", "ad-1234"]]);
    const bytes = encodeAdditions(writer.additionsSince([]));
    for (let length = 2; length < bytes.length; length++) {
      expect(() => decodeAdditions(bytes.slice(0, length))).toThrow();
    }
    expect(() => decodeAdditions(Uint8Array.of(9))).toThrow("form");
  });
});
