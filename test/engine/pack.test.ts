/** Packs: what goes into the archive comes out of it, without anything of the partition that it came from. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ColumnBatch,
  compileQuery,
  createState,
  decodePack,
  digestState,
  fold,
  groupRows,
  inOffsetOrder,
  integerAt,
  MINUTE_MS,
  type Pack,
  PackBuilder,
  timeAt,
  valueAt,
} from "#engine";
import { batchOf, cutsOf, newDictionaries, SEED, someRows } from "../support/batches.ts";
import { BASE_TIME } from "../support/events.ts";

/** Not a compressor, but tells whether what it was given comes back. */
const flip = (cold: Uint8Array): Uint8Array => cold.map((byte) => byte ^ 0xa5);

const query = compileQuery({
  from: BASE_TIME,
  to: BASE_TIME + 100 * MINUTE_MS,
  where: {},
  groupBy: ["ad", "mixed"],
  everyMs: MINUTE_MS,
  measures: { n: { count: true }, users: { distinct: "user" }, types: { distinct: "type" }, sum: { sum: "price" } },
  orderBy: null,
  limit: 1,
});

/** All that a reader can see of a batch, record by record, in offset order. */
function recordsOf(batch: ColumnBatch) {
  const ordered = inOffsetOrder(batch);
  return Array.from({ length: ordered.count }, (_, i) => ({
    offset: ordered.baseOffset + i,
    time: timeAt(ordered, i),
    appendTime: integerAt(ordered.appendTimes, i),
    ...Object.fromEntries(
      [...ordered.attributes].flatMap(([name, columns]) => {
        const value = valueAt(columns, i);
        return value === null ? [] : [[name, value]];
      }),
    ),
  }));
}

function segmentsOf(pack: Pack): ColumnBatch[] {
  const segments: ColumnBatch[] = [];
  for (let offset = 0; ;) {
    const segment = pack.next(offset);
    if (!segment.ok) throw new Error(segment.failure.detail);
    if (segment.value === null) return segments;
    segments.push(segment.value);
    offset = segment.value.baseOffset + segment.value.count;
  }
}

/** Segments as a partition has them: consecutive, with codes among many others. */
const someSegments = someRows.chain(cutsOf).map((cuts) => {
  const dictionaries = newDictionaries();
  for (const name of ["other", "ad", "mixed"]) {
    const id = dictionaries.attributeId(name);
    for (let i = 0; i < 300; i++) dictionaries.intern(id, `${name} unused ${i}`);
  }
  let baseOffset = 1_000;
  return cuts.map((rows, i) => {
    const batch = { ...batchOf(rows, dictionaries), baseOffset };
    baseOffset += rows.length;
    return groupRows(batch, i % 3 === 0 ? null : "ad");
  });
});

function packOf(segments: readonly ColumnBatch[]): Uint8Array {
  const builder = new PackBuilder(SEED, flip);
  for (const segment of segments) builder.add(segment);
  return builder.finish();
}

function unpack(bytes: Uint8Array): Pack {
  const pack = decodePack(bytes, SEED, flip);
  if (!pack.ok) throw new Error(pack.failure.detail);
  return pack.value;
}

test("records and answers come back as they went in", () => {
  fc.assert(
    fc.property(someSegments, (segments) => {
      const pack = unpack(packOf(segments));
      const back = segmentsOf(pack);
      expect(back.flatMap(recordsOf)).toEqual(segments.flatMap(recordsOf));
      const [here, there] = [createState(query, SEED), createState(query, SEED)];
      for (const segment of segments) fold(query, here, segment, 0, segment.count);
      for (const segment of back) fold(query, there, segment, 0, segment.count);
      expect(digestState(there)).toBe(digestState(here));
      expect(pack.segments.map(({ minuteMin, minuteMax, count }) => [minuteMin, minuteMax, count])).toEqual(
        segments.map(({ minuteMin, minuteMax, count }) => [minuteMin, minuteMax, count]),
      );
    }),
  );
});

test("nothing of values that do not occur in it leaves with a pack", () => {
  fc.assert(
    fc.property(someSegments, (segments) => {
      expect(Buffer.from(packOf(segments)).includes("unused")).toBe(false);
    }),
    { numRuns: 20 },
  );
});

test("a scan goes from segment to segment, past those that do not have its minutes", () => {
  const dictionaries = newDictionaries();
  const segments = [0, 5, 9].map((minute, i) => {
    const row = { time: BASE_TIME + minute * MINUTE_MS, ad: "a" };
    return { ...batchOf([row], dictionaries), baseOffset: 7 + i };
  });
  const pack = unpack(packOf(segments));
  const minute = BASE_TIME / MINUTE_MS;
  const found = (offset: number, from?: number, to?: number) => {
    const segment = pack.next(offset, from, to);
    return segment.ok && segment.value?.baseOffset;
  };
  expect(found(0)).toBe(7);
  expect(found(8)).toBe(8);
  expect(found(0, minute + 5)).toBe(8);
  expect(found(0, minute + 6)).toBe(9);
  expect(found(8, minute, minute + 5)).toBe(undefined);
  expect(found(10)).toBe(undefined);
});

test("a damaged pack is refused, wherever the damage is", () => {
  fc.assert(
    fc.property(someSegments, fc.nat(), fc.integer({ min: 1, max: 255 }), (segments, place, flipped) => {
      fc.pre(segments.length > 0);
      const bytes = packOf(segments);
      const before = segments.flatMap(recordsOf);
      const at = place % bytes.length;
      bytes[at] = (bytes[at] as number) ^ flipped;
      // Between parts lie bytes that nobody reads: then, and only then, all of it is as it was.
      let read: unknown;
      try {
        read = segmentsOf(unpack(bytes)).flatMap(recordsOf);
      } catch {
        return;
      }
      expect(read).toEqual(before);
    }),
    { numRuns: 300 },
  );
  const whole = packOf([batchOf([{ time: BASE_TIME, ad: "a" }], newDictionaries())]);
  for (const length of [0, 3, 20, 100]) {
    expect(decodePack(whole.slice(0, length), SEED, flip)).toMatchObject({ ok: false });
  }
});
