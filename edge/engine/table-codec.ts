/**
 * Group tables as bytes. One format is the stored window of a view, its checkpoint, and the partial answer that a partition
 * sends: what can be merged can be stored and sent.
 *
 *   0   magic "HWGT"
 *   4   version
 *   8   CRC-32C of everything from byte 12 on; since version 2 xor the version, so that no other one is taken for it
 *   12  bytes in all: pieces in a stream are cut by it
 *   16  checksum of the shape: groupBy and accumulators
 *   20  number of groups
 *   24  start of the window, float64 milliseconds
 *   32  append time of the last change, float64 milliseconds
 *   40  generation of the dictionaries that its keys refer to, 0: none; reserved, 0 (both since version 2)
 *   48  for each key column: its keys (table-keys.ts; in version 1 without a base)
 *       records of each group
 *       the accumulators' own columns (see their `write`)
 *
 * A view's windows refer to the partition's dictionaries, which outlive them; what leaves the partition refers to nothing.
 * Integers are little-endian, columns start at multiples of 8 (bytes.ts). A table may be cut into pieces of some groups each,
 * which merge into the whole.
 */
import { assert, fail, ok, type Result } from "#protocol";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { CodeArray } from "./column-batch.ts";
import { crc32c } from "./crc32c.ts";
import type { Dictionaries } from "./dictionary.ts";
import type { FoldState } from "./fold-state.ts";
import { GroupTable } from "./group-table.ts";
import type { HomeTable, Interner } from "./interner.ts";
import { ENGINE_LIMITS } from "./limits.ts";
import { mergeWindow } from "./merge.ts";
import type { Shape } from "./plan.ts";
import { keyBytes, readKeys, writeKeys } from "./table-keys.ts";
import { untaggedValue } from "./value.ts";

const MAGIC = 0x54475748; // "HWGT", little-endian
const VERSION = 2;
/** Still read: keys are texts, and there is no generation. */
const VERSION_1 = 1;
const CHECKSUM_AT = 8;
const CHECKED_FROM = 12;
const LENGTH_AT = 12;
const HEADER_BYTES = 40;

/** Why bytes are not a table of this shape. */
export type TableFailure =
  | { readonly reason: "table_corrupt"; readonly detail: string }
  | { readonly reason: "table_version"; readonly version: number; readonly expected: number }
  | { readonly reason: "table_shape"; readonly detail: string };

/** A whole table in one piece. */
export const encodeTable = (
  shape: Shape,
  table: GroupTable,
  dictionaries: Dictionaries | null = null,
): Uint8Array<ArrayBuffer> => encodeGroups(shape, table, 0, table.size, dictionaries);

/**
 * A table in pieces of at most `bytesMax` each, unless a single group takes more. An empty table is one piece.
 *
 * @param dictionaries that keys are to refer to; null: to nothing
 */
export function* encodeTablePieces(
  shape: Shape,
  table: GroupTable,
  bytesMax: number = ENGINE_LIMITS.storedBytesMax,
  dictionaries: Dictionaries | null = null,
): Generator<Uint8Array<ArrayBuffer>, void> {
  // Most tables are one piece, and are no sooner known to be than when they are encoded.
  if (8 * table.size <= bytesMax) {
    const whole = encodeGroups(shape, table, 0, table.size, dictionaries);
    if (whole.length <= bytesMax) {
      yield whole;
      return;
    }
  }
  let from = 0;
  do {
    const to = pieceEnd(shape, table, from, bytesMax, dictionaries);
    yield encodeGroups(shape, table, from, to, dictionaries);
    from = to;
  } while (from < table.size);
}

/** All windows of a state, in pieces of at most `bytesMax` each, to be merged by {@link mergePiece} in any order. */
export function* encodeState(
  shape: Shape,
  state: FoldState,
  bytesMax: number = ENGINE_LIMITS.storedBytesMax,
  dictionaries: Dictionaries | null = null,
): Generator<Uint8Array<ArrayBuffer>, void> {
  for (const table of state.windows.values()) yield* encodeTablePieces(shape, table, bytesMax, dictionaries);
}

/** Merges one piece into a state. On failure the state is as it was. */
export function mergePiece(
  shape: Shape,
  state: FoldState,
  bytes: Uint8Array,
  dictionariesOf: DictionariesOf = noDictionaries,
): Result<GroupTable, TableFailure> {
  const decoded = decodeTable(shape, state, bytes, dictionariesOf);
  if (!decoded.ok) return decoded;
  const table = decoded.value;
  if (state.windows.has(table.start)) {
    mergeWindow(shape, state, table);
  } else {
    state.windows.set(table.start, table);
    state.groups += table.size;
  }
  return decoded;
}

/**
 * A table from its bytes. Its keys are numbered as the state's, so that it merges into the state's windows without being
 * translated; it is not made one of them.
 *
 * @param isSound whether the very same bytes were found sound before: then they are not held against their checksum again
 */
export function decodeTable(
  shape: Shape,
  state: Pick<FoldState, "interners">,
  bytes: Uint8Array,
  dictionariesOf: DictionariesOf = noDictionaries,
  isSound = false,
): Result<GroupTable, TableFailure> {
  if (bytes.length < HEADER_BYTES) return corrupt(`${bytes.length} bytes, fewer than a header`);
  const reader = new ByteReader(bytes);
  if (reader.uint32() !== MAGIC) return corrupt("no group table");
  const version = reader.uint32();
  if (version !== VERSION && version !== VERSION_1)
    return fail({ reason: "table_version", version, expected: VERSION });
  const checksum = reader.uint32();
  const byteLength = reader.uint32();
  if (byteLength !== bytes.length) return corrupt(`${bytes.length} bytes instead of ${byteLength}`);
  if (!isSound && checksumOf(bytes, version) !== checksum) return corrupt("the checksum is wrong");
  if (reader.uint32() !== shapeChecksum(shape)) {
    return fail({ reason: "table_shape", detail: "the table has other groups or measures" });
  }
  const size = reader.uint32();
  const table = new GroupTable(reader.float64(), shape, state.interners);
  table.changedAt = reader.float64();
  const generation = version === VERSION_1 ? 0 : reader.uint32();
  if (version !== VERSION_1) reader.uint32();
  const dictionaries = generation === 0 ? null : dictionariesOf(generation);
  const keys: CodeArray[] = [];
  for (const [k, interner] of state.interners.entries()) {
    const name = shape.groupBy[k] as string;
    const column =
      version === VERSION_1
        ? readTextKeys(reader, interner, size)
        : readKeys(reader, interner, size, () => dictionaries?.find(name) ?? null);
    if (column === null) return corrupt("keys of a dictionary that is not here");
    keys.push(column);
  }
  table.restore(keys, reader.integers(size), size);
  for (const accumulator of table.accumulators) accumulator.read(reader, size);
  return ok(table);
}

/** The length of the piece that begins at `at`, or null if its header has not arrived whole: how to cut a byte stream. */
export function pieceLength(bytes: Uint8Array, at = 0): number | null {
  if (bytes.length - at < LENGTH_AT + 4) return null;
  return new DataView(bytes.buffer, bytes.byteOffset + at, LENGTH_AT + 4).getUint32(LENGTH_AT, true);
}

/** Pieces that lie one behind the other. */
export function* cutPieces(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length;) {
    const length = pieceLength(bytes, at);
    assert(length !== null && length > 0 && at + length <= bytes.length, "whole pieces");
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function encodeGroups(
  shape: Shape,
  table: GroupTable,
  from: number,
  to: number,
  dictionaries: Dictionaries | null,
): Uint8Array<ArrayBuffer> {
  assert(dictionaries?.generation !== 0, "generations of dictionaries count from 1: 0 says that there is none");
  const writer = new ByteWriter(HEADER_BYTES + 16 * (to - from));
  writer.uint32(MAGIC);
  writer.uint32(VERSION);
  writer.uint32(0);
  writer.uint32(0);
  writer.uint32(shapeChecksum(shape));
  writer.uint32(to - from);
  writer.float64(table.start);
  writer.float64(table.changedAt);
  writer.uint32(dictionaries?.generation ?? 0);
  writer.uint32(0);
  table.keys.forEach((codes, k) => {
    const dictionary = dictionaries?.find(shape.groupBy[k] as string) ?? null;
    writeKeys(writer, table.interners[k] as Interner, codes, from, to, dictionary);
  });
  writer.integers(table.records, from, to);
  for (const accumulator of table.accumulators) accumulator.write(writer, from, to);
  const bytes = writer.finish();
  const header = new DataView(bytes.buffer);
  header.setUint32(LENGTH_AT, bytes.length, true);
  header.setUint32(CHECKSUM_AT, checksumOf(bytes, VERSION), true);
  return bytes;
}

function checksumOf(bytes: Uint8Array, version: number): number {
  const checksum = crc32c(bytes, CHECKED_FROM, bytes.length);
  return version === VERSION_1 ? checksum : (checksum ^ version) >>> 0;
}

/** Keys of the first version: texts, and a code for each group: 0 is absent, else its text's index + 1. */
function readTextKeys(reader: ByteReader, interner: Interner, count: number): CodeArray {
  const own = [0, ...reader.texts().map((text) => interner.intern(untaggedValue(text)))];
  const local = reader.integers(count);
  const codes = new Uint32Array(count);
  for (let group = 0; group < count; group++) codes[group] = own[local[group] as number] as number;
  return codes;
}

/** What codes stand for in one generation of dictionaries: those themselves, or as much of them as was sent along. */
export interface KeyValues {
  find(attribute: string): HomeTable | null;
}

/** Dictionaries by generation. */
export type DictionariesOf = (generation: number) => KeyValues | null;

const noDictionaries: DictionariesOf = () => null;

/** The first group that no longer fits a piece of `bytesMax` which begins with the group `from`. */
function pieceEnd(
  shape: Shape,
  table: GroupTable,
  from: number,
  bytesMax: number,
  dictionaries: Dictionaries | null,
): number {
  const used = shape.groupBy.map((name) => dictionaries?.find(name) ?? null);
  // A constant for each column: counts, widths and padding.
  let bytes = HEADER_BYTES + 64 * (1 + table.keys.length + table.accumulators.length);
  let group = from;
  for (; group < table.size; group++) {
    bytes += 8;
    table.keys.forEach((codes, k) => {
      bytes += keyBytes(table.interners[k] as Interner, codes[group] as number, used[k] ?? null);
    });
    for (const accumulator of table.accumulators) bytes += accumulator.bytesOf(group);
    if (bytes > bytesMax && group > from) break;
  }
  return group;
}

/** Tells tables of different shapes apart. The names of measures are no part of it: they hold the same numbers. */
function shapeChecksum(shape: Shape): number {
  let checksum = shapeChecksums.get(shape);
  if (checksum === undefined) {
    const { groupBy, accumulators } = shape;
    const text = new TextEncoder().encode(JSON.stringify([groupBy, accumulators.map((a) => [a.kind, a.attribute])]));
    checksum = crc32c(text, 0, text.length);
    shapeChecksums.set(shape, checksum);
  }
  return checksum;
}

const shapeChecksums = new WeakMap<Shape, number>();

const corrupt = (detail: string) => fail<TableFailure>({ reason: "table_corrupt", detail });
