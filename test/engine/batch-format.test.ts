import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  buildBatch,
  type ColumnBatch,
  decodeBatch,
  Dictionaries,
  encodeBatch,
  ENGINE_LIMITS,
  hashText,
  integerAt,
  readAdditions,
  readHeader,
  rowsBeyondNames,
  seal,
  slice,
  taggedText,
  timeAt,
  valueAt,
} from "#engine";
import { anyRow, BASE_TIME, type Row, toColumns } from "../support/events.ts";

const SEED = [1, 2, 3, 4] as const;
const IDENTIFIERS = new Set(["user"]);
const NAMES = ["type", "ad", "user", "mixed"];
const APPEND_TIME = BASE_TIME + 7_200_000;

const build = (dictionaries: Dictionaries, rows: readonly Row[], baseOffset = 0, fromPage = false) =>
  buildBatch(dictionaries, IDENTIFIERS, baseOffset, APPEND_TIME + baseOffset, [
    { events: toColumns(rows), rows: null, fromPage },
  ]);

/** All that a reader can see of a batch, record by record. */
const rowsOf = (batch: ColumnBatch) =>
  Array.from({ length: batch.count }, (_, i) => ({
    time: timeAt(batch, i),
    appendTime: integerAt(batch.appendTimes, i),
    fromPage: integerAt(batch.fromPages, i),
    ...Object.fromEntries(NAMES.map((name) => [name, valueAt(batch.attributes.get(name), i)])),
    userHash: [...(batch.attributes.get("user")?.hashes?.words.slice(2 * i, 2 * i + 2) ?? [0, 0])],
  }));

const decode = (bytes: { hot: Uint8Array; cold: Uint8Array }, dictionaries: Dictionaries) => {
  const decoded = decodeBatch(bytes.hot, () => bytes.cold, dictionaries);
  if (!decoded.ok) throw new Error(decoded.failure.detail);
  return decoded.value;
};

const someRows = fc.array(anyRow, { minLength: 1, maxLength: 30 });

test("a batch comes back from its bytes as it went in, in another process too", () => {
  fc.assert(
    fc.property(fc.array(someRows, { minLength: 1, maxLength: 4 }), (appends) => {
      const writer = new Dictionaries(3, SEED);
      const reader = new Dictionaries(3, SEED);
      let offset = 0;
      for (const rows of appends) {
        const mark = writer.mark();
        const batch = build(writer, rows, offset);
        const bytes = encodeBatch(batch, writer, writer.additionsSince(mark));
        reader.apply(readAdditions(bytes.hot));
        const decoded = decode(bytes, reader);
        expect(rowsOf(decoded)).toEqual(rowsOf(batch));
        const { baseOffset, count, minuteMin, minuteMax, appendTimeMax } = batch;
        const header = { baseOffset, count, minuteMin, minuteMax, appendTimeMax };
        expect(readHeader(bytes.hot)).toMatchObject({ ok: true, value: { ...header, generation: 3 } });
        expect(decoded).toMatchObject(header);
        offset += rows.length;
      }
    }),
  );
});

test("every record keeps the values that its event had, and an identifier its seeded hash", () => {
  fc.assert(
    fc.property(someRows, (rows) => {
      const batch = build(new Dictionaries(0, SEED), rows);
      const hash = new Uint32Array(2);
      rows.forEach((row, i) => {
        for (const name of NAMES) expect(valueAt(batch.attributes.get(name), i)).toBe(row[name] ?? null);
        expect(timeAt(batch, i)).toBe(row.time);
        hash.fill(0);
        if (row.user !== null && row.user !== undefined) hashText(SEED, taggedText(row.user), hash, 0);
        expect(rowsOf(batch)[i]?.userHash).toEqual([...hash]);
      });
    }),
  );
});

test("sealed batches hold the same records as the small ones, whatever the slicing", () => {
  fc.assert(
    fc.property(fc.array(someRows, { minLength: 1, maxLength: 6 }), (appends) => {
      const dictionaries = new Dictionaries(0, SEED);
      let offset = 0;
      const batches = appends.map((rows) => {
        const batch = build(dictionaries, rows, offset);
        offset += rows.length;
        return decode(encodeBatch(batch, dictionaries, null), dictionaries);
      });
      const sealed = seal(batches);
      const stored = decode(encodeBatch(sealed, dictionaries, null), dictionaries);
      expect(rowsOf(stored)).toEqual(batches.flatMap(rowsOf));
      expect(stored.minuteMin).toBe(Math.min(...batches.map((batch) => batch.minuteMin)));
      expect(stored.minuteMax).toBe(Math.max(...batches.map((batch) => batch.minuteMax)));
    }),
  );
});

describe("bytes that are not what was written", () => {
  const dictionaries = new Dictionaries(0, SEED);
  const bytes = encodeBatch(build(dictionaries, [{ time: BASE_TIME, ad: "x", user: "u" }]), dictionaries, null);

  test("are refused wherever one bit of the hot part is flipped", () => {
    for (let i = 0; i < bytes.hot.length; i++) {
      const broken = bytes.hot.slice();
      broken[i] = (broken[i] as number) ^ 1;
      expect(decodeBatch(broken, () => bytes.cold, dictionaries)).toMatchObject({
        failure: { reason: "corrupt_batch" },
      });
    }
  });

  test("are refused when cut short", () => {
    expect(decodeBatch(bytes.hot.slice(0, 40), () => bytes.cold, dictionaries)).toMatchObject({
      failure: { detail: "short" },
    });
    expect(decodeBatch(bytes.hot.slice(0, -1), () => bytes.cold, dictionaries)).toMatchObject({
      failure: { detail: "checksum" },
    });
  });

  test("stop the reader when they are in the cold part", () => {
    const broken = bytes.cold.slice();
    broken[0] = (broken[0] as number) ^ 1;
    const decoded = decodeBatch(bytes.hot, () => broken, dictionaries);
    if (!decoded.ok) throw new Error("the hot part is sound");
    expect(() => decoded.value.attributes.get("user")?.hashes?.values()).toThrow("checksum");
  });
});

describe("bounds", () => {
  test("a column whose dictionary is full goes on as hashes and text, and loses nothing", () => {
    const dictionaryEntriesMax = 1_000;
    const dictionaries = new Dictionaries(0, SEED, { ...ENGINE_LIMITS, dictionaryEntriesMax });
    const rows = Array.from({ length: dictionaryEntriesMax + 10 }, (_, i) => ({
      time: BASE_TIME,
      ad: `ad-${i}`,
    }));
    const batch = build(dictionaries, rows);
    const stored = decode(encodeBatch(batch, dictionaries, null), dictionaries);
    const columns = stored.attributes.get("ad");
    expect(columns?.hashes).toBeDefined();
    expect(dictionaries.dictionary(dictionaries.attributeId("ad")).size).toBe(dictionaryEntriesMax);
    expect(rows.every((row, i) => valueAt(columns, i) === row.ad)).toBe(true);
  });

  test("names beyond the bound are found before the batch is built", () => {
    const dictionaries = new Dictionaries(0, SEED);
    build(dictionaries, [{ time: BASE_TIME, known: 1 }]);
    const events = toColumns([
      { time: BASE_TIME, known: 2 },
      { time: BASE_TIME, second: "x" },
      { time: BASE_TIME, known: 2, third: "x" },
    ]);
    expect([...rowsBeyondNames(dictionaries, events, 2)]).toEqual([2]);
    expect([...rowsBeyondNames(dictionaries, events, 3)]).toEqual([]);
    expect([...rowsBeyondNames(dictionaries, events, 1, new Set(["known", "third"]))]).toEqual([]);
  });

  test("a page's time beyond the append time becomes the append time; an import's does not", () => {
    const rows = [{ time: APPEND_TIME + 5_000 }];
    expect(timeAt(build(new Dictionaries(0, SEED), rows, 0, true), 0)).toBe(APPEND_TIME);
    expect(timeAt(build(new Dictionaries(0, SEED), rows, 0, false), 0)).toBe(APPEND_TIME + 5_000);
  });

  test("rows that are left out leave no trace", () => {
    const events = toColumns([
      { time: BASE_TIME, ad: "a" },
      { time: BASE_TIME + 1, ad: "b" },
      { time: BASE_TIME + 2, ad: "c" },
    ]);
    const batch = buildBatch(new Dictionaries(0, SEED), IDENTIFIERS, 0, APPEND_TIME, [
      { events, rows: Uint32Array.of(2), fromPage: false },
    ]);
    expect(rowsOf(batch)).toMatchObject([{ time: BASE_TIME + 2, ad: "c" }]);
    expect(batch.attributes.get("ad")?.codes?.dictionary.size).toBe(2);
  });
});

test("a slice holds the same records as the batch that it is a part of, at the same offsets", () => {
  fc.assert(
    fc.property(someRows, fc.nat(), fc.nat(), (rows, a, b) => {
      const dictionaries = new Dictionaries(0, SEED);
      const batch = build(dictionaries, rows, 100);
      const [start, end] = [a % rows.length, (b % rows.length) + 1].toSorted((x, y) => x - y) as [number, number];
      fc.pre(start < end);
      const part = slice(batch, start, end);
      const stored = decode(encodeBatch(part, dictionaries, null), dictionaries);
      expect(rowsOf(stored)).toEqual(rowsOf(batch).slice(start, end));
      expect(stored.baseOffset).toBe(100 + start);
      const minutes = rows.slice(start, end).map((row) => Math.floor(row.time / 60_000));
      expect([part.minuteMin, part.minuteMax]).toEqual([Math.min(...minutes), Math.max(...minutes)]);
    }),
  );
});
