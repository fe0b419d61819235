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
 *   additions: the dictionary entries that this batch was the first to use (tail batches only; dictionary-additions.ts)
 *   columns
 */
import { fail } from "#protocol";

export const MAGIC = 0x31425748;
export const VERSION = 1;
export const HEADER_BYTES = 72;
export const DIRECTORY_ENTRY_BYTES = 24;

/** Kinds of column. Numbers are stored: never renumber. */
export const KIND = { integers: 0, codes: 1, numbers: 2, hashes: 3, texts: 4 } as const;

/** Ids of the columns that every batch has; attributes count from 0. */
export const SYSTEM = { minutes: 0xff00, milliseconds: 0xff01, appendTimes: 0xff02, fromPages: 0xff03 } as const;

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
  readonly detail: "short" | "magic" | "version" | "checksum";
}

export const corrupt = (detail: CorruptBatch["detail"]) => fail<CorruptBatch>({ reason: "corrupt_batch", detail });
