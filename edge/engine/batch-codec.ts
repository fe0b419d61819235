/**
 * The stored form of a column batch: the one format of the log, of a single click as of a sealed segment.
 *
 * A batch is two runs of bytes. The hot part has what folds read: header, directory, dictionary additions, and the columns
 * of minutes, codes, numbers and hashes. The cold part has the rest: milliseconds, append times, origins, and the texts
 * behind hashes. Both are little-endian, every column starts at a multiple of 8 bytes, so that reading is a view.
 *
 *   header, 72 bytes
 *      0  u32  magic "HWB1"              4  u32  CRC-32C of all hot bytes from 8 on
 *      8  u16  version                  10  u16  number of columns
 *     12  u32  bytes of the additions   16  f64  base offset
 *     24  u32  count                    28  u32  generation of the dictionaries
 *     32  f64  least minute             40  f64  greatest minute
 *     48  f64  greatest append time     56  u32  bytes of the cold part
 *     60  u32  CRC-32C of the cold part 64  u64  reserved, 0
 *   directory, 24 bytes a column
 *      0  u16  attribute id, or a system column's     2  u8  kind   3  u8  bytes an element, 0: only the base
 *      4  u32  start in its part                      8  u32  bytes
 *     12  u32  reserved, 0                           16  f64  base
 *   additions: JSON of the dictionary entries that this batch was the first to use (tail batches only)
 *   columns
 */
import { assert, fail, ok, type Result } from "#protocol";
import { ByteLayout } from "./byte-layout.ts";
import type { AttributeColumns, CodeArray, ColumnBatch, IntegerColumn } from "./column-batch.ts";
import { crc32c } from "./crc32c.ts";
import type { Dictionaries, DictionaryAdditions } from "./dictionary.ts";
import { decodeTexts, encodeTexts } from "./text-column.ts";

const MAGIC = 0x31425748;
const VERSION = 1;
const HEADER_BYTES = 72;
const DIRECTORY_ENTRY_BYTES = 24;

/** Kinds of column. Numbers are stored: never renumber. */
const KIND = { integers: 0, codes: 1, numbers: 2, hashes: 3, texts: 4 } as const;

/** Ids of the columns that every batch has; attributes count from 0. */
const SYSTEM = { minutes: 0xff00, milliseconds: 0xff01, appendTimes: 0xff02, fromPages: 0xff03 } as const;

/** What the header alone tells: enough to skip a batch, or to know whose dictionaries it needs. */
export interface BatchHeader {
  readonly baseOffset: number;
  readonly count: number;
  readonly generation: number;
  readonly minuteMin: number;
  readonly minuteMax: number;
  readonly appendTimeMax: number;
  readonly coldBytes: number;
}

export interface EncodedBatch {
  readonly hot: Uint8Array;
  readonly cold: Uint8Array;
}

export interface CorruptBatch {
  readonly reason: "corrupt_batch";
  readonly detail: "short" | "magic" | "version" | "checksum" | "kind";
}

interface Column {
  readonly id: number;
  readonly kind: number;
  readonly width: number;
  readonly base: number;
  readonly bytes: Uint8Array;
  readonly cold: boolean;
}

// --- Encoding --------------------------------------------------------------------------------------------------------

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

/** The stored form of dictionary additions, in a batch or in a row of their own. */
export const encodeAdditions = (additions: DictionaryAdditions): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify(additions.attributes.map(({ id, name, from, values }) => [id, name, from, values])),
  );

export function decodeAdditions(bytes: Uint8Array): DictionaryAdditions {
  if (bytes.length === 0) return { attributes: [] };
  const entries = JSON.parse(new TextDecoder().decode(bytes)) as [number, string, number, (string | boolean)[]][];
  return { attributes: entries.map(([id, name, from, values]) => ({ id, name, from, values })) };
}

// --- Decoding --------------------------------------------------------------------------------------------------------

/** Reads the header without checking the rest. */
export function readHeader(hot: Uint8Array): Result<BatchHeader, CorruptBatch> {
  if (hot.length < HEADER_BYTES) return corrupt("short");
  const view = new DataView(hot.buffer, hot.byteOffset, hot.byteLength);
  if (view.getUint32(0, true) !== MAGIC) return corrupt("magic");
  if (view.getUint16(8, true) !== VERSION) return corrupt("version");
  return ok({
    baseOffset: view.getFloat64(16, true),
    count: view.getUint32(24, true),
    generation: view.getUint32(28, true),
    minuteMin: view.getFloat64(32, true),
    minuteMax: view.getFloat64(40, true),
    appendTimeMax: view.getFloat64(48, true),
    coldBytes: view.getUint32(56, true),
  });
}

/** The dictionary entries that this batch was the first to use. To be applied before the batch is decoded. */
export function readAdditions(hot: Uint8Array): DictionaryAdditions {
  const view = new DataView(hot.buffer, hot.byteOffset, hot.byteLength);
  const start = HEADER_BYTES + view.getUint16(10, true) * DIRECTORY_ENTRY_BYTES;
  return decodeAdditions(hot.subarray(start, start + view.getUint32(12, true)));
}

/**
 * Decodes a batch. Its columns are views into `hot`, which must not change any more.
 *
 * @param cold reads the cold part, when something in it is first asked for; a wrong checksum there throws, because a reader
 *   of lazily decoded columns has no other way to be told
 * @param dictionaries of the generation that the header names
 */
export function decodeBatch(
  hot: Uint8Array,
  cold: () => Uint8Array,
  dictionaries: Dictionaries,
): Result<ColumnBatch, CorruptBatch> {
  const header = readHeader(hot);
  if (!header.ok) return header;
  const bytes = hot.byteOffset % 8 === 0 ? hot : hot.slice();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(4, true) !== crc32c(bytes, 8, bytes.length)) return corrupt("checksum");
  assert(header.value.generation === dictionaries.generation, "dictionaries of the batch's generation");
  return ok(new StoredBatch(header.value, bytes, view, cold, dictionaries));
}

/** A batch over its stored bytes. What lies in the cold part is read when it is asked for. */
class StoredBatch implements ColumnBatch {
  readonly baseOffset: number;
  readonly count: number;
  readonly minuteMin: number;
  readonly minuteMax: number;
  readonly appendTimeMax: number;
  readonly minutes: IntegerColumn;
  readonly attributes: ReadonlyMap<string, AttributeColumns>;
  readonly #coldCrc: number;
  readonly #readCold: () => Uint8Array;
  readonly #directory: ReadonlyMap<number, DirectoryEntry>;
  #cold: Uint8Array | undefined;

  constructor(
    header: BatchHeader,
    hot: Uint8Array,
    view: DataView,
    cold: () => Uint8Array,
    dictionaries: Dictionaries,
  ) {
    this.baseOffset = header.baseOffset;
    this.count = header.count;
    this.minuteMin = header.minuteMin;
    this.minuteMax = header.minuteMax;
    this.appendTimeMax = header.appendTimeMax;
    this.#readCold = cold;
    this.#coldCrc = view.getUint32(60, true);
    const entries = readDirectory(view);
    this.#directory = new Map(entries.filter((entry) => entry.id >= SYSTEM.minutes).map((entry) => [entry.id, entry]));
    this.minutes = this.#integers(SYSTEM.minutes, () => hot);
    this.attributes = this.#attributes(entries, hot, dictionaries);
  }

  get milliseconds(): IntegerColumn {
    return this.#integers(SYSTEM.milliseconds, () => this.#coldPart());
  }

  get appendTimes(): IntegerColumn {
    return this.#integers(SYSTEM.appendTimes, () => this.#coldPart());
  }

  get fromPages(): IntegerColumn {
    return this.#integers(SYSTEM.fromPages, () => this.#coldPart());
  }

  #coldPart(): Uint8Array {
    if (this.#cold === undefined) {
      const read = this.#readCold();
      const bytes = read.byteOffset % 8 === 0 ? read : read.slice();
      assert(crc32c(bytes, 0, bytes.length) === this.#coldCrc, "the cold part's checksum");
      this.#cold = bytes;
    }
    return this.#cold;
  }

  #integers(id: number, part: () => Uint8Array): IntegerColumn {
    const entry = this.#directory.get(id);
    assert(entry !== undefined, "every batch has its system columns");
    return { base: entry.base, deltas: entry.width === 0 ? null : arrayOf(part(), entry, this.count) };
  }

  #attributes(entries: readonly DirectoryEntry[], hot: Uint8Array, dictionaries: Dictionaries) {
    const attributes = new Map<string, { -readonly [k in keyof AttributeColumns]: AttributeColumns[k] }>();
    for (const entry of entries) {
      if (entry.id >= SYSTEM.minutes) continue;
      const name = dictionaries.nameOf(entry.id);
      const columns = attributes.get(name) ?? {};
      attributes.set(name, columns);
      if (entry.kind === KIND.codes) {
        const codes = arrayOf(hot, entry, this.count) as CodeArray;
        columns.codes = { codes, dictionary: dictionaries.dictionary(entry.id) };
      } else if (entry.kind === KIND.numbers) {
        columns.numbers = arrayOf(hot, entry, this.count) as Float64Array;
      } else if (entry.kind === KIND.hashes) {
        const words = new Uint32Array(hot.buffer, hot.byteOffset + entry.start, 2 * this.count);
        const texts = entries.find((other) => other.id === entry.id && other.kind === KIND.texts);
        assert(texts !== undefined, "hashes have their texts in the cold part");
        columns.hashes = { words, values: () => decodeTexts(this.#coldPart(), texts.start, texts.bytes, this.count) };
      }
    }
    return attributes;
  }
}

interface DirectoryEntry {
  readonly id: number;
  readonly kind: number;
  readonly width: number;
  readonly start: number;
  readonly bytes: number;
  readonly base: number;
}

function readDirectory(view: DataView): readonly DirectoryEntry[] {
  return Array.from({ length: view.getUint16(10, true) }, (_, i) => {
    const at = HEADER_BYTES + i * DIRECTORY_ENTRY_BYTES;
    return {
      id: view.getUint16(at, true),
      kind: view.getUint8(at + 2),
      width: view.getUint8(at + 3),
      start: view.getUint32(at + 4, true),
      bytes: view.getUint32(at + 8, true),
      base: view.getFloat64(at + 16, true),
    };
  });
}

function arrayOf(part: Uint8Array, { start, width }: DirectoryEntry, count: number) {
  const at = part.byteOffset + start;
  switch (width) {
    case 1:
      return new Uint8Array(part.buffer, at, count);
    case 2:
      return new Uint16Array(part.buffer, at, count);
    case 4:
      return new Uint32Array(part.buffer, at, count);
    default:
      return new Float64Array(part.buffer, at, count);
  }
}

const corrupt = (detail: CorruptBatch["detail"]) => fail<CorruptBatch>({ reason: "corrupt_batch", detail });
