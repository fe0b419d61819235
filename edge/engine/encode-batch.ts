/** Gives a column batch its stored form; see batch-format.ts. */
import {
  DIRECTORY_ENTRY_BYTES,
  type EncodedBatch,
  HEADER_BYTES,
  KIND,
  MAGIC,
  SYSTEM,
  VERSION,
} from "./batch-format.ts";
import { ByteLayout } from "./byte-layout.ts";
import type { CodeArray, ColumnBatch, IntegerColumn } from "./column-batch.ts";
import { crc32c } from "./crc32c.ts";
import { encodeAdditions } from "./dictionary-additions.ts";
import type { Dictionaries, DictionaryAdditions } from "./dictionary.ts";
import { encodeTexts } from "./text-column.ts";

interface Column {
  readonly id: number;
  readonly kind: number;
  readonly width: number;
  readonly base: number;
  readonly bytes: Uint8Array;
  readonly cold: boolean;
}

/** @param additions the dictionary entries that came with this batch; null for a segment, whose entries are stored apart */
export function encodeBatch(
  batch: ColumnBatch,
  dictionaries: Dictionaries,
  additions: DictionaryAdditions | null,
): EncodedBatch {
  const columns = columnsOf(batch, dictionaries);
  const additionBytes = additions === null ? new Uint8Array(0) : encodeAdditions(additions);
  const hotLayout = new ByteLayout(HEADER_BYTES + columns.length * DIRECTORY_ENTRY_BYTES + additionBytes.length);
  const coldLayout = new ByteLayout(0);
  const starts = columns.map(({ bytes, cold }) => (cold ? coldLayout : hotLayout).reserve(bytes.length));
  const hot = new Uint8Array(hotLayout.size);
  const cold = new Uint8Array(coldLayout.size);
  columns.forEach(({ bytes, cold: isCold }, i) => (isCold ? cold : hot).set(bytes, starts[i] as number));
  hot.set(additionBytes, HEADER_BYTES + columns.length * DIRECTORY_ENTRY_BYTES);
  writeDirectory(new DataView(hot.buffer), columns, starts);
  writeHeader(new DataView(hot.buffer), batch, dictionaries.generation, columns.length, additionBytes.length, cold);
  new DataView(hot.buffer).setUint32(4, crc32c(hot, 8, hot.length), true);
  return { hot, cold };
}

function columnsOf(batch: ColumnBatch, dictionaries: Dictionaries): readonly Column[] {
  const columns: Column[] = [
    integers(SYSTEM.minutes, batch.minutes, false),
    integers(SYSTEM.milliseconds, batch.milliseconds, true),
    integers(SYSTEM.appendTimes, batch.appendTimes, true),
    integers(SYSTEM.fromPages, batch.fromPages, true),
  ];
  for (const [name, { codes, numbers, hashes }] of batch.attributes) {
    const id = dictionaries.attributeId(name);
    const add = (kind: number, width: number, bytes: Uint8Array, cold = false) =>
      columns.push({ id, kind, width, base: 0, bytes, cold });
    if (codes) add(KIND.codes, codes.codes.BYTES_PER_ELEMENT, bytesOf(codes.codes));
    if (numbers) add(KIND.numbers, 8, bytesOf(numbers));
    if (hashes) {
      add(KIND.hashes, 8, bytesOf(hashes.words));
      add(KIND.texts, 1, encodeTexts(hashes.values()), true);
    }
  }
  return columns;
}

const integers = (id: number, { base, deltas }: IntegerColumn, cold: boolean): Column => ({
  id,
  kind: KIND.integers,
  width: deltas === null ? 0 : deltas.BYTES_PER_ELEMENT,
  base,
  bytes: deltas === null ? new Uint8Array(0) : bytesOf(deltas),
  cold,
});

const bytesOf = (array: CodeArray | Float64Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function writeHeader(
  view: DataView,
  batch: ColumnBatch,
  generation: number,
  columns: number,
  additionBytes: number,
  cold: Uint8Array,
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
  view.setUint32(56, cold.length, true);
  view.setUint32(60, crc32c(cold, 0, cold.length), true);
}

function writeDirectory(view: DataView, columns: readonly Column[], starts: readonly number[]): void {
  columns.forEach(({ id, kind, width, base, bytes }, i) => {
    const at = HEADER_BYTES + i * DIRECTORY_ENTRY_BYTES;
    view.setUint16(at, id, true);
    view.setUint8(at + 2, kind);
    view.setUint8(at + 3, width);
    view.setUint32(at + 4, starts[i] as number, true);
    view.setUint32(at + 8, bytes.length, true);
    view.setFloat64(at + 16, base, true);
  });
}
