/** Rows of a column batch picked out one by one, as a batch of its own: for whatever needs another order, or only a part. */
import { assert } from "#protocol";
import { integerColumn, narrowCodes } from "./batch-builder.ts";
import {
  type AttributeColumns,
  type ColumnBatch,
  type Grouping,
  integerAt,
  type IntegerColumn,
} from "./column-batch.ts";

/**
 * The batch of the rows `rows[i]`, at least one, in that order.
 *
 * @param grouping what that order is
 */
export function gather(
  batch: ColumnBatch,
  baseOffset: number,
  rows: Uint32Array,
  grouping: Grouping | null,
): ColumnBatch {
  assert(rows.length > 0, "a batch has rows");
  const minutes = gatherIntegers(batch.minutes, rows);
  const appendTimes = gatherIntegers(batch.appendTimes, rows);
  const attributes = new Map<string, AttributeColumns>();
  for (const [name, columns] of batch.attributes) attributes.set(name, gatherAttribute(columns, rows));
  return {
    baseOffset,
    count: rows.length,
    grouping,
    minutes: integerColumn(minutes),
    milliseconds: integerColumn(gatherIntegers(batch.milliseconds, rows)),
    appendTimes: integerColumn(appendTimes),
    fromPages: integerColumn(gatherIntegers(batch.fromPages, rows)),
    attributes,
    minuteMin: minutes.reduce((a, b) => Math.min(a, b)),
    minuteMax: minutes.reduce((a, b) => Math.max(a, b)),
    appendTimeMax: appendTimes.reduce((a, b) => Math.max(a, b)),
  };
}

/** The same records in the order of their offsets. */
export function inOffsetOrder(batch: ColumnBatch): ColumnBatch {
  if (batch.grouping === null) return batch;
  const { arrival } = batch.grouping;
  const rows = new Uint32Array(batch.count);
  arrival.forEach((place, row) => (rows[place] = row));
  return gather(batch, batch.baseOffset, rows, null);
}

/** Records [start, end) of a batch, in offset order, at the offsets that they have. */
export function slice(batch: ColumnBatch, start: number, end: number): ColumnBatch {
  assert(0 <= start && start < end && end <= batch.count, "records of the batch");
  const rows = Uint32Array.from({ length: end - start }, (_, i) => start + i);
  return gather(inOffsetOrder(batch), batch.baseOffset + start, rows, null);
}

function gatherIntegers(column: IntegerColumn, rows: Uint32Array): Float64Array {
  const values = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) values[i] = integerAt(column, rows[i] as number);
  return values;
}

function gatherAttribute({ codes, numbers, hashes }: AttributeColumns, rows: Uint32Array): AttributeColumns {
  return {
    ...(codes && { codes: { codes: gatherCodes(codes.codes, rows), dictionary: codes.dictionary } }),
    ...(numbers && { numbers: gatherNumbers(numbers, rows) }),
    ...(hashes && {
      hashes: {
        words: gatherWords(hashes.words, rows),
        values: once(() => {
          const values = hashes.values();
          return Array.from(rows, (row) => values[row] ?? null);
        }),
      },
    }),
  };
}

function once<T>(read: () => T): () => T {
  let value: T | undefined;
  return () => (value ??= read());
}

function gatherCodes(codes: ArrayLike<number>, rows: Uint32Array) {
  const gathered = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) gathered[i] = codes[rows[i] as number] as number;
  return narrowCodes(gathered);
}

function gatherNumbers(numbers: Float64Array, rows: Uint32Array): Float64Array {
  const gathered = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) gathered[i] = numbers[rows[i] as number] as number;
  return gathered;
}

function gatherWords(words: Uint32Array, rows: Uint32Array): Uint32Array {
  const gathered = new Uint32Array(2 * rows.length);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    gathered[2 * i] = words[2 * row] as number;
    gathered[2 * i + 1] = words[2 * row + 1] as number;
  }
  return gathered;
}
