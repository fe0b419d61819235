/**
 * Sealing: many small batches become one. A batch of a single click costs the same overhead as one of 8,192; a replay over
 * sealed segments is bound by the columns, not by the batches. Records keep their order and their offsets.
 */
import { assert } from "#protocol";
import { integerColumn, narrowCodes } from "./batch-builder.ts";
import { type AttributeColumns, type ColumnBatch, integerAt, type IntegerColumn } from "./column-batch.ts";
import type { Dictionary } from "./dictionary.ts";
import type { Value } from "./value.ts";

/** @param batches consecutive, without a gap, with codes of the same generation of dictionaries */
export function seal(batches: readonly ColumnBatch[]): ColumnBatch {
  const first = batches[0];
  assert(first !== undefined, "something to seal");
  let count = 0;
  for (const batch of batches) {
    assert(batch.baseOffset === first.baseOffset + count, "consecutive batches");
    count += batch.count;
  }
  const names = new Set(batches.flatMap((batch) => [...batch.attributes.keys()]));
  return {
    baseOffset: first.baseOffset,
    count,
    grouping: null,
    minutes: sealIntegers(batches, count, (batch) => batch.minutes),
    milliseconds: sealIntegers(batches, count, (batch) => batch.milliseconds),
    appendTimes: sealIntegers(batches, count, (batch) => batch.appendTimes),
    fromPages: sealIntegers(batches, count, (batch) => batch.fromPages),
    attributes: new Map([...names].map((name) => [name, sealAttribute(batches, count, name)])),
    minuteMin: Math.min(...batches.map((batch) => batch.minuteMin)),
    minuteMax: Math.max(...batches.map((batch) => batch.minuteMax)),
    appendTimeMax: Math.max(...batches.map((batch) => batch.appendTimeMax)),
  };
}

function sealIntegers(batches: readonly ColumnBatch[], count: number, of: (batch: ColumnBatch) => IntegerColumn) {
  const values = new Float64Array(count);
  let at = 0;
  for (const batch of batches) {
    const column = of(batch);
    for (let i = 0; i < batch.count; i++) values[at + i] = integerAt(column, i);
    at += batch.count;
  }
  return integerColumn(values);
}

function sealAttribute(batches: readonly ColumnBatch[], count: number, name: string): AttributeColumns {
  let codes: Uint32Array | undefined;
  let dictionary: Dictionary | undefined;
  let numbers: Float64Array | undefined;
  let words: Uint32Array | undefined;
  const texts: { at: number; values: () => readonly Value[] }[] = [];
  let at = 0;
  for (const batch of batches) {
    const columns = batch.attributes.get(name);
    if (columns?.codes) {
      assert(dictionary === undefined || dictionary === columns.codes.dictionary, "one generation of dictionaries");
      dictionary = columns.codes.dictionary;
      codes ??= new Uint32Array(count);
      codes.set(columns.codes.codes, at);
    }
    if (columns?.numbers) {
      numbers ??= new Float64Array(count).fill(NaN);
      numbers.set(columns.numbers, at);
    }
    if (columns?.hashes) {
      words ??= new Uint32Array(2 * count);
      words.set(columns.hashes.words, 2 * at);
      texts.push({ at, values: columns.hashes.values });
    }
    at += batch.count;
  }
  return {
    ...(codes && dictionary && { codes: { codes: narrowCodes(codes), dictionary } }),
    ...(numbers && { numbers }),
    ...(words && { hashes: { words, values: () => sealValues(texts, count) } }),
  };
}

function sealValues(texts: readonly { at: number; values: () => readonly Value[] }[], count: number): readonly Value[] {
  const sealed = new Array<Value>(count).fill(null);
  for (const { at, values } of texts) values().forEach((value, i) => (sealed[at + i] = value));
  return sealed;
}
