/** Reads column batches from their stored form, and refuses bytes that are not what was written; see batch-format.ts. */
import { assert, ok, type Result } from "#protocol";
import {
  additionsStart,
  type DirectoryEntry,
  isKnownVersion,
  isVersion1,
  preludeBytes,
  readDirectory,
} from "./batch-directory.ts";
import {
  type BatchHeader,
  type ColumnChecks,
  corrupt,
  type CorruptBatch,
  HEADER_BYTES,
  MAGIC,
  PART,
  type PartReader,
} from "./batch-format.ts";
import type { ColumnBatch } from "./column-batch.ts";
import { aligned, ColumnReader } from "./column-reader.ts";
import { crc32c } from "./crc32c.ts";
import { decodeAdditions } from "./dictionary-additions.ts";
import type { Dictionaries, DictionaryAdditions } from "./dictionary.ts";
import { StoredBatch } from "./stored-batch.ts";

/** Reads the header without checking the rest. */
export function readHeader(hot: Uint8Array): Result<BatchHeader, CorruptBatch> {
  if (hot.length < HEADER_BYTES) return corrupt("short");
  const view = viewOf(hot);
  if (view.getUint32(0, true) !== MAGIC) return corrupt("magic");
  if (!isKnownVersion(view.getUint16(8, true))) return corrupt("version");
  return ok({
    baseOffset: view.getFloat64(16, true),
    count: view.getUint32(24, true),
    generation: view.getUint32(28, true),
    minuteMin: view.getFloat64(32, true),
    minuteMax: view.getFloat64(40, true),
    appendTimeMax: view.getFloat64(48, true),
  });
}

/** The dictionary entries that this batch was the first to use. To be applied before the batch is decoded. */
export function readAdditions(hot: Uint8Array): DictionaryAdditions {
  const view = viewOf(hot);
  return decodeAdditions(hot.subarray(additionsStart(view), preludeBytes(view)));
}

/**
 * Decodes a batch. Its columns are views into its parts, which must not change any more. A column is checked when it is first
 * read; a wrong checksum throws there.
 *
 * @param dictionaries of the generation that the header names
 * @param checks what is known of the columns; null: nothing, and nobody wants to know
 */
export function decodeBatch(
  hot: Uint8Array,
  parts: PartReader,
  dictionaries: Dictionaries,
  checks: ColumnChecks | null = null,
): Result<ColumnBatch, CorruptBatch> {
  const header = readHeader(hot);
  if (!header.ok) return header;
  const bytes = aligned(hot);
  const view = viewOf(bytes);
  // The first version had one checksum over everything that is hot.
  const checkedTo = isVersion1(view) ? bytes.length : preludeBytes(view);
  if (checkedTo > bytes.length) return corrupt("short");
  if (view.getUint32(4, true) !== crc32c(bytes, 8, checkedTo)) return corrupt("checksum");
  assert(header.value.generation === dictionaries.generation, "dictionaries of the batch's generation");
  const directory = readDirectory(view);
  if (!directory.every((entry) => fitsHot(entry, bytes))) return corrupt("short");
  const reader = new ColumnReader(bytes, parts, isVersion1(view) ? view.getUint32(60, true) : null, checks);
  return ok(new StoredBatch(header.value, directory, reader, dictionaries));
}

const fitsHot = ({ part, start, bytes }: DirectoryEntry, hot: Uint8Array): boolean =>
  part !== PART.hot || start + bytes <= hot.length;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
