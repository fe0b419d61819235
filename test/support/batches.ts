/**
 * Column batches straight from rows, and rows of every kind: an independent reference beside the engine's own builder, which
 * lets a test choose what lies in which column.
 */
import fc from "fast-check";
import {
  type AttributeColumns,
  type ColumnBatch,
  Dictionaries,
  hashText,
  type HashSeed,
  MINUTE_MS,
  taggedText,
  type Value,
} from "#engine";
import { BASE_TIME, type Row } from "./events.ts";

export const SEED: HashSeed = [0x0badcafe, 2, 3, 0xfeedface];

/** Whether a value is kept as a hash, as identifiers and the values beyond a full dictionary are. */
export type IsWide = (name: string, value: Value) => boolean;

/** `user` is an identifier; of `mixed`, some values came after its dictionary was full. */
export const someWide: IsWide = (name, value) =>
  name === "user" || (name === "mixed" && String(value).length % 2 === 0);

export function batchOf(rows: readonly Row[], dictionaries: Dictionaries, isWide: IsWide = someWide): ColumnBatch {
  const minutes = rows.map(({ time }) => Math.floor(time / MINUTE_MS));
  const names = new Set(rows.flatMap((row) => Object.keys(row)).filter((name) => name !== "time"));
  const attributes = [...names].map((name) => {
    const values = rows.map((row) => row[name] ?? null);
    return [name, columnsOf(name, values, dictionaries, isWide)] as const;
  });
  const minuteMin = Math.min(...minutes);
  return {
    baseOffset: 0,
    count: rows.length,
    grouping: null,
    minutes: { base: minuteMin, deltas: Uint32Array.from(minutes, (minute) => minute - minuteMin) },
    milliseconds: { base: 0, deltas: Uint16Array.from(rows, ({ time }) => time % MINUTE_MS) },
    appendTimes: { base: BASE_TIME, deltas: null },
    fromPages: { base: 1, deltas: null },
    attributes: new Map(attributes),
    minuteMin,
    minuteMax: Math.max(...minutes),
    appendTimeMax: BASE_TIME,
  };
}

function columnsOf(name: string, values: Value[], dictionaries: Dictionaries, isWide: IsWide): AttributeColumns {
  const id = dictionaries.attributeId(name);
  const codes = new Uint32Array(values.length);
  const numbers = new Float64Array(values.length).fill(NaN);
  const words = new Uint32Array(2 * values.length);
  const texts: Value[] = values.map(() => null);
  values.forEach((value, i) => {
    if (value === null) return;
    if (isWide(name, value)) {
      hashText(dictionaries.seed, taggedText(value), words, 2 * i);
      texts[i] = value;
    } else if (typeof value === "number") {
      numbers[i] = value;
    } else {
      codes[i] = dictionaries.intern(id, value) ?? 0;
    }
  });
  return {
    ...(codes.some((code) => code !== 0) && { codes: { codes, dictionary: dictionaries.dictionary(id) } }),
    ...(!numbers.every(Number.isNaN) && { numbers }),
    ...(words.some((word) => word !== 0) && { hashes: { words, values: () => texts } }),
  };
}

export const newDictionaries = (): Dictionaries => new Dictionaries(0, SEED);

/** Few enough texts that groups repeat; some that only their type, their case or their UTF-8 order tells apart. */
const text = fc.constantFrom("", "1", "a", "A", "true", "null", "é", "\u{ff5e}", "\u{1f600}", "zz");
const number = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.1, 0.2, 1e16, -1e16, 1e308, -1e308, 5e-324, 2 ** 970, 1.7976931348623157e308),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
);

/** Any value, absent included. */
export const someValue: fc.Arbitrary<Value> = fc.oneof(fc.constant(null), text, fc.boolean(), number);

/** A row within an hour: `mixed` holds every type, `price` mostly numbers, `user` is wide. */
export const someRow: fc.Arbitrary<Row> = fc
  .record({
    minute: fc.nat(60),
    ms: fc.nat(59_999),
    type: fc.constantFrom("click", "view"),
    ad: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom("ad-1", "ad-2", "ad-3") },
      { weight: 1, arbitrary: someValue },
    ),
    mixed: someValue,
    price: fc.oneof({ weight: 4, arbitrary: number }, { weight: 1, arbitrary: someValue }),
    user: fc.oneof(fc.constantFrom("u-1", "u-2", "u-3", "u-4"), someValue),
  })
  .map(({ minute, ms, ...attributes }) => ({ time: BASE_TIME + minute * MINUTE_MS + ms, ...attributes }));

export const someRows: fc.Arbitrary<Row[]> = fc.array(someRow, { maxLength: 60 });

/** Rows cut into batches, and each batch into slices, at arbitrary places. */
export const cutsOf = (rows: readonly Row[]): fc.Arbitrary<Row[][]> =>
  fc
    .array(fc.nat(rows.length), { maxLength: 5 })
    .map((places) => [0, ...places.sort((a, b) => a - b), rows.length])
    .map((places) => places.slice(1).map((to, i) => rows.slice(places[i], to)))
    .map((pieces) => pieces.filter((piece) => piece.length > 0));
