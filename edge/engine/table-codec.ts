/**
 * Group tables as bytes. One format is the stored window of a view, its checkpoint, and the partial answer that a partition
 * sends: what can be merged can be stored and sent.
 *
 *   0   magic "HWGT"
 *   4   version
 *   8   CRC-32C of everything from byte 12 on
 *   12  bytes in all: pieces in a stream are cut by it
 *   16  checksum of the shape: groupBy and accumulators
 *   20  number of groups
 *   24  start of the window, float64 milliseconds
 *   32  append time of the last change, float64 milliseconds
 *   40  for each key column: its values as tagged text, then a code for each group (0: absent, else index + 1)
 *       records of each group
 *       the accumulators' own columns (see their `write`)
 *
 * Nothing refers to a dictionary outside: a table outlives the log that it was folded from. Integers are little-endian, columns
 * start at multiples of 8 (bytes.ts). A table may be cut into pieces of some groups each, which merge into the whole.
 */
import { type AttributeValue, fail, ok, type Result } from "#protocol";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { CodeArray } from "./column-batch.ts";
import { crc32c } from "./crc32c.ts";
import type { FoldState } from "./fold-state.ts";
import { GroupTable } from "./group-table.ts";
import type { Interner } from "./interner.ts";
import { ENGINE_LIMITS } from "./limits.ts";
import { mergeWindow } from "./merge.ts";
import type { Shape } from "./plan.ts";
import { taggedText, untaggedValue, type Value } from "./value.ts";

const MAGIC = 0x54475748; // "HWGT", little-endian
const VERSION = 1;
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
export const encodeTable = (shape: Shape, table: GroupTable): Uint8Array<ArrayBuffer> =>
  encodeGroups(shape, table, 0, table.size);

/** A table in pieces of at most `bytesMax` each, unless a single group takes more. An empty table is one piece. */
export function* encodeTablePieces(
  shape: Shape,
  table: GroupTable,
  bytesMax: number = ENGINE_LIMITS.storedBytesMax,
): Generator<Uint8Array<ArrayBuffer>, void> {
  let from = 0;
  do {
    const to = pieceEnd(table, from, bytesMax);
    yield encodeGroups(shape, table, from, to);
    from = to;
  } while (from < table.size);
}

/** All windows of a state, in pieces of at most `bytesMax` each, to be merged by {@link mergePiece} in any order. */
export function* encodeState(
  shape: Shape,
  state: FoldState,
  bytesMax: number = ENGINE_LIMITS.storedBytesMax,
): Generator<Uint8Array<ArrayBuffer>, void> {
  for (const table of state.windows.values()) yield* encodeTablePieces(shape, table, bytesMax);
}

/** Merges one piece into a state. On failure the state is as it was. */
export function mergePiece(shape: Shape, state: FoldState, bytes: Uint8Array): Result<GroupTable, TableFailure> {
  const decoded = decodeTable(shape, state, bytes);
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
 */
export function decodeTable(
  shape: Shape,
  state: Pick<FoldState, "interners">,
  bytes: Uint8Array,
): Result<GroupTable, TableFailure> {
  if (bytes.length < HEADER_BYTES) return corrupt(`${bytes.length} bytes, fewer than a header`);
  const reader = new ByteReader(bytes);
  if (reader.uint32() !== MAGIC) return corrupt("no group table");
  const version = reader.uint32();
  if (version !== VERSION) return fail({ reason: "table_version", version, expected: VERSION });
  const checksum = reader.uint32();
  const byteLength = reader.uint32();
  if (byteLength !== bytes.length) return corrupt(`${bytes.length} bytes instead of ${byteLength}`);
  if (crc32c(bytes, CHECKED_FROM, byteLength) !== checksum) return corrupt("the checksum is wrong");
  if (reader.uint32() !== shapeChecksum(shape)) {
    return fail({ reason: "table_shape", detail: "the table has other groups or measures" });
  }
  const size = reader.uint32();
  const table = new GroupTable(reader.float64(), shape, state.interners);
  table.changedAt = reader.float64();
  const keys = state.interners.map((interner) => readKeys(reader, interner, size));
  table.restore(keys, reader.integers(size), size);
  for (const accumulator of table.accumulators) accumulator.read(reader, size);
  return ok(table);
}

/** The length of the piece that begins at `at`, or null if its header has not arrived whole: how to cut a byte stream. */
export function pieceLength(bytes: Uint8Array, at = 0): number | null {
  if (bytes.length - at < LENGTH_AT + 4) return null;
  return new DataView(bytes.buffer, bytes.byteOffset + at, LENGTH_AT + 4).getUint32(LENGTH_AT, true);
}

function encodeGroups(shape: Shape, table: GroupTable, from: number, to: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(HEADER_BYTES + 16 * (to - from));
  writer.uint32(MAGIC);
  writer.uint32(VERSION);
  writer.uint32(0);
  writer.uint32(0);
  writer.uint32(shapeChecksum(shape));
  writer.uint32(to - from);
  writer.float64(table.start);
  writer.float64(table.changedAt);
  table.keys.forEach((codes, k) => writeKeys(writer, table.interners[k] as Interner, codes, from, to));
  writer.integers(table.records, from, to);
  for (const accumulator of table.accumulators) accumulator.write(writer, from, to);
  const bytes = writer.finish();
  const header = new DataView(bytes.buffer);
  header.setUint32(LENGTH_AT, bytes.length, true);
  header.setUint32(CHECKSUM_AT, crc32c(bytes, CHECKED_FROM, bytes.length), true);
  return bytes;
}

/** Writes the values that occur, then for each group which of them it has. */
function writeKeys(writer: ByteWriter, interner: Interner, codes: CodeArray, from: number, to: number): void {
  // A map, because a window may use few of very many values.
  const local = new Map<number, number>([[0, 0]]);
  const texts: string[] = [];
  const column = new Uint32Array(to - from);
  for (let group = from; group < to; group++) {
    const code = codes[group] as number;
    let own = local.get(code);
    if (own === undefined) {
      own = texts.push(taggedText(interner.valueOf(code) as AttributeValue));
      local.set(code, own);
    }
    column[group - from] = own;
  }
  writer.texts(texts);
  writer.integers(column, 0, column.length);
}

function readKeys(reader: ByteReader, interner: Interner, count: number): Uint32Array {
  const own = [0, ...reader.texts().map((text) => interner.intern(untaggedValue(text)))];
  const local = reader.integers(count);
  const codes = new Uint32Array(count);
  for (let group = 0; group < count; group++) codes[group] = own[local[group] as number] as number;
  return codes;
}

/** The first group that no longer fits a piece of `bytesMax` which begins with the group `from`. */
function pieceEnd(table: GroupTable, from: number, bytesMax: number): number {
  // A constant for each column: counts, widths and padding.
  let bytes = HEADER_BYTES + 64 * (1 + table.keys.length + table.accumulators.length);
  let group = from;
  for (; group < table.size; group++) {
    bytes += 8;
    table.keys.forEach(
      (codes, k) => (bytes += keyBytes((table.interners[k] as Interner).valueOf(codes[group] as number))),
    );
    for (const accumulator of table.accumulators) bytes += accumulator.bytesOf(group);
    if (bytes > bytesMax && group > from) break;
  }
  return group;
}

/** At most: a tag and three bytes a UTF-16 unit, a length of 4 and a code of 4. Most values are found by several groups. */
const keyBytes = (value: Value): number => 8 + (value === null ? 0 : 3 * (1 + String(value).length));

/** Tells tables of different shapes apart. The names of measures are no part of it: they hold the same numbers. */
function shapeChecksum({ groupBy, accumulators }: Shape): number {
  const text = new TextEncoder().encode(JSON.stringify([groupBy, accumulators.map((a) => [a.kind, a.attribute])]));
  return crc32c(text, 0, text.length);
}

const corrupt = (detail: string) => fail<TableFailure>({ reason: "table_corrupt", detail });
