/** A part of a column batch, as a batch of its own: what is left of a segment of which the first records were trimmed. */
import { assert } from "#protocol";
import { integerColumn, narrowCodes } from "./batch-builder.ts";
import { type AttributeColumns, type ColumnBatch, integerAt, type IntegerColumn } from "./column-batch.ts";

/** Records [start, end) of a batch, at least one, at the offsets that they have. */
export function slice(batch: ColumnBatch, start: number, end: number): ColumnBatch {
  assert(0 <= start && start < end && end <= batch.count, "records of the batch");
  const minutes = sliceIntegers(batch.minutes, start, end);
  const attributes = new Map<string, AttributeColumns>();
  for (const [name, columns] of batch.attributes) attributes.set(name, sliceAttribute(columns, start, end));
  return {
    baseOffset: batch.baseOffset + start,
    count: end - start,
    minutes: integerColumn(minutes),
    milliseconds: integerColumn(sliceIntegers(batch.milliseconds, start, end)),
    appendTimes: integerColumn(sliceIntegers(batch.appendTimes, start, end)),
    fromPages: integerColumn(sliceIntegers(batch.fromPages, start, end)),
    attributes,
    minuteMin: minutes.reduce((a, b) => Math.min(a, b)),
    minuteMax: minutes.reduce((a, b) => Math.max(a, b)),
    // Append times never fall within a log.
    appendTimeMax: integerAt(batch.appendTimes, end - 1),
  };
}

const sliceIntegers = (column: IntegerColumn, start: number, end: number): Float64Array =>
  Float64Array.from({ length: end - start }, (_, i) => integerAt(column, start + i));

function sliceAttribute({ codes, numbers, hashes }: AttributeColumns, start: number, end: number): AttributeColumns {
  return {
    ...(codes && { codes: { codes: narrowCodes(codes.codes.slice(start, end)), dictionary: codes.dictionary } }),
    ...(numbers && { numbers: numbers.slice(start, end) }),
    ...(hashes && {
      hashes: {
        words: hashes.words.slice(2 * start, 2 * end),
        values: () => hashes.values().slice(start, end),
      },
    }),
  };
}
