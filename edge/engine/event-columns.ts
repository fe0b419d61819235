/**
 * Events as columns: how the Worker hands an append to the partition, and what a column batch is built from. Structured
 * clone carries it as it is, and pays for every string: so a large request sends each text of a column once.
 *
 * A column comes in one of three forms, told apart by what it has:
 *
 *   `values` alone      one value a row, of any type. What a single click is, and what every column may be
 *   `codes`             the distinct texts and booleans in `values`, the first of them null, and one code a row
 *   `numbers`           one number a row, NaN where it is absent; `values` is empty
 */
import type { Value } from "./value.ts";

export interface EventColumns {
  readonly count: number;
  /** Event times in milliseconds since the epoch, already moved by the client's clock skew and checked. */
  readonly times: Float64Array;
  /** One entry a name that any event has, `type` included. */
  readonly attributes: readonly EventColumn[];
}

export interface EventColumn {
  readonly name: string;
  readonly values: readonly Value[];
  readonly codes?: Uint8Array | Uint16Array;
  readonly numbers?: Float64Array;
}

/** The value of one row, null where it is absent. */
export function eventValueAt({ values, codes, numbers }: EventColumn, row: number): Value {
  if (codes !== undefined) return values[codes[row] as number] as Value;
  if (numbers === undefined) return values[row] as Value;
  const number = numbers[row] as number;
  return number === number ? number : null;
}

/** Below this many rows, typed arrays cost more than the strings that they save. */
const COMPACT_ROWS_MIN = 16;

/** The same column in the form that costs least to carry. */
export function compactColumn(name: string, values: readonly Value[]): EventColumn {
  if (values.length < COMPACT_ROWS_MIN) return { name, values };
  const first = values.find((value) => value !== null);
  return (typeof first === "number" ? withNumbers(name, values) : withCodes(name, values)) ?? { name, values };
}

/** Undefined if not all values are numbers. */
function withNumbers(name: string, values: readonly Value[]): EventColumn | undefined {
  const numbers = new Float64Array(values.length);
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as Value;
    if (value !== null && typeof value !== "number") return undefined;
    numbers[row] = value ?? NaN;
  }
  return { name, values: [], numbers };
}

/** After so many rows a column of mostly distinct texts, such as one of user ids, is given up. */
const PROBED_ROWS = 64;

/** Undefined if a value is a number, or if too many are distinct for codes to save anything. */
function withCodes(name: string, values: readonly Value[]): EventColumn | undefined {
  const distinct: Value[] = [null];
  const distinctMax = Math.floor(values.length / 2);
  const codeOf = new Map<Value, number>([[null, 0]]);
  const codes = distinctMax < 0x100 ? new Uint8Array(values.length) : new Uint16Array(values.length);
  let last: Value = null;
  let code = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as Value;
    if (value !== last) {
      if (typeof value === "number") return undefined;
      const known = codeOf.get(value);
      if (known === undefined) {
        if (distinct.length > (row < PROBED_ROWS ? Math.min(PROBED_ROWS / 2, distinctMax) : distinctMax))
          return undefined;
        codeOf.set(value, distinct.length);
        code = distinct.length;
        distinct.push(value);
      } else code = known;
      last = value;
    }
    codes[row] = code;
  }
  return { name, values: distinct, codes };
}
