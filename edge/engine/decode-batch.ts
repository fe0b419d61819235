/** Reads column batches from their stored form, and refuses bytes that are not what was written; see batch-format.ts. */
import { assert, ok, type Result } from "#protocol";
import {
  type BatchHeader,
  corrupt,
  type CorruptBatch,
  DIRECTORY_ENTRY_BYTES,
  HEADER_BYTES,
  KIND,
  MAGIC,
  SYSTEM,
  VERSION,
} from "./batch-format.ts";
import type { AttributeColumns, CodeArray, ColumnBatch, IntegerColumn } from "./column-batch.ts";
import { crc32c } from "./crc32c.ts";
import { decodeAdditions } from "./dictionary-additions.ts";
import type { Dictionaries, DictionaryAdditions } from "./dictionary.ts";
import { decodeTexts } from "./text-column.ts";
import type { Value } from "./value.ts";

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
        let values: readonly Value[] | undefined;
        const read = () => decodeTexts(this.#coldPart(), texts.start, texts.bytes, this.count);
        columns.hashes = { words, values: () => (values ??= read()) };
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
