import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  buildBatch,
  type ColumnBatch,
  decodeBatch,
  Dictionaries,
  encodeBatch,
  type EncodedBatch,
  ENGINE_LIMITS,
  groupRows,
  hashText,
  inOffsetOrder,
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
import { decodeParts, partsOf } from "../support/batches.ts";
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

/** Reads everything that there is. */
const readAll = (batch: ColumnBatch) => ({
  rows: rowsOf(batch),
  texts: NAMES.map((name) => batch.attributes.get(name)?.hashes?.values()),
  arrival: batch.grouping?.arrival,
  runs: batch.grouping?.runLengths.deltas,
});

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
        const decoded = decodeParts(bytes, reader);
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
        return decodeParts(encodeBatch(batch, dictionaries, null), dictionaries);
      });
      const sealed = seal(batches);
      const stored = decodeParts(encodeBatch(sealed, dictionaries, null), dictionaries);
      expect(rowsOf(stored)).toEqual(batches.flatMap(rowsOf));
      expect(stored.minuteMin).toBe(Math.min(...batches.map((batch) => batch.minuteMin)));
      expect(stored.minuteMax).toBe(Math.max(...batches.map((batch) => batch.minuteMax)));
    }),
  );
});

test("grouped rows are the same records: by minute, then by code, and back in the order of their offsets", () => {
  fc.assert(
    fc.property(someRows, fc.constantFrom("ad", "user", "mixed", "none", null), (rows, attribute) => {
      const dictionaries = new Dictionaries(0, SEED);
      const batch = build(dictionaries, rows, 100);
      const grouped = groupRows(batch, attribute);
      for (const stored of [grouped, decodeParts(encodeBatch(grouped, dictionaries, null), dictionaries)]) {
        const { grouping } = stored;
        if (grouping === null) throw new Error("a grouped batch");
        expect(rowsOf(inOffsetOrder(stored))).toEqual(rowsOf(batch));
        expect(rowsOf(stored)).toEqual(Array.from(grouping.arrival, (place) => rowsOf(batch)[place]));
        const codes = attribute === null ? undefined : stored.attributes.get(attribute)?.codes?.codes;
        const keys = Array.from({ length: stored.count }, (_, i) => [integerAt(stored.minutes, i), codes?.[i] ?? 0]);
        expect(keys).toEqual(
          keys.toSorted(([a, x], [b, y]) => (a as number) - (b as number) || (x as number) - (y as number)),
        );
        const runs = Array.from(grouping.runCodes, (code, run) =>
          Array<number>(integerAt(grouping.runLengths, run)).fill(code),
        );
        expect(runs.flat()).toEqual(keys.map(([, code]) => code));
        const minutes = Array.from(grouping.minutes, (minute, s) =>
          Array<number>((grouping.rowStarts[s + 1] as number) - (grouping.rowStarts[s] as number)).fill(minute),
        );
        expect(minutes.flat()).toEqual(keys.map(([minute]) => minute));
      }
    }),
  );
});

describe("bytes that are not what was written", () => {
  const dictionaries = new Dictionaries(0, SEED);
  const rows = [
    { time: BASE_TIME, ad: "x", user: "u", price: 0.1 },
    { time: BASE_TIME + 60_000, ad: "y", user: "v", price: Math.PI },
  ];
  const ofTail = encodeBatch(build(dictionaries, rows), dictionaries, null);
  const ofSegment = encodeBatch(groupRows(build(dictionaries, rows), "ad"), dictionaries, null);

  test.each([
    ["the tail", ofTail],
    ["a segment", ofSegment],
  ])("are never read as if they were, wherever one bit of a batch of %s is flipped", (_, bytes) => {
    const expected = readAll(decodeParts(bytes, dictionaries));
    for (const part of [bytes.hot, ...bytes.apart, bytes.cold]) {
      for (let i = 0; i < part.length; i++) {
        part[i] = (part[i] as number) ^ 1;
        const decoded = decodeBatch(bytes.hot, partsOf(bytes), dictionaries);
        // What lies between two columns says nothing.
        if (decoded.ok) expect(() => expect(readAll(decoded.value)).toEqual(expected)).not.toThrow(/to deeply equal/);
        else expect(decoded.failure.reason).toBe("corrupt_batch");
        part[i] = (part[i] as number) ^ 1;
      }
    }
  });

  test("are refused when cut short", () => {
    for (const length of [40, 100, ofTail.hot.length - 1]) {
      expect(decodeBatch(ofTail.hot.slice(0, length), partsOf(ofTail), dictionaries)).toMatchObject({
        failure: { detail: "short" },
      });
    }
  });

  test("stop the reader of a column, hot or cold", () => {
    const reader = (broken: Partial<EncodedBatch>) => decodeParts({ ...ofSegment, ...broken }, dictionaries).attributes;
    const flip = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 1);
    expect(() =>
      reader({ cold: flip(ofSegment.cold) })
        .get("user")
        ?.hashes?.values(),
    ).toThrow("checksum");
    expect(() => reader({ apart: ofSegment.apart.map(flip) }).get("price")?.numbers).toThrow("checksum");
    expect(() => reader({ apart: ofSegment.apart.map(flip) }).get("ad")?.codes).not.toThrow();
  });

  test("are not looked for again in a column that was read before, and only there", () => {
    const sound = new Set<number>();
    const checks = {
      isSound: (column: number) => sound.has(column),
      foundSound: (column: number) => sound.add(column),
    };
    const read = (name: string, flipped = false) => {
      const apart = flipped ? ofSegment.apart.map((bytes) => bytes.map((byte) => byte ^ 1)) : ofSegment.apart;
      const decoded = decodeBatch(ofSegment.hot, partsOf({ ...ofSegment, apart }), dictionaries, checks);
      return decoded.ok
        ? (decoded.value.attributes.get(name)?.numbers ?? decoded.value.attributes.get(name)?.hashes)
        : null;
    };
    expect(() => read("price", true)).toThrow("checksum");
    expect(sound.size).toBe(0);
    expect(read("price")).toBeDefined();
    expect(sound.size).toBe(1);
    expect(() => read("price", true)).not.toThrow();
    expect(() => read("user", true)).toThrow("checksum");
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
    const stored = decodeParts(encodeBatch(batch, dictionaries, null), dictionaries);
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
      const stored = decodeParts(encodeBatch(part, dictionaries, null), dictionaries);
      expect(rowsOf(stored)).toEqual(rowsOf(batch).slice(start, end));
      expect(stored.baseOffset).toBe(100 + start);
      const minutes = rows.slice(start, end).map((row) => Math.floor(row.time / 60_000));
      expect([part.minuteMin, part.minuteMax]).toEqual([Math.min(...minutes), Math.max(...minutes)]);
    }),
  );
});
