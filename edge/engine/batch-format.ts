/**
 * The stored form of a column batch: the one format of the log, of a single click as of a sealed segment.
 *
 * A batch lies in several *parts*. The hot part has what every fold reads: header, directory, minutes and runs. A segment keeps
 * each attribute's codes, numbers and hashes in a part of its own, so that a fold reads only those it needs; a batch of the
 * tail, which is one row, keeps them in the hot part. The cold part has the rest: milliseconds, append times, origins, the
 * order of arrival, and the texts behind hashes. All is little-endian, and every column starts at a multiple of 8 bytes, so
 * that reading is a view. A column whose elements are all equal has no bytes, only a base.
 *
 *   header, 72 bytes
 *      0  u32  magic "HWB1"              4  u32  CRC-32C from byte 8 to where the columns begin
 *      8  u16  version                  10  u16  number of columns
 *     12  u32  bytes of the additions   16  f64  base offset
 *     24  u32  count                    28  u32  generation of the dictionaries
 *     32  f64  least minute             40  f64  greatest minute
 *     48  f64  greatest append time     56  u64  reserved, 0
 *     64  u64  reserved, 0
 *   directory, 32 bytes a column
 *      0  u16  attribute id, or a system column's     2  u8  kind   3  u8  bytes an element, 0: only the base
 *      4  u8   part                                   5  u8  decimals  6  u16 reserved, 0
 *      8  u32  start in its part                     12  u32  bytes
 *     16  u32  number of elements                    20  u32  CRC-32C of the column's bytes
 *     24  f64  base
 *   additions: the dictionary entries that this batch was the first to use (tail batches only; dictionary-additions.ts)
 *   columns
 *
 * A column is checked against its CRC-32C when it is read, unless whoever keeps the batch knows that it is sound.
 *
 * A grouped batch (see group-rows.ts) has its rows in the order of its groups, and instead of a column of minutes the columns
 * that say where stretches and runs begin; the attribute that makes the runs has a code a run instead of one a record. Append
 * times stay in the order of offsets, in which they never fall and compress to nothing.
 */
import { fail } from "#protocol";

export const MAGIC = 0x31425748;
export const VERSION = 2;
export const HEADER_BYTES = 72;
export const DIRECTORY_ENTRY_BYTES = 32;

/** Numbers of the parts. Those of columns kept apart count from 1; columns beyond the last of them share it. */
export const PART = { hot: 0, cold: 255 } as const;
export const COLUMN_PARTS_MAX = 8;

/** Kinds of column. Numbers are stored: never renumber. */
export const KIND = { integers: 0, codes: 1, numbers: 2, hashes: 3, texts: 4, runCodes: 5, decimals: 6 } as const;

/** Ids of the columns that are no attribute's; attributes count from 0. */
export const SYSTEM = {
  minutes: 0xff00,
  milliseconds: 0xff01,
  appendTimes: 0xff02,
  fromPages: 0xff03,
  /** Of a grouped batch: the minute of each stretch, its rows, its runs; the length of each run; the order of arrival. */
  stretchMinutes: 0xff04,
  stretchRows: 0xff05,
  stretchRuns: 0xff06,
  runLengths: 0xff07,
  arrival: 0xff08,
} as const;

/** What the header alone tells: enough to skip a batch, or to know whose dictionaries it needs. */
export interface BatchHeader {
  readonly baseOffset: number;
  readonly count: number;
  readonly generation: number;
  readonly minuteMin: number;
  readonly minuteMax: number;
  readonly appendTimeMax: number;
}

/** The parts of a batch. */
export interface EncodedBatch {
  readonly hot: Uint8Array;
  /** Parts 1, 2, …; none of a batch of the tail. */
  readonly apart: readonly Uint8Array[];
  readonly cold: Uint8Array;
}

/** Reads the parts of a batch other than the hot one, when something in them is first asked for. */
export interface PartReader {
  apart(part: number): Uint8Array;
  cold(): Uint8Array;
}

/** What is known of the columns of a batch, by their places in the directory. */
export interface ColumnChecks {
  /** Whether it was read before, and was as it was written. */
  isSound(column: number): boolean;
  foundSound(column: number): void;
}

export interface CorruptBatch {
  readonly reason: "corrupt_batch";
  readonly detail: "short" | "magic" | "version" | "checksum";
}

export const corrupt = (detail: CorruptBatch["detail"]) => fail<CorruptBatch>({ reason: "corrupt_batch", detail });
