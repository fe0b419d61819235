/** Gives a column batch its stored form; see batch-format.ts. */
import { integerColumn } from "./batch-builder.ts";
import {
  DIRECTORY_ENTRY_BYTES,
  type EncodedBatch,
  HEADER_BYTES,
  KIND,
  MAGIC,
  PART,
  SYSTEM,
  VERSION,
  COLUMN_PARTS_MAX,
} from "./batch-format.ts";
import { ByteLayout } from "./byte-layout.ts";
import type { AttributeColumns, CodeArray, ColumnBatch, Grouping, IntegerColumn } from "./column-batch.ts";
import { crc32c } from "./crc32c.ts";
import { toDecimals } from "./decimals.ts";
import { encodeAdditions } from "./dictionary-additions.ts";
import type { Dictionaries, DictionaryAdditions } from "./dictionary.ts";
import { encodeTexts } from "./text-column.ts";

interface Column {
  readonly id: number;
  readonly kind: number;
  readonly width: number;
  readonly base: number;
  readonly decimals: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly place: "hot" | "apart" | "cold";
}

/** A column that has been given its place. */
interface PlacedColumn extends Column {
  readonly part: number;
  readonly start: number;
}

/**
 * @param additions the dictionary entries that came with this batch of the tail; null for a segment, whose entries are stored
 *   apart, and most of whose columns are too
 */
export function encodeBatch(
  batch: ColumnBatch,
  dictionaries: Dictionaries,
  additions: DictionaryAdditions | null,
): EncodedBatch {
  const columns = columnsOf(batch, dictionaries);
  const additionBytes = additions === null ? new Uint8Array(0) : encodeAdditions(additions);
  const prelude = HEADER_BYTES + columns.length * DIRECTORY_ENTRY_BYTES + additionBytes.length;
  const { placed, parts } = placeColumns(columns, prelude, additions === null);
  const hot = parts.get(PART.hot) ?? new Uint8Array(prelude);
  hot.set(additionBytes, prelude - additionBytes.length);
  const view = new DataView(hot.buffer);
  writeDirectory(view, placed);
  writeHeader(view, batch, dictionaries.generation, columns.length, additionBytes.length);
  view.setUint32(4, crc32c(hot, 8, prelude), true);
  const apart: Uint8Array[] = [];
  for (let part = 1; parts.has(part); part++) apart.push(parts.get(part) as Uint8Array);
  return { hot, apart, cold: parts.get(PART.cold) ?? new Uint8Array(0) };
}

/**
 * Gives each column its part and its place there, and copies it. Of those kept apart the narrow ones come first: a database that
 * reads a part of a row goes past those before it.
 */
function placeColumns(unordered: readonly Column[], prelude: number, isSplit: boolean) {
  const rank = ({ place, width }: Column) => (place === "apart" ? width : 0);
  const columns = unordered.toSorted((a, b) => rank(a) - rank(b));
  const layouts = new Map([[PART.hot as number, new ByteLayout(prelude)]]);
  let apart = 0;
  const placed = columns.map((column): PlacedColumn => {
    const isApart = column.place === "apart" && isSplit;
    const part = isApart ? Math.min(++apart, COLUMN_PARTS_MAX) : column.place === "cold" ? PART.cold : PART.hot;
    const layout = layouts.get(part) ?? new ByteLayout(0);
    layouts.set(part, layout);
    return { ...column, part, start: layout.reserve(column.bytes.length) };
  });
  const parts = new Map(Array.from(layouts, ([part, { size }]) => [part, new Uint8Array(size)]));
  for (const { part, start, bytes } of placed) parts.get(part)?.set(bytes, start);
  return { placed, parts };
}

function columnsOf(batch: ColumnBatch, dictionaries: Dictionaries): readonly Column[] {
  const { grouping } = batch;
  const columns: Column[] = [
    ...(grouping === null ? [integers(SYSTEM.minutes, batch.minutes, batch.count)] : groupingColumns(grouping)),
    integers(SYSTEM.milliseconds, batch.milliseconds, batch.count, "cold"),
    integers(SYSTEM.appendTimes, appendTimesInOffsetOrder(batch), batch.count, "cold"),
    integers(SYSTEM.fromPages, batch.fromPages, batch.count, "cold"),
  ];
  for (const [name, attribute] of batch.attributes) {
    const runs = grouping?.attribute === name ? grouping : null;
    columns.push(...attributeColumns(dictionaries.attributeId(name), attribute, runs));
  }
  return columns;
}

function groupingColumns({ minutes, rowStarts, runStarts, runLengths, runCodes, arrival }: Grouping): Column[] {
  const lengths = (starts: Uint32Array) =>
    integerColumn(Float64Array.from(minutes, (_, i) => (starts[i + 1] as number) - (starts[i] as number)));
  return [
    integers(SYSTEM.stretchMinutes, integerColumn(minutes), minutes.length),
    integers(SYSTEM.stretchRows, lengths(rowStarts), minutes.length),
    integers(SYSTEM.stretchRuns, lengths(runStarts), minutes.length),
    integers(SYSTEM.runLengths, runLengths, runCodes.length),
    integers(SYSTEM.arrival, { base: 0, deltas: arrival }, arrival.length, "cold"),
  ];
}

function appendTimesInOffsetOrder(batch: ColumnBatch): IntegerColumn {
  const { base, deltas } = batch.appendTimes;
  if (deltas === null || batch.grouping === null) return batch.appendTimes;
  const inOrder = deltas.slice();
  batch.grouping.arrival.forEach((place, row) => (inOrder[place] = deltas[row] as number));
  return { base, deltas: inOrder };
}

/** @param runs if the attribute's codes make the runs of the batch */
function attributeColumns(id: number, { codes, numbers, hashes }: AttributeColumns, runs: Grouping | null): Column[] {
  const columns: Column[] = [];
  if (codes) {
    const [first] = codes.codes;
    if (runs !== null) columns.push(arrayColumn(id, KIND.runCodes, runs.runCodes, "hot"));
    else if (first !== undefined && codes.codes.every((code) => code === first)) {
      columns.push({
        ...arrayColumn(id, KIND.codes, new Uint8Array(0), "hot"),
        width: 0,
        base: first,
        count: codes.codes.length,
      });
    } else columns.push(arrayColumn(id, KIND.codes, codes.codes, "apart"));
  }
  if (numbers) {
    const narrow = toDecimals(numbers);
    columns.push(
      narrow === null
        ? arrayColumn(id, KIND.numbers, numbers, "apart")
        : { ...arrayColumn(id, KIND.decimals, narrow.integers, "apart"), base: narrow.base, decimals: narrow.decimals },
    );
  }
  if (hashes) {
    const count = hashes.words.length / 2;
    columns.push({ ...arrayColumn(id, KIND.hashes, hashes.words, "apart"), width: 8, count });
    columns.push({ ...arrayColumn(id, KIND.texts, encodeTexts(hashes.values()), "cold"), count });
  }
  return columns;
}

const arrayColumn = (id: number, kind: number, array: CodeArray | Float64Array, place: Column["place"]): Column => ({
  id,
  kind,
  width: array.BYTES_PER_ELEMENT,
  base: 0,
  decimals: 0,
  count: array.length,
  bytes: bytesOf(array),
  place,
});

function integers(id: number, { base, deltas }: IntegerColumn, count: number, place: Column["place"] = "hot"): Column {
  const width = deltas === null ? 0 : deltas.BYTES_PER_ELEMENT;
  const bytes = deltas === null ? new Uint8Array(0) : bytesOf(deltas);
  return { id, kind: KIND.integers, width, base, decimals: 0, count, bytes, place };
}

const bytesOf = (array: CodeArray | Float64Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function writeHeader(
  view: DataView,
  batch: ColumnBatch,
  generation: number,
  columns: number,
  additionBytes: number,
): void {
  view.setUint32(0, MAGIC, true);
  view.setUint16(8, VERSION, true);
  view.setUint16(10, columns, true);
  view.setUint32(12, additionBytes, true);
  view.setFloat64(16, batch.baseOffset, true);
  view.setUint32(24, batch.count, true);
  view.setUint32(28, generation, true);
  view.setFloat64(32, batch.minuteMin, true);
  view.setFloat64(40, batch.minuteMax, true);
  view.setFloat64(48, batch.appendTimeMax, true);
}

function writeDirectory(view: DataView, columns: readonly PlacedColumn[]): void {
  columns.forEach(({ id, kind, width, part, decimals, start, bytes, count, base }, i) => {
    const at = HEADER_BYTES + i * DIRECTORY_ENTRY_BYTES;
    view.setUint16(at, id, true);
    view.setUint8(at + 2, kind);
    view.setUint8(at + 3, width);
    view.setUint8(at + 4, part);
    view.setUint8(at + 5, decimals);
    view.setUint32(at + 8, start, true);
    view.setUint32(at + 12, bytes.length, true);
    view.setUint32(at + 16, count, true);
    view.setUint32(at + 20, crc32c(bytes, 0, bytes.length), true);
    view.setFloat64(at + 24, base, true);
  });
}
