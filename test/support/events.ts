/** Events for tests: arbitrary ones, and the columns in which the Worker hands them to a partition. */
import fc from "fast-check";
import type { EventColumns, Value } from "#engine";

export interface Row {
  readonly time: number;
  readonly [attribute: string]: Value;
}

/** A minute that tests count from: 2025-11-22T05:40:00Z. */
export const BASE_TIME = 1_763_790_000_000;

export function toColumns(rows: readonly Row[]): EventColumns {
  const names = new Set(rows.flatMap((row) => Object.keys(row).filter((name) => name !== "time")));
  return {
    count: rows.length,
    times: Float64Array.from(rows, (row) => row.time),
    attributes: [...names].map((name) => ({ name, values: rows.map((row) => row[name] ?? null) })),
  };
}

const text = fc.oneof(
  fc.constantFrom("US", "GB", "", "a", "1", "true"),
  fc.string({ unit: "binary", maxLength: 6 }).map((sample) => sample.toWellFormed()),
);
const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true }));

/** Any value, null (absent) included; -0 is not one: it is normalised at the wall. */
export const anyValue: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  text,
  fc.boolean(),
  number.map((n) => (n === 0 ? 0 : n)),
);

/** A row with a few attributes of any type; within three hours of the base time. */
export const anyRow: fc.Arbitrary<Row> = fc
  .record({
    minute: fc.nat(180),
    ms: fc.nat(59_999),
    type: fc.constantFrom("click", "view"),
    ad: anyValue,
    user: anyValue,
    mixed: anyValue,
  })
  .map(({ minute, ms, ...attributes }) => ({ time: BASE_TIME + minute * 60_000 + ms, ...attributes }));
