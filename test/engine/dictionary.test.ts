/** Dictionaries, held against an array and a Map. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Dictionaries, ENGINE_LIMITS, hashText, taggedText } from "#engine";
import { SEED } from "../support/batches.ts";

/** Texts that lookalikes, lengths and encodings could confuse, and booleans beside the texts of their names. */
export const someEntry: fc.Arbitrary<string | boolean> = fc.oneof(
  fc.boolean(),
  fc.constantFrom("", "true", "false", "\0", "\0\0", "\ufeff", "\ufeffa", "\ufffd", "þ", "ÿ", "a", "\u{1f600}"),
  fc.string({ unit: "binary", maxLength: 20 }).map((sample) => sample.toWellFormed()),
  fc.integer({ min: 0, max: 99 }).map((n) => `ad-${n}`),
  fc
    .tuple(fc.constantFrom("x", "é", "\u{1f600}"), fc.constantFrom(15, 16, 17, 63, 64, 65, 66, 1024, 5000))
    .map(([unit, length]) => unit.repeat(length)),
);

const hashOf = (value: string | boolean): number[] => {
  const words = new Uint32Array(2);
  hashText(SEED, taggedText(value), words, 0);
  return [...words];
};

function expectValues(dictionaries: Dictionaries, id: number, values: readonly (string | boolean)[]): void {
  const dictionary = dictionaries.dictionary(id);
  expect(dictionary.size).toBe(values.length + 1);
  expect(dictionary.valueOf(0)).toBe(null);
  values.forEach((value, i) => {
    expect(dictionary.valueOf(i + 1)).toBe(value);
    expect(dictionary.codeOf(value)).toBe(i + 1);
  });
  const words = dictionary.hashes();
  expect(values.map((_, i) => [...words.subarray(2 * i + 2, 2 * i + 4)])).toEqual(values.map(hashOf));
}

test("values are numbered in the order in which they came, and keep their type, their code and their hash", () => {
  fc.assert(
    fc.property(fc.array(someEntry, { maxLength: 60 }), (entries) => {
      const dictionaries = new Dictionaries(0, SEED);
      const id = dictionaries.attributeId("ad");
      const model = new Map<string | boolean, number>();
      for (const entry of entries) {
        expect(dictionaries.dictionary(id).codeOf(entry)).toBe(model.get(entry));
        if (!model.has(entry)) model.set(entry, model.size + 1);
        expect(dictionaries.intern(id, entry)).toBe(model.get(entry));
      }
      expectValues(dictionaries, id, [...model.keys()]);
    }),
  );
});

test("a dictionary that grows many times over finds every value, and no other", () => {
  const dictionaries = new Dictionaries(0, SEED);
  const id = dictionaries.attributeId("ad");
  // Hashed in between: their array has to follow.
  for (let i = 0; i < 200_000; i++) {
    dictionaries.intern(id, `ad-${i}`);
    if (i % 9_973 === 0) dictionaries.dictionary(id).hashes();
  }
  const dictionary = dictionaries.dictionary(id);
  const words = dictionary.hashes();
  let wrong = 0;
  for (let i = 0; i < 200_000; i++) {
    if (dictionary.codeOf(`ad-${i}`) !== i + 1 || dictionary.valueOf(i + 1) !== `ad-${i}`) wrong += 1;
    if (dictionary.codeOf(`no-${i}`) !== undefined) wrong += 1;
    const [low, high] = i % 1_000 === 0 ? hashOf(`ad-${i}`) : words.subarray(2 * i + 2, 2 * i + 4);
    if (words[2 * i + 2] !== low || words[2 * i + 3] !== high) wrong += 1;
  }
  expect(wrong).toBe(0);
});

describe("a full dictionary", () => {
  test("takes as many codes as its bound says, and goes on finding them", () => {
    const dictionaries = new Dictionaries(0, SEED);
    const id = dictionaries.attributeId("ad");
    const last = ENGINE_LIMITS.dictionaryEntriesMax - 1;
    let wrong = 0;
    for (let i = 1; i <= last; i++) if (dictionaries.intern(id, `${i}`) !== i) wrong += 1;
    expect(wrong).toBe(0);
    expect(dictionaries.isFull).toBe(false);
    expect(dictionaries.intern(id, "one more")).toBe(undefined);
    expect(dictionaries.isFull).toBe(true);
    expect(dictionaries.intern(id, true)).toBe(undefined);
    expect(dictionaries.dictionary(id).size).toBe(ENGINE_LIMITS.dictionaryEntriesMax);
    for (const i of [1, 2, 77_777, last]) expect(dictionaries.intern(id, `${i}`)).toBe(i);
    const other = dictionaries.attributeId("other");
    expect(dictionaries.intern(other, "one more")).toBe(1);
  });

  test("never takes more memory than all of them may, however long its texts", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1024 }), fc.integer({ min: 20_000, max: 200_000 }), (length, bytesMax) => {
        const bounds = { ...ENGINE_LIMITS, dictionariesBytesMax: bytesMax };
        const dictionaries = new Dictionaries(0, SEED, bounds);
        const ids = ["ad", "page"].map((name) => dictionaries.attributeId(name));
        const codes = ids.map(() => new Map<string, number>());
        let refusals = 0;
        for (let i = 0; refusals < 10; i++) {
          const text = `${i}`.padStart(length, "-");
          const code = dictionaries.intern(ids[i % 2] as number, text);
          if (code === undefined) refusals += 1;
          else codes[i % 2]?.set(text, code);
          expect(dictionaries.bytes).toBeLessThanOrEqual(bytesMax);
        }
        expect(dictionaries.isFull).toBe(true);
        codes.forEach((known, i) => {
          for (const [text, code] of known) expect(dictionaries.intern(ids[i] as number, text)).toBe(code);
        });
      }),
      { numRuns: 20 },
    );
  });

  test("is one that has room for most of what it may hold", () => {
    const bounds = { ...ENGINE_LIMITS, dictionariesBytesMax: 1024 * 1024 };
    const dictionaries = new Dictionaries(0, SEED, bounds);
    const id = dictionaries.attributeId("ad");
    let text = 0;
    for (let i = 0; dictionaries.intern(id, `ad-${i}`) !== undefined; i++) text += `ad-${i}`.length;
    expect(text).toBeGreaterThan(bounds.dictionariesBytesMax / 8);
  });
});
