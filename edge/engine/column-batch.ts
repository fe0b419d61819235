/**
 * A column batch: records of one log, one typed array a column. What `fold` reads, whether the batch was built a moment ago
 * from an append or decoded from a segment that was sealed last week. Lacks rows: nothing here visits one record at a time.
 *
 * An attribute of a batch has up to three columns, and each record has its value in at most one of them:
 *
 *   codes    strings and booleans, as codes of the partition's dictionary; 0 is absent
 *   numbers  float64; NaN is absent (a value is never NaN: only finite numbers are admitted)
 *   hashes   values of any type as seeded 64-bit hashes, (0, 0) is absent; the text lies in the cold part
 *
 * `hashes` is for identifiers (user ids, event ids, addresses), of which there are too many for a dictionary, and for
 * any other column whose dictionary is full.
 */
import type { Dictionary } from "./dictionary.ts";
import type { Value } from "./value.ts";

export type CodeArray = Uint8Array | Uint16Array | Uint32Array;

export interface AttributeColumns {
  readonly codes?: { readonly codes: CodeArray; readonly dictionary: Dictionary } | undefined;
  readonly numbers?: Float64Array | undefined;
  readonly hashes?:
    | {
        /** Two words a record: low, high. */
        readonly words: Uint32Array;
        /** The values themselves, decoded from the cold part when first asked for; null where the hash is (0, 0). */
        readonly values: () => readonly Value[];
      }
    | undefined;
}

/** A column of integers: `base + deltas[i]`; without deltas every record has `base`. */
export interface IntegerColumn {
  readonly base: number;
  readonly deltas: Uint8Array | Uint16Array | Uint32Array | Float64Array | null;
}

/**
 * How the rows of a sealed batch are ordered: by minute and, within a minute, by the codes of one attribute. Rows of one minute
 * are a *stretch*; rows of a stretch with one code are a *run*. A count by that attribute reads a code and a length for each
 * run, and nothing for each record. See group-rows.ts.
 */
export interface Grouping {
  /** The minute of each stretch, rising. */
  readonly minutes: Float64Array;
  /** Where the rows of each stretch begin, and at the end where the last ones end. */
  readonly rowStarts: Uint32Array;
  /** The same of its runs. */
  readonly runStarts: Uint32Array;
  /** The attribute whose codes make the runs; null: each stretch is one run. */
  readonly attribute: string | null;
  readonly runCodes: CodeArray;
  readonly runLengths: IntegerColumn;
  /** Place in offset order of each row, counted from the batch's base offset. Read from the cold part when asked for. */
  readonly arrival: CodeArray;
}

/** Rows are in offset order if `grouping` is null. Every column has one entry a row. */
export interface ColumnBatch {
  readonly baseOffset: number;
  readonly count: number;
  readonly grouping: Grouping | null;
  /** Event time in whole minutes since the epoch: all that windows need, and all that a replay reads of the time. */
  readonly minutes: IntegerColumn;
  /** Milliseconds within the minute. */
  readonly milliseconds: IntegerColumn;
  /** When each record was logged, in milliseconds since the epoch; never falls in offset order. */
  readonly appendTimes: IntegerColumn;
  /** 1 for records that a write key sent, 0 for imported ones: only the former can be late. */
  readonly fromPages: IntegerColumn;
  /** By attribute name; `type` is one of them. Attributes that no record of the batch has are not there. */
  readonly attributes: ReadonlyMap<string, AttributeColumns>;
  /** Least and greatest event time, whole minutes since the epoch. */
  readonly minuteMin: number;
  readonly minuteMax: number;
  /** Greatest append time: known without reading the column of append times, which is cold. */
  readonly appendTimeMax: number;
}

export const MINUTE_MS = 60_000;

export const integerAt = (column: IntegerColumn, index: number): number =>
  column.deltas === null ? column.base : column.base + (column.deltas[index] as number);

/** The event time of one record, in milliseconds since the epoch. */
export const timeAt = (batch: ColumnBatch, index: number): number =>
  integerAt(batch.minutes, index) * MINUTE_MS + integerAt(batch.milliseconds, index);

/** The value of one attribute of one record, whichever column holds it. */
export function valueAt(columns: AttributeColumns | undefined, index: number): Value {
  if (columns === undefined) return null;
  if (columns.codes !== undefined) {
    const code = columns.codes.codes[index] as number;
    if (code !== 0) return columns.codes.dictionary.valueOf(code);
  }
  if (columns.numbers !== undefined) {
    const number = columns.numbers[index] as number;
    if (!Number.isNaN(number)) return number;
  }
  if (columns.hashes !== undefined) {
    const { words, values } = columns.hashes;
    if (words[2 * index] !== 0 || words[2 * index + 1] !== 0) return values()[index] as Value;
  }
  return null;
}
